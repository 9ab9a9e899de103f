"""The benchmark of the panel against gold: what it hears, what it calls towards gold, what it counts."""

from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from benchmarks import labels_panel, labels_panel_counts
from benchmarks.labels_gold import Gold
from wow_flywheel.contracts import PANEL_CALLS
from wow_flywheel.inspection.run import Inspection


def gold(target: str, *truths: bool) -> Gold:
    keys = [f"c{i}" for i in range(len(truths))]
    return cast("Gold", SimpleNamespace(name="q", target=target, truths=list(truths), ids=keys))


def test_without_an_endpoint_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WOW_LLM_BASE_URL", raising=False)
    assert list(labels_panel.tables()) == [labels_panel.UNSET]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("", {"star": 40, "tau": 40}),
        ("12", {"star": 12, "tau": 12}),
        ("tau=3", {"star": 40, "tau": 3}),
        ("star=0, tau=5", {"star": 0, "tau": 5}),
    ],
)
def test_how_many_are_heard_is_said_for_all_sets_or_for_each(text: str, sizes: dict[str, int]) -> None:
    assert labels_panel.sizes_of(text) == sizes


@pytest.mark.parametrize("text", ["many", "moon=3", "star=", "star=-1"])
def test_a_malformed_number_is_named(text: str) -> None:
    with pytest.raises(SystemExit, match="WOW_BENCHMARK_CONVERSATIONS"):
        labels_panel.sizes_of(text)


def test_a_change_is_towards_gold_away_from_it_or_neither() -> None:
    """Unsolved by gold are c0 and c1. c0: good → review loses a wrong word; c1: review → good gains one; c2: good → bad says
    solved all the same; c3: good → failed turns a right word into a wrong one; c4 stays."""
    before = {"c0": "good", "c1": "review", "c2": "good", "c3": "good", "c4": "bad"}
    after = {"c0": "review", "c1": "good", "c2": "bad", "c3": "failed", "c4": "bad"}
    asked = gold("unsolved", True, True, False, False, False)
    assert list(labels_panel.changes(asked, range(5), before, after)) == [
        "| q | good → bad | 1 | 0 | 0 | 1 |",
        "| q | good → failed | 1 | 0 | 1 | 0 |",
        "| q | good → review | 1 | 1 | 0 | 0 |",
        "| q | review → good | 1 | 0 | 1 | 0 |",
        "| q | all, of 5 | 4 | 1 | 2 | 1 |",
    ]


def test_failed_says_nothing_of_satisfaction() -> None:
    asked = gold("dissatisfied", True)
    assert [labels_panel.value(asked, name, truth=True) for name in ("good", "bad", "failed", "review")] == [-1, 1, 0, 0]


def inspection(**counts: int) -> Inspection:
    none = {"step": [], "checks": [], "latency_s": [], "prompt_tokens": [], "completion_tokens": []}
    rows: dict[str, list[Any]] = none | {
        "step": ["grounding", "policy", "adjudicator"],
        "checks": [
            ["turn 1 hallucination: quote not found in the turn", "turn 3 hallucination: not ruled on"],
            ["turn 9 policy_violation: the conversation has no turn 9", "turn 8 x: the conversation has no turn 8"],
            ["claim 0, turn 3 hallucination: accepted (adjudicator: so it is)"],
        ],
        "latency_s": [1.0, 2.0, 3.5],
        "prompt_tokens": [1000, 900, 800],
        "completion_tokens": [30, 20, 10],
    }
    decided = [("llm", "rejected", "quote not found in the turn", "major"), ("llm", "accepted", "adjudicator: so", "major")]
    claims = pl.DataFrame(decided, schema=["kind", "decision", "decision_reason", "severity"], orient="row")
    calls = pl.DataFrame(rows).with_columns(pl.lit(None).alias("reply"))
    assert set(rows) <= set(PANEL_CALLS.columns)
    return Inspection(claims, pl.DataFrame(), counts, calls)


def test_claims_are_counted_by_what_became_of_them() -> None:
    found = labels_panel_counts.claims(inspection())
    assert found == {
        "claims made": "4",
        "refuted by code": "3",
        "– there is no such turn": "2",
        "– quote not found in the turn": "1",
        "rejected by the adjudicator": "0",
        "fell in the reverse check": "0",
        "left open": "0",
        "upheld": "1 (1 severe)",
    }


def test_answers_are_counted_by_when_they_fitted() -> None:
    counts = {"llm_answers": 8, "llm_repaired": 2, "llm_failed_truncated": 3, "llm_failed_timed_out": 1, "failures": 2}
    found = list(labels_panel_counts.answers(inspection(**counts)).values())
    assert found == ["6", "2", "3 truncated", "1 timed_out", "2"]


def test_effort_is_that_of_all_answers_whenever_they_were_paid_for() -> None:
    counts = {"llm_calls": 0, "llm_from_ledger": 3, "llm_lost_tries": 0, "llm_pushbacks": 0}
    found = list(labels_panel_counts.effort(inspection(**counts)).values())
    assert found == ["3 (0 calls now, 3 from the ledger)", "2,700", "60", "6", "0, 0"]
