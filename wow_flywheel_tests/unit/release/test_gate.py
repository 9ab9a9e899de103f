"""The gate's decisions, as a table written by hand."""

from typing import Any

import polars as pl
import pytest

from wow_flywheel.contracts import COMPARISONS, EVALUATIONS
from wow_flywheel.errors import ReleaseError
from wow_flywheel.release.decision import Decision
from wow_flywheel.release.gate import OFFLINE_RULES, GateRules, decide

LOWER_IS_BETTER = {"rr", "usm1", "reply_loss"}
Changes = dict[str, tuple[float | None, float | None, float | None]]

GOOD: Changes = {
    "rr": (-0.30, -0.40, -0.20),
    "usm2": (0.10, 0.02, 0.18),
    "usm1": (-0.05, -0.10, 0.00),
    "solve_rate": (0.00, -0.03, 0.03),
    "action_accuracy": (0.01, -0.02, 0.04),
    "format_validity": (0.00, 0.00, 0.00),
}


def frames(changes: Changes, n: int = 100, available: int = 100, baseline: float = 0.5) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A comparison with the given (difference, low, high) a metric, and evaluations of both models."""
    common: dict[str, Any] = {"cycle": "c1", "kind": "simulated"}
    comparisons = [
        {"baseline": "prod", "candidate": "dpo", "metric": m, "difference": d, "low": low, "high": high,
         "n": n if d is not None else 0, "higher_is_better": m not in LOWER_IS_BETTER, **common}
        for m, (d, low, high) in changes.items()
    ]  # fmt: skip
    evaluations = [
        {"model": model, "metric": m, "value": baseline, "low": 0.4, "high": 0.6, "n": available,
         "higher_is_better": m not in LOWER_IS_BETTER, **common}
        for m in changes for model in ("prod", "dpo")
    ]  # fmt: skip
    return pl.DataFrame(comparisons, schema=COMPARISONS.columns), pl.DataFrame(evaluations, schema=EVALUATIONS.columns)


def decided(changes: Changes, rules: GateRules | None = None, **sizes: Any) -> Decision:
    return decide(*frames(changes, **sizes), rules or GateRules())


@pytest.mark.parametrize(
    ("change", "passed", "reason"),
    [
        # What the change is on top of a good candidate; does it pass; and words of the reason.
        ({}, True, "rr improved: -0.300"),
        ({"rr": (-0.01, -0.10, 0.04)}, True, "usm2 improved: +0.100"),
        ({"usm2": (0.01, -0.04, 0.06)}, True, "rr improved"),
        ({"rr": (-0.01, -0.04, 0.02), "usm2": (0.01, -0.04, 0.06)}, False, "rr looks better, but the interval reaches"),
        ({"rr": (0.01, -0.01, 0.03), "usm2": (-0.01, -0.04, 0.02)}, False, "rr did not improve"),
        ({"rr": (0.00, 0.00, 0.00), "usm2": (0.00, 0.00, 0.00)}, False, "usm2 did not improve"),
        ({"solve_rate": (-0.02, -0.05, 0.01)}, True, "rr improved"),
        ({"solve_rate": (-0.02, -0.06, 0.02)}, False, "solve_rate may be more than 0.05 worse"),
        ({"usm1": (0.01, -0.01, 0.03)}, True, "rr improved"),
        ({"usm1": (0.01, -0.02, 0.04)}, False, "usm1 may be more than 0.03 worse"),
        ({"action_accuracy": (-0.20, -0.30, -0.10)}, False, "action_accuracy may be more than 0.05 worse"),
        ({"format_validity": (-0.01, -0.03, 0.01)}, False, "format_validity may be more than 0.02 worse"),
        ({"usm2": (-0.10, -0.18, -0.02)}, False, "usm2 may be more than 0.05 worse"),
        ({"rr": (-0.30, None, None)}, False, "no interval"),
    ],
)
def test_decisions(change: Changes, passed: bool, reason: str) -> None:
    decision = decided({**GOOD, **change})
    assert decision.passed is passed
    assert reason in decision.reason


def test_all_targets_may_be_asked_for() -> None:
    only_rr = {**GOOD, "usm2": (0.01, -0.04, 0.06)}
    assert decided(only_rr).passed
    refused = decided(only_rr, GateRules(targets_needed="all"))
    assert not refused.passed
    assert "usm2 looks better" in refused.reason


def test_a_tolerance_lets_the_interval_reach_a_little_over_zero() -> None:
    small = {"rr": (-0.05, -0.12, 0.02)}
    assert not decided(small).passed
    assert decided(small, GateRules(target_tolerance=0.03)).passed
    assert not decided(small, GateRules(target_tolerance=0.02)).passed
    assert not decided({"rr": (0.0, -0.02, 0.02)}, GateRules(target_tolerance=0.03)).passed


def test_absent_metrics_are_not_applicable_and_do_not_block() -> None:
    decision = decided({"rr": GOOD["rr"]})
    assert decision.passed
    states = {check.name: check.passed for check in decision.checks}
    assert states == {
        "rr improves": True,
        "usm2 improves": None,
        "solve_rate not worse": None,
        "action_accuracy not worse": None,
        "usm1 not worse": None,
        "usm2 not worse": None,
        "rr not worse": True,
        "format_validity not worse": None,
        "general_loss_change within its limit": None,
        "rr episodes": True,
        "solve_rate power": None,
        "action_accuracy power": None,
        "usm1 power": None,
        "usm2 power": None,
        "rr power": None,
        "format_validity power": None,
    }


def test_without_any_target_the_gate_stays_shut() -> None:
    decision = decided({"action_accuracy": (0.2, 0.1, 0.3)})
    assert not decision.passed
    assert decision.reason == "no target metric was measured on both models: rr, usm2"


def test_offline_rules_have_their_own_targets() -> None:
    assert decided({"reply_loss": (-0.2, -0.3, -0.1), "action_accuracy": (0.0, -0.01, 0.01)}, OFFLINE_RULES).passed


def test_too_few_episodes_are_refused() -> None:
    assert decided(GOOD, n=50, available=50).passed
    decision = decided(GOOD, n=49, available=49)
    assert not decision.passed
    assert "rr was compared on 49 of 49 episodes; at least 50 are needed" in decision.reason


def test_a_candidate_cannot_pass_by_leaving_episodes_out() -> None:
    assert decided(GOOD, n=90, available=100).passed
    decision = decided(GOOD, n=89, available=100)
    assert not decision.passed
    assert "rr was compared on 89 of 100 episodes; at least 90 are needed" in decision.reason


def test_a_metric_that_only_one_model_has_blocks() -> None:
    decision = decided({**GOOD, "action_accuracy": (None, None, None)})
    assert not decision.passed
    assert "action_accuracy was compared on 0 of 100 episodes" in decision.reason


def test_a_check_carries_its_numbers() -> None:
    check = next(check for check in decided(GOOD).checks if check.name == "usm1 not worse")
    assert check.model_dump() == {
        "name": "usm1 not worse", "metric": "usm1", "kind": "non-inferiority", "margin": 0.03, "difference": -0.05,
        "low": -0.1, "high": 0.0, "n": 100, "p_value": None, "needed": None, "passed": True,
        "why": "usm1 is at most 0.03 worse: -0.050 (95 % interval -0.100 to +0.000, n = 100)",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "alarms"),
    [
        ({}, []),
        ({"rr": (0.0, -0.1, 0.1)}, ["RR not falling"]),
        ({"usm1": (0.06, 0.02, 0.10)}, ["USM 1 up or USM 2 down after DPO"]),
        ({"usm2": (-0.06, -0.10, -0.02)}, ["USM 1 up or USM 2 down after DPO"]),
        ({"usm2": (-0.06, -0.14, 0.02)}, []),
        ({"rr": (0.2, 0.1, 0.3), "usm2": (-0.2, -0.3, -0.1)}, ["RR not falling", "USM 1 up or USM 2 down after DPO"]),
    ],
)
def test_failure_signatures_raise_named_alarms(change: Changes, alarms: list[str]) -> None:
    assert [alarm.name for alarm in decided({**GOOD, **change}).alarms] == alarms


def test_repetition_that_is_already_nil_cannot_fall() -> None:
    assert decided({**GOOD, "rr": (0.0, 0.0, 0.0)}, baseline=0.0).alarms == ()


def test_the_candidates_own_metrics_are_kept() -> None:
    decision = decided({"rr": GOOD["rr"]})
    assert [value.model_dump() for value in decision.metrics] == [
        {"metric": "rr", "value": 0.5, "low": 0.4, "high": 0.6, "n": 100, "kind": "simulated"}
    ]


def test_one_pair_at_a_time() -> None:
    comparisons, evaluations = frames(GOOD)
    both = pl.concat([comparisons, comparisons.with_columns(candidate=pl.lit("sft"))])
    with pytest.raises(ReleaseError, match="one candidate against one baseline"):
        decide(both, evaluations, GateRules())
    with pytest.raises(ReleaseError, match="one candidate against one baseline"):
        decide(comparisons.clear(), evaluations, GateRules())
    with pytest.raises(ReleaseError, match=r"evaluations lack \['prod'\]"):
        decide(comparisons, evaluations.filter(model="dpo"), GateRules())


@pytest.mark.parametrize(
    "wrong",
    [{"targets": ()}, {"margins": {"rr": -0.1}}, {"min_episodes": 0}, {"min_coverage": 1.1}, {"target_tolerance": -1.0}],
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ReleaseError, match="make no sense"):
        GateRules(**wrong)


def test_a_decision_survives_json() -> None:
    decision = decided(GOOD)
    assert Decision.model_validate_json(decision.model_dump_json()) == decision
