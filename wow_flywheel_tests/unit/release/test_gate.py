"""The gate's decisions, as a table written by hand."""

from typing import Any

import polars as pl
import pytest

from wow_flywheel.contracts import COMPARISONS, EVALUATIONS
from wow_flywheel.errors import ReleaseError
from wow_flywheel.release.alarms import alarms_of
from wow_flywheel.release.changes import Change
from wow_flywheel.release.decision import Decision
from wow_flywheel.release.gate import decide
from wow_flywheel.release.gate_checks import holm
from wow_flywheel.release.gate_rules import OFFLINE_RULES, GateRules

LOWER_IS_BETTER = {"rr", "usm1", "reply_loss", "too_long"}
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
    assert decided(small, GateRules(target_tolerance=0.03, required=())).passed
    assert not decided(small, GateRules(target_tolerance=0.02, required=())).passed
    assert not decided({"rr": (0.0, -0.02, 0.02)}, GateRules(target_tolerance=0.03, required=())).passed


def test_absent_metrics_that_nobody_requires_are_not_applicable_and_do_not_block() -> None:
    decision = decided({"rr": GOOD["rr"]}, GateRules(required=("rr",)))
    assert decision.passed
    states = {check.name: check.passed for check in decision.checks if check.passed is not None}
    assert states == {"rr improves": True, "rr not worse": True, "rr measured": True, "rr episodes": True}
    skipped = {check.metric for check in decision.checks if check.passed is None}
    assert skipped == {*GateRules().margins, "usm2", "general_loss_change"}, "rr has no spread, hence no power"


def test_an_absent_metric_that_is_required_blocks_and_the_reason_says_what_to_do() -> None:
    decision = decided({"rr": GOOD["rr"]})
    assert not decision.passed
    assert (
        "solve_rate is required and was not measured → set WOW_ENVIRONMENT to customers that say whether their demand was "
        "solved, or leave it out of gate.required in WOW_CHECKS"
    ) in decision.reason
    alone = decided({"reply_loss": (-0.2, -0.3, -0.1)}, OFFLINE_RULES)
    assert not alone.passed
    assert "rr is required and was not measured → label more days before the cycle" in alone.reason


OFFLINE: Changes = {
    "repair_rate": (0.20, 0.10, 0.30),
    "reply_loss": (-0.20, -0.30, -0.10),
    "action_accuracy": (0.00, -0.01, 0.01),
    "rr": (0.00, -0.01, 0.01),
    "format_validity": (0.00, 0.00, 0.00),
}


def test_a_surer_gate_has_wider_intervals() -> None:
    """At 99 % each half of an interval is 2.5758 / 1.9600 = 1.3142 times as long."""
    close = GOOD | {"usm1": (0.0, -0.02, 0.025)}
    assert decided(close).passed
    surer = decided(close, GateRules(confidence=0.99))
    assert not surer.passed
    assert "usm1 may be more than 0.03 worse: +0.000 (99 % interval -0.026 to +0.033, n = 100)" in surer.reason
    assert decided(close, GateRules(confidence=0.9)).passed


def test_the_decision_keeps_what_was_asked_for_and_which_models_were_judged() -> None:
    comparisons, evaluations = frames(GOOD)
    decision = decide(comparisons, evaluations, GateRules(min_episodes=60), {"prod": "aa", "dpo": "bb", "sft": "cc"})
    assert decision.models == {"prod": "aa", "dpo": "bb"}
    assert (decision.rules["min_episodes"], decision.rules["margins"]["usm1"]) == (60, 0.03)
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


def test_without_any_target_the_gate_stays_shut() -> None:
    decision = decided({"action_accuracy": (0.2, 0.1, 0.3)})
    assert not decision.passed
    assert decision.reason == "no target metric was measured on both models: rr, usm2"


def test_offline_rules_have_their_own_targets() -> None:
    assert decided(OFFLINE | {"repair_rate": (0.0, -0.1, 0.1)}, OFFLINE_RULES).passed


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


def test_the_alarm_of_a_kto_candidate_names_kto_and_its_labels() -> None:
    change = Change("usm2", -0.06, -0.1, -0.02, 100, 0.5, higher_is_better=True, kind="simulated")
    evaluations = pl.DataFrame(schema={"model": pl.String, "metric": pl.String, "value": pl.Float64, "n": pl.Int64})
    (alarm,) = alarms_of({"usm2": change}, evaluations, "0001-base", "c1-kto")
    assert alarm.name == "USM 1 up or USM 2 down after KTO"
    assert alarm.why.endswith(": look for wrong labels")


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


def with_sd(changes: Changes, sd: float, n: int = 100) -> tuple[pl.DataFrame, pl.DataFrame]:
    comparisons, evaluations = frames(changes, n=n, available=n)
    return comparisons.with_columns(sd=pl.lit(sd)), evaluations


