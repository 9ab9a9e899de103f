"""Labels: each path of the case rules, their bounds, the reasons, and a person's decision over all of it."""

from typing import Any

import polars as pl
import pytest

from wow_flywheel.cases.label import CaseRules, label
from wow_flywheel.contracts import TRIAGE
from wow_flywheel_tests.unit.cases.rows import (
    claim,
    conversations,
    decision,
    decisions,
    frame,
    inspections,
    satisfaction,
    signal,
    verdicts,
)
from wow_flywheel_tests.unit.cases.rows import verdict as scored
from wow_flywheel_tests.unit.inspection.talk import call, tool


def labelled(
    verdict: dict[str, Any] | None,
    *claims: dict[str, Any],
    said: dict[str, Any] | None = None,
    decided: list[dict[str, Any]] | None = None,
    rules: CaseRules | None = None,
) -> dict[str, Any]:
    """The case of one conversation."""
    found = label(
        conversations("a"),
        satisfaction(*([said] if said else [])),
        inspections(*claims),
        verdicts(*([verdict] if verdict else [])),
        decisions(*(decided or [])),
        rules,
    )
    assert found.height == 1
    return found.row(0, named=True)


@pytest.mark.parametrize(
    ("solved", "satisfied", "expected"),
    [
        (0.9, 0.9, "good"),
        (0.6, 0.65, "good"),  # the bounds belong to good
        (0.9, 0.1, "bad"),
        (0.6, 0.35, "bad"),
        (0.9, 0.5, "review"),  # neither satisfied nor dissatisfied
        (0.9, 0.36, "review"),
        (0.9, 0.64, "review"),
        (0.1, 0.9, "failed"),  # the verdict's opinion of satisfaction is no contradiction, only a rating is
        (0.1, 0.1, "failed"),
        (0.44, 0.5, "failed"),
        (0.45, 0.9, "review"),  # solved or not is unclear
        (0.59, 0.1, "review"),
    ],
)
def test_scores_alone(solved: float, satisfied: float, expected: str) -> None:
    assert labelled(scored(solved, satisfied))["label"] == expected


@pytest.mark.parametrize(
    ("severity", "ruling", "expected"),
    [
        ("major", "accepted", "bad"),
        ("critical", "accepted", "bad"),
        ("minor", "accepted", "good"),
        ("major", "rejected", "good"),
        ("major", "unresolved", "good"),
    ],
)
def test_only_accepted_severe_findings_spoil_a_good_case(severity: str, ruling: str, expected: str) -> None:
    row = labelled(scored(0.9, 0.9), claim("script_repetition", severity, 7, ruling))
    assert row["label"] == expected
    assert row["issue_types"] == (["script_repetition"] if expected == "bad" else [])


def test_a_severe_finding_makes_a_solved_case_bad_whatever_the_customer_says() -> None:
    assert labelled(scored(0.9, 0.5), claim("hallucination", "major", 3))["label"] == "bad"
    assert labelled(scored(0.9, 1.0), claim("hallucination", "major", 3), said=signal(1.0, explicit=True))["label"] == "bad"


def test_a_severe_finding_does_not_make_an_unsolved_case_bad() -> None:
    assert labelled(scored(0.2, 0.1), claim("hallucination", "major", 3))["label"] == "failed"
    assert labelled(scored(0.5, 0.1), claim("hallucination", "major", 3))["label"] == "review"


def test_low_confidence_a_failed_inspection_and_no_verdict_go_to_a_person() -> None:
    weak = labelled(scored(0.9, 0.9, confidence=0.39))
    assert (weak["label"], "low confidence 0.39" in weak["reasons"]) == ("review", True)
    assert labelled(scored(0.9, 0.9, confidence=0.4))["label"] == "good"
    broken = labelled(scored(0.9, 0.9, failures=["hallucination: timeout"]))
    assert (broken["label"], "inspection failed: hallucination: timeout" in broken["reasons"]) == ("review", True)
    nothing = labelled(None)
    assert nothing["label"] == "review"
    assert (nothing["solved_score"], nothing["satisfied_score"]) == (0.5, 0.5)
    assert "solved_score 0.5 from nothing" in nothing["reasons"]


def test_a_good_rating_of_what_was_not_solved_goes_to_a_person() -> None:
    row = labelled(scored(0.2, 0.1), said=signal(1.0, "thumb up", explicit=True))
    assert row["label"] == "review"
    assert "the customer rated it good, but it seems unsolved" in row["reasons"]


def test_a_rating_outweighs_the_verdict_and_signals_do_not() -> None:
    rated = labelled(scored(0.9, 0.9), said=signal(0.0, "thumb down", explicit=True))
    assert (rated["label"], rated["satisfied_score"]) == ("bad", 0.0)
    implied = labelled(scored(0.9, 0.9), said=signal(0.2, "complained"))
    assert (implied["label"], implied["satisfied_score"]) == ("good", 0.9)


def test_signals_count_where_there_is_no_verdict() -> None:
    row = labelled(None, said=signal(0.85, "thanked at the end"))
    assert (row["label"], row["satisfied_score"]) == ("review", 0.85)


