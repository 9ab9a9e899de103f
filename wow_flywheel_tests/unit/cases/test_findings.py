"""A person's word on a finding: what it does to claims, labels, scores and calibration, and that it stays."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.cases.findings import FindingDecisions, adjudicated, decide_finding, decided
from wow_flywheel.cases.label import label
from wow_flywheel.contracts import DECISIONS, FINDING_DECISIONS
from wow_flywheel.errors import DecisionError
from wow_flywheel.inspection.calibration.gate import AgreementLimits, judge
from wow_flywheel.inspection.calibration.people import agreement
from wow_flywheel.inspection.run import inspect
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.cases import rows
from wow_flywheel_tests.unit.cases.rows import DAY, NOON, claim
from wow_flywheel_tests.unit.inspection.talk import KNOWLEDGE, PROCEDURES, agent, day, finding, user


def ruling(decision: str, hour: int = 12, who: str = "ana", quote: str = "words", **columns: Any) -> dict[str, Any]:
    place = {"conversation_id": "a", "turn": 3, "issue_type": "script_repetition", "quote": quote}
    return place | {"decision": decision, "decided_by": who, "decided_at": NOON.replace(hour=hour)} | columns


def rulings(*given: dict[str, Any]) -> pl.DataFrame:
    return rows.frame(FINDING_DECISIONS, *given)


CLAIM = claim("script_repetition", "major", 3)


def test_the_latest_word_wins_and_what_was_adjudicated_is_kept() -> None:
    both = rulings(ruling("accepted", 9), ruling("rejected", 11, "bo", note="it was asked twice"))
    row = decided(rows.inspections(CLAIM), both).row(0, named=True)
    assert (row["decision"], row["adjudication"], row["decided_by"]) == ("rejected", "accepted", "bo")
    assert row["decision_reason"] == "bo rejected it: it was asked twice"
    assert decided(decided(rows.inspections(CLAIM), both), both).row(0, named=True) == row, "once more changes nothing"
    again = adjudicated(decided(rows.inspections(CLAIM), both))
    assert again.select("decision", "adjudication", "decided_by").row(0) == ("accepted", None, None)


@pytest.mark.parametrize(
    ("changed", "hit"),
    [
        ({"quote": "words and more"}, True),
        ({"quote": "word"}, True),
        ({"quote": "other"}, False),
        ({"inspector": "another"}, True),
        ({"turn": 4}, False),
        ({"issue_type": "hallucination"}, False),
        ({"conversation_id": "b"}, False),
    ],
)
def test_a_decision_is_about_the_words_at_a_turn_whoever_claims_them(changed: dict[str, Any], hit: bool) -> None:
    made = decided(rows.inspections(CLAIM | changed), rulings(ruling("rejected")))
    assert made["decision"].to_list() == ["rejected" if hit else "accepted"]


def labelled(found: pl.DataFrame) -> str:
    made = label(
        rows.conversations("a"), rows.satisfaction(rows.signal(0.9, "thanked")),
        decided(rows.inspections(CLAIM), found), rows.verdicts(rows.verdict(0.9, 0.9)), DECISIONS.empty(),
    )  # fmt: skip
    return str(made["label"].item())


def test_a_rejected_severe_finding_makes_no_bad_case() -> None:
    assert labelled(rulings()) == "bad"
    assert labelled(rulings(ruling("rejected"))) == "good"


TALK = [user("Where is order 7?"), agent("Which city are you in?"), user("I said order 7."), agent("Which city are you in?")]


def inspected(found: pl.DataFrame) -> tuple[dict[str, Any], float]:
    talk = day([*TALK, user("Well, thanks!")])
    made = inspect(
        talk, rule_findings=pl.DataFrame([finding("repeated_reply", "script_repetition", 3, "Which city are you in?")]),
        satisfaction=rows.satisfaction(), knowledge=pl.DataFrame(schema=KNOWLEDGE), procedures=pl.DataFrame(schema=PROCEDURES),
        by_people=FindingDecisions.of(found),
    )  # fmt: skip
    row = made.inspections.filter(pl.col("issue_type") == "script_repetition").row(0, named=True)
    return row, made.verdicts["satisfied_score"].item()


def test_a_rerun_of_inspection_asks_for_the_decision_and_the_scores_follow() -> None:
    before, score = inspected(rulings())
    assert (before["decision"], before["decided_by"]) == ("accepted", None)
    word = ruling("rejected", conversation_id="talk-0", quote="Which city are you in?")
    for _ in range(2):
        row, better = inspected(rulings(word))
        assert (row["decision"], row["adjudication"], row["decided_by"]) == ("rejected", "accepted", "ana")
        assert better > score


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Forty conversations that thank, each with a severe claim of one inspector; nobody decided anything."""
    lake, ids = Lake(str(tmp_path / "lake")), [f"c{i:02d}" for i in range(40)]
    lake.replace("conversations", rows.conversations(*ids, messages=TALK), DAY)
    lake.replace("satisfaction", rows.satisfaction(*(rows.signal(0.9, conversation_id=key) for key in ids)), DAY)
    lake.replace("inspections", rows.inspections(*(CLAIM | {"conversation_id": key} for key in ids)), DAY)
    lake.replace("verdicts", rows.verdicts(*(rows.verdict(0.9, 0.9, key) for key in ids)), DAY)
    lake.replace("cases", rows.cases(*(rows.a_case("bad", key) for key in ids)), DAY)
    return lake


