"""Repair rate: which turns, and what verdicts become; and the comparison by group."""

import datetime as dt
from collections.abc import Sequence

import polars as pl
import pytest

from wow_flywheel.contracts import COMPARISON_SLICES, ISSUE_TYPES
from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.errors import SettingsError
from wow_flywheel.evaluation.general import general_outcomes, read_texts
from wow_flywheel.evaluation.measure import measure
from wow_flywheel.evaluation.metrics import summarise
from wow_flywheel.evaluation.owed import Owed
from wow_flywheel.evaluation.repair import CONSTANTS, by_issue_type, in_words, judge_sites, repair_outcomes, site_rows
from wow_flywheel.evaluation.slices import compare_slices
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import Site
from wow_flywheel_tests.unit.evaluation.stand_in import reply


def site(number: int, issue: str) -> Site:
    said = DialogueAction(reply="Again.")
    prompt = ({"role": "user", "content": "Hi"},)
    return Site(dt.date(2026, 1, 5), f"c{number}", f"u{number}", "refund", 1, issue, prompt, said)


SITES = [site(1, "script_repetition"), site(2, "script_repetition"), site(3, "hallucination")]
OWED = {each.pair_id: Owed("facts", "log", facts=("58",)) for each in SITES}
ROWS = site_rows(SITES, {"c1": "en", "c2": "zh"}, OWED)


def replies(model: str, *said: str | None) -> pl.DataFrame:
    names = [each.pair_id for each in SITES]
    return pl.DataFrame({"model": model, "episode": names, "raw": said}, schema_overrides={"raw": pl.String})


def inspectors(given: Sequence[tuple[Site, Candidate]]) -> list[str | None]:
    """Object to nothing but `Again: 58.`; and see no more than the turn and the reply."""
    return ["still finds it" if candidate.output.reply == "Again: 58." else None for _, candidate in given]


def judged() -> pl.DataFrame:
    old = replies("old", reply("Again: 58."), reply("It is 58."), reply("Hm."))
    return judge_sites(SITES, pl.concat([old, replies("new", reply("You get 58."), None, "no")]), OWED, inspectors)


def outcomes() -> pl.DataFrame:
    return repair_outcomes(ROWS, judged().filter(~pl.col("model").is_in(list(CONSTANTS))))


def test_a_turn_is_repaired_if_the_reply_does_what_was_owed_and_the_inspectors_pass_it() -> None:
    found = {(row["model"], row["episode"]): row["repair_rate"] for row in outcomes().iter_rows(named=True)}
    assert found == {
        ("old", "c1#1"): 0.0, ("old", "c2#1"): 1.0, ("old", "c3#1"): 0.0,
        ("new", "c1#1"): 1.0, ("new", "c2#1"): 0.0, ("new", "c3#1"): 0.0,
    }  # fmt: skip


def test_each_refusal_says_why() -> None:
    reasons = {(model, name): why for model, name, why in judged().rows()}
    assert [reasons["old", each.pair_id] for each in SITES] == ["still finds it", None, "does not do what was owed: state 58"]
    assert [reasons["new", each.pair_id] for each in SITES] == [None, *["no valid dialogue-action object"] * 2]


def test_constant_replies_are_judged_beside_the_models() -> None:
    rates = repair_outcomes(ROWS, judged()).group_by("model").agg(pl.col("repair_rate").sum(), n=pl.len())
    assert {row[0]: row[1:] for row in rates.rows()} == {
        "old": (1.0, 3), "new": (1.0, 3), "constant: Okay.": (0.0, 3), "constant: apology": (0.0, 3),
        "constant: the customer's words": (0.0, 3),
    }  # fmt: skip


def test_turns_of_which_nothing_is_known_are_not_judged_and_counted() -> None:
    known = {name: owed for name, owed in OWED.items() if name != "c3#1"}
    rows = site_rows(SITES, {}, known)
    assert rows["owed"].to_list() == ["state 58", "state 58", None]
    found = judge_sites(SITES, replies("old", *[reply("It is 58.")] * 3), known, inspectors)
    assert set(found["site"]) == {"c1#1", "c2#1"}
    evaluations = summarise(repair_outcomes(rows, found), "c1", "repair")
    assert in_words(rows, evaluations) == (
        "A turn is repaired if the reply does what was right there and the inspectors object to nothing. 2 of 3 turns are "
        "judged; of 1 neither log nor Good Cases nor procedure say what was right. Constant replies, which serve nobody, "
        "reach: Okay. 0%; apology 0%; the customer's words 0%."
    )
    counted = by_issue_type(compare_slices(outcomes(), "old", "new", "c1", "repair"), rows)
    assert counted.filter(issue_type="hallucination")["not_judged"].item() == 1
    assert counted.filter(issue_type="policy_violation")["not_judged"].item() == 0


def test_all_eight_issue_types_are_reported_with_their_counts() -> None:
    slices = compare_slices(outcomes(), "old", "new", "c1", "repair")
    rows = by_issue_type(slices)
    assert rows["issue_type"].to_list() == list(ISSUE_TYPES)
    shown = {row["issue_type"]: (row["n"], row["before"], row["after"]) for row in rows.iter_rows(named=True)}
    assert shown["script_repetition"] == (2, 0.5, 0.5)
    assert shown["hallucination"] == (1, 0.0, 0.0)
    assert shown["policy_violation"] == (0, None, None)


def test_groups_are_scenarios_languages_and_issue_types() -> None:
    slices = compare_slices(outcomes(), "old", "new", "c1", "repair")
    assert slices.schema == pl.Schema(COMPARISON_SLICES.columns)
    groups = slices.select("slice_by", "slice", "difference", "n").rows()
    assert groups == [
        ("scenario", "refund", 0.0, 3), ("locale", "en", 1.0, 1), ("locale", "zh", -1.0, 1),
        ("issue_type", "hallucination", 0.0, 1), ("issue_type", "script_repetition", 0.0, 2),
    ]  # fmt: skip


def test_kinds_are_measured_side_by_side_and_a_judge_hears_the_candidate_alone() -> None:
    judged = outcomes().rename({"repair_rate": "judge_preference"}).drop("locale", "issue_type")
    three = pl.concat([outcomes(), outcomes().filter(model="new").with_columns(model=pl.lit("sft"))])
    found = measure({"repair": three, "judged": judged}, "old", ["sft", "new"], "c1")
    assert found.comparisons.select("kind", "candidate").rows() == [("repair", "sft"), ("repair", "new"), ("judged", "new")]
    assert set(found.evaluations["kind"]) == {"repair", "judged"}


def test_general_loss_is_compared_with_the_first_base(tmp_path) -> None:
    rows = general_outcomes({"base": [2.0, 4.0, None], "dpo": [2.2, 4.0, 1.0]}, "base")
    changes = rows.filter(model="dpo")["general_loss_change"].to_list()
    assert changes == [pytest.approx(0.1), 0.0, None]
    path = tmp_path / "general.jsonl"
    with pytest.raises(SettingsError, match="there is no file"):
        read_texts(path, 5)
    path.write_text('{"text": "a"}\n\n{"title": "b"}\n')
    assert read_texts(path, 1) == ["a"]
    with pytest.raises(SettingsError, match="line 3 has no text"):
        read_texts(path, 5)
