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
from wow_flywheel.evaluation.repair import by_issue_type, judge_sites, repair_outcomes, site_rows
from wow_flywheel.evaluation.slices import compare_slices
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import Site
from wow_flywheel_tests.unit.evaluation.stand_in import reply


def site(number: int, issue: str) -> Site:
    said = DialogueAction(reply="Again.")
    prompt = ({"role": "user", "content": "Hi"},)
    return Site(dt.date(2026, 1, 5), f"c{number}", f"u{number}", "refund", 1, issue, prompt, said)


SITES = [site(1, "script_repetition"), site(2, "script_repetition"), site(3, "hallucination")]
ROWS = site_rows(SITES, {"c1": "en", "c2": "zh"})


def replies(model: str, *said: str | None) -> pl.DataFrame:
    names = [each.pair_id for each in SITES]
    return pl.DataFrame({"model": model, "episode": names, "raw": said}, schema_overrides={"raw": pl.String})


def inspectors(given: Sequence[tuple[Site, Candidate]]) -> list[str | None]:
    """Object to nothing but `Again.`; and see no more than the turn and the reply."""
    return ["still finds it" if candidate.output.reply == "Again." else None for _, candidate in given]


def outcomes() -> pl.DataFrame:
    said = pl.concat([replies("old", reply("Again."), reply("Hi."), reply("Again.")), replies("new", reply("A."), None, "no")])
    return repair_outcomes(ROWS, judge_sites(SITES, said, inspectors))


def test_a_turn_is_repaired_if_the_inspectors_pass_a_valid_reply() -> None:
    found = {(row["model"], row["episode"]): row["repair_rate"] for row in outcomes().iter_rows(named=True)}
    assert found == {
        ("old", "c1#1"): 0.0, ("old", "c2#1"): 1.0, ("old", "c3#1"): 0.0,
        ("new", "c1#1"): 1.0, ("new", "c2#1"): 0.0, ("new", "c3#1"): 0.0,
    }  # fmt: skip


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