@pytest.mark.parametrize(
    ("values", "adjusted"),
    [
        ({"a": 0.01, "b": 0.04}, {"a": 0.02, "b": 0.04}),
        ({"a": 0.04, "b": 0.03}, {"b": 0.06, "a": 0.06}),
        ({"a": 0.01, "b": 0.02, "c": 0.9}, {"a": 0.03, "b": 0.04, "c": 0.9}),
        ({"a": 0.7, "b": 0.6}, {"b": 1.0, "a": 1.0}),
    ],
)
def test_holm(values: dict[str, float], adjusted: dict[str, float]) -> None:
    assert holm(values) == pytest.approx(adjusted)


def test_with_two_chances_to_improve_each_must_be_surer() -> None:
    """rr falls by 0.10 with s = 0.5 on 100 episodes: z = 2, p = 0.023, which two targets double to 0.046."""
    close = {"rr": (-0.10, -0.198, -0.002), "usm2": (0.0, -0.04, 0.04)}
    refused = decide(*with_sd(close, 0.5), GateRules(required=()))
    assert not refused.passed
    assert "with several targets this may be luck (p = 0.046 of all)" in refused.reason
    assert decide(*with_sd(close, 0.5), GateRules(targets=("rr",), required=())).passed
    assert decide(*with_sd(close, 0.4), GateRules(required=())).passed, "z = 2.5, p = 0.0062, doubled 0.0124"


def test_the_power_of_each_margin_is_shown_and_blocks_nothing() -> None:
    decision = decide(*with_sd(GOOD, 0.5), GateRules())
    check = next(check for check in decision.checks if check.name == "usm1 power")
    # (2.801585 · 0.5 / 0.03)² = 2180.2; with 100: Φ(0.03 · 10 / 0.5 − 1.96) = Φ(−1.36) = 8.7 %.
    assert (check.passed, check.needed, decision.passed) == (False, 2181, True)
    assert check.why.endswith("needs 2181 episodes for a power of 80%; 100 were played, which reach 9%")


def test_a_refusal_for_want_of_episodes_says_how_many_would_tell() -> None:
    refused = decide(*with_sd(GOOD | {"usm1": (-0.01, -0.06, 0.04)}, 0.25), GateRules())
    # (2.801585 · 0.25 / 0.03)² = 545.1
    says = "usm1 may be more than 0.03 worse: -0.010 (95 % interval -0.060 to +0.040, n = 100); to tell takes about 546"
    assert (refused.passed, refused.reason) == (False, says)


@pytest.mark.parametrize(("high", "passed"), [(0.029, True), (0.031, False), (None, False)])
def test_general_loss_may_not_rise_beyond_its_limit(high: float | None, passed: bool) -> None:
    comparisons, evaluations = frames(GOOD)
    row = {"cycle": "c1", "model": "dpo", "metric": "general_loss_change", "value": 0.02, "low": 0.01, "high": high, "n": 80,
           "higher_is_better": False, "kind": "general"}  # fmt: skip
    general = pl.DataFrame([row], schema=EVALUATIONS.columns)
    decision = decide(comparisons, pl.concat([evaluations, general]), GateRules())
    assert decision.passed is passed
    assert passed or "general_loss_change is 0.020" in decision.reason


def test_the_end_to_end_rr_speaks_before_the_offline_one() -> None:
    comparisons, evaluations = frames(GOOD)
    offline = comparisons.filter(metric="rr").with_columns(kind=pl.lit("offline"), difference=pl.lit(0.9))
    decision = decide(pl.concat([offline, comparisons]), evaluations, GateRules())
    assert "rr improved: -0.300" in decision.reason


def test_a_target_alone_with_too_few_turns_does_not_improve_and_does_not_block() -> None:
    comparisons, evaluations = frames(GOOD | {"repair_rate": (0.3, 0.2, 0.4)})
    few = pl.col("metric") == "repair_rate"
    comparisons = comparisons.with_columns(n=pl.when(few).then(9).otherwise("n"))
    evaluations = evaluations.with_columns(n=pl.when(few).then(9).otherwise("n"))
    assert decide(comparisons, evaluations, GateRules(targets=("repair_rate", "rr"))).passed
    alone = decide(comparisons, evaluations, GateRules(targets=("repair_rate",)))
    assert not alone.passed
    assert "repair_rate has too little evidence" in alone.reason


def test_knowledge_that_is_cited_wrongly_raises_an_alarm() -> None:
    comparisons, evaluations = frames(GOOD | {"r_kn": (0.0, -0.1, 0.1)}, baseline=0.7)
    assert [alarm.name for alarm in decide(comparisons, evaluations, GateRules()).alarms] == ["R_kn low"]