def test_reasons_of_a_bad_case_in_plain_words() -> None:
    row = labelled(
        scored(0.92, 0.2),
        claim("script_repetition", "major", 7),
        claim("hallucination", "critical", 5),
        claim("poor_empathy", "minor", 3),
        said=signal(0.2, "complained", "asked for a human"),
    )
    assert row["reasons"] == [
        "solved_score 0.92 from evidence",
        "satisfied_score 0.2",
        "customer: complained, asked for a human",
        "accepted hallucination (critical) at turn 5 by repeats",
        "accepted script_repetition (major) at turn 7 by repeats",
    ]
    assert row["issue_types"] == ["hallucination", "script_repetition"]
    assert row["decided_by"] == "rules"


def test_an_issue_type_found_twice_is_named_once() -> None:
    row = labelled(scored(0.9, 0.9), claim("hallucination", "major", 3), claim("hallucination", "major", 5))
    assert row["issue_types"] == ["hallucination"]


@pytest.mark.parametrize("wanted", ["good", "bad", "failed", "review"])
def test_a_persons_decision_wins(wanted: str) -> None:
    row = labelled(scored(0.1, 0.1), decided=[decision(wanted, 9, note="read it twice")])
    assert (row["label"], row["decided_by"]) == (wanted, "ana")
    assert row["reasons"][:2] == ["decided by ana: read it twice", "solved_score 0.1 from evidence"]


def test_the_latest_decision_wins_wherever_it_stands() -> None:
    rows = [decision("bad", 15, "bob"), decision("good", 9), decision("failed", 11)]
    for order in (rows, rows[::-1]):
        row = labelled(scored(0.9, 0.9), decided=order)
        assert (row["label"], row["decided_by"], row["reasons"][0]) == ("bad", "bob", "decided by bob")


def test_a_decision_about_another_conversation_changes_nothing() -> None:
    row = labelled(scored(0.9, 0.9), decided=[decision("bad", 9, conversation_id="b")])
    assert (row["label"], row["decided_by"]) == ("good", "rules")


def test_thresholds_can_be_changed() -> None:
    assert labelled(scored(0.7, 0.9), rules=CaseRules(solved=0.8, failed=0.75))["label"] == "failed"
    strict = CaseRules(severity="minor")
    assert labelled(scored(0.9, 0.9), claim("poor_empathy", "minor", 3), rules=strict)["label"] == "bad"
    lenient = CaseRules(severity="critical")
    assert labelled(scored(0.9, 0.9), claim("poor_empathy", "major", 3), rules=lenient)["label"] == "good"


def test_every_conversation_has_one_case_in_order_and_an_empty_day_has_none() -> None:
    found = label(
        conversations("b", "a"),
        satisfaction(),
        inspections(claim("hallucination", "major", 1, conversation_id="b")),
        verdicts(scored(0.9, 0.9, "a"), scored(0.9, 0.9, "b")),
        decisions(),
    )
    assert found.select("conversation_id", "label", "user_id", "scenario").rows() == [
        ("a", "good", "u1", "refund"),
        ("b", "bad", "u1", "refund"),
    ]
    assert label(conversations(), satisfaction(), inspections(), verdicts(), decisions()).is_empty()


def with_tools(solved: float, risk: float | None = None, *, others: int = 0) -> dict[str, Any]:
    """The case of a satisfied conversation that called a tool, among `others` of its scenario that did not."""
    ids = ["a", *(f"o{i}" for i in range(others))]
    talks = pl.concat([conversations("a", messages=[call("refund", order=7), tool(ok=True)]), conversations(*ids[1:])])
    row = {"conversation_id": "a", "need_rank": 1, "trained_on": 90, "unsolved_risk": risk}
    found = label(
        talks, satisfaction(), inspections(), verdicts(*(scored(solved, 0.9, each) for each in ids)), decisions(),
        triage=frame(TRIAGE, row),
    )  # fmt: skip
    return found.filter(conversation_id="a").row(0, named=True)


def test_good_needs_more_than_thanks_where_tools_are_used() -> None:
    assert with_tools(0.75)["label"] == "good"
    weak = with_tools(0.74)
    assert weak["label"] == "review"
    assert "no tool result proves it: Good needs solved_score 0.75 where tools are used" in weak["reasons"]
    assert with_tools(0.74, others=2)["label"] == "good", "one call in three does not make it a scenario of tools"
    assert labelled(scored(0.6, 0.9))["label"] == "good", "where nobody calls tools, the customer's word is all there is"


def test_a_high_learned_risk_withholds_good_and_makes_no_other_label() -> None:
    assert with_tools(0.9, 0.29)["label"] == "good"
    risky = with_tools(0.9, 0.3)
    assert risky["label"] == "review"
    assert "the triage has learned an unsolved risk of 0.3" in risky["reasons"]
    assert with_tools(0.2, 0.1)["label"] == "failed", "a low risk makes nothing good"
    assert with_tools(0.9)["label"] == "good", "without enough decisions to learn from it withholds nothing"


def test_a_risk_does_not_touch_what_is_bad() -> None:
    talks = conversations("a", messages=[call("refund", order=7), tool(ok=True)])
    row = {"conversation_id": "a", "need_rank": 1, "trained_on": 90, "unsolved_risk": 0.9}
    found = label(talks, satisfaction(), inspections(), verdicts(scored(0.65, 0.1)), decisions(), triage=frame(TRIAGE, row))
    assert found["label"].item() == "bad"