def figure(lake: Lake) -> tuple[int, int]:
    found = agreement(lake, DAY, 28).filter(pl.col("inspector") == "repeats")
    return (0, 0) if found.is_empty() else found.select("claims", "upheld").row(0)


def test_rejected_findings_change_calibration_and_close_the_gate(lake: Lake) -> None:
    assert figure(lake) == (0, 0)
    lake.append(
        "finding_decisions", rulings(ruling("accepted", conversation_id="c00"), ruling("rejected", conversation_id="c01"))
    )
    assert figure(lake) == (2, 1)
    lake.append("finding_decisions", rulings(*(ruling("rejected", conversation_id=f"c{i:02d}") for i in range(2, 40))))
    assert figure(lake) == (40, 1)
    lake.replace("inspections", decided(lake.read("inspections", DAY), lake.read("finding_decisions", DAY)), DAY)
    assert figure(lake) == (40, 1), "that the rerun took the decisions over does not make the inspector better"
    verdict = judge(agreement(lake, DAY, 28), AgreementLimits())
    assert verdict.fell == ("repeats at script_repetition: people uphold 0.03 of its claims, below 0.5",)


def test_the_word_on_the_finding_counts_more_than_that_on_the_case(lake: Lake) -> None:
    lake.append("decisions", rows.decisions(*(rows.decision("bad", 9, conversation_id=key) for key in ("c00", "c01"))))
    assert figure(lake) == (2, 2)
    lake.append("finding_decisions", rulings(ruling("rejected", conversation_id="c00")))
    assert figure(lake) == (2, 1)
    labels = agreement(lake, DAY, 28).filter(pl.col("inspector") == "labels")
    assert labels.select("defects", "claims", "upheld").row(0) == (2, 2, 2), "labels are measured as rules give them"


def test_the_same_conversation_on_another_day_is_another_case(lake: Lake) -> None:
    other = DAY + dt.timedelta(days=1)
    for name in ("conversations", "satisfaction", "inspections", "verdicts", "cases"):
        lake.replace(name, lake.read(name, DAY).with_columns(dt=pl.lit(other)), other)
    lake.append("decisions", rows.decisions(rows.decision("good", 9, conversation_id="c00")))
    lake.append("decisions", rows.decisions(rows.decision("bad", 10, conversation_id="c00")).with_columns(dt=pl.lit(other)))
    assert figure(lake) == (2, 1)


def test_a_decision_is_only_about_what_is_claimed(lake: Lake) -> None:
    with pytest.raises(DecisionError, match="no inspector claims hallucination at turn 3 of 'c00'"):
        decide_finding(lake, DAY, "c00", (3, "hallucination", "words"), "rejected", "ana", "", NOON)
    with pytest.raises(DecisionError, match="'maybe' decides nothing"):
        decide_finding(lake, DAY, "c00", (3, "script_repetition", "words"), "maybe", "ana", "", NOON)
    with pytest.raises(DecisionError, match="has no case"):
        decide_finding(lake, DAY, "zz", (3, "script_repetition", "words"), "rejected", "ana", "", NOON)
    added = decide_finding(lake, DAY, "c00", (3, "script_repetition", "words"), "rejected", " ana ", "mail a@b.org", NOON)
    assert added.select("decided_by", "note").row(0) == ("ana", "mail <EMAIL_1>")
    assert lake.read("finding_decisions").height == 1


def test_labels_agree_with_people_by_issue_type_too(lake: Lake) -> None:
    """Rules call all forty bad for a repetition; people call half of these good. Two further ones are good by both."""
    more = ["d0", "d1"]
    both = {
        "conversations": rows.conversations(*more, messages=TALK),
        "verdicts": rows.verdicts(*(rows.verdict(0.9, 0.9, key) for key in more)),
    }
    for name, added in both.items():
        lake.replace(name, pl.concat([lake.read(name, DAY), added]), DAY)
    said = {f"c{i:02d}": "good" if i < 20 else "bad" for i in range(40)} | dict.fromkeys(more, "good")
    lake.append("decisions", rows.decisions(*(rows.decision(each, 9, conversation_id=key) for key, each in said.items())))
    found = agreement(lake, DAY, 28).filter(pl.col("inspector") == "labels").sort("issue_type")
    assert found.select("issue_type", "defects", "claims", "upheld").rows() == [
        ("*", 20, 40, 20),
        ("script_repetition", 20, 40, 20),
    ]
    # agreed: 22 of 42; by chance (40·20 + 2·22) / 42² = 0.4785; (0.5238 − 0.4785) / (1 − 0.4785)
    assert found["kappa"].round(3).to_list() == [0.087, 0.087]
