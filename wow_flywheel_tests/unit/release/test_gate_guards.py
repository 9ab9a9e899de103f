"""Whatever is measured may not get worse: margins of the metrics of quality, and what few episodes can say."""

import polars as pl
import pytest

from wow_flywheel.release.gate import decide
from wow_flywheel.release.gate_rules import OFFLINE_RULES, GateRules
from wow_flywheel_tests.unit.release.test_gate import GOOD, OFFLINE, Changes, decided, frames, with_sd


@pytest.mark.parametrize(
    ("changes", "rules", "reason"),
    [
        (OFFLINE | {"reply_loss": (1.0, 0.9, 1.1)}, OFFLINE_RULES, "reply_loss may be more than 0.05 worse"),
        (OFFLINE | {"repair_rate": (-0.4, -0.5, -0.3)}, OFFLINE_RULES, "repair_rate may be more than 0.15 worse"),
        (OFFLINE | {"slot_f1": (-0.5, -0.6, -0.4)}, OFFLINE_RULES, "slot_f1 may be more than 0.05 worse"),
        (OFFLINE | {"step_accuracy": (-0.5, -0.6, -0.4)}, OFFLINE_RULES, "step_accuracy may be more than 0.05 worse"),
        (OFFLINE | {"r_kn": (-0.5, -0.6, -0.4)}, OFFLINE_RULES, "r_kn may be more than 0.05 worse"),
        (OFFLINE | {"too_long": (0.5, 0.4, 0.6)}, OFFLINE_RULES, "too_long may be more than 0.02 worse"),
        (OFFLINE | {"judge_preference": (-0.9, -1.0, -0.8)}, OFFLINE_RULES, "judge_preference may be more than 0.2 worse"),
        (GOOD | {"repair_rate": (-0.4, -0.5, -0.3)}, GateRules(), "repair_rate may be more than 0.15 worse"),
        (GOOD | {"slot_f1": (-0.5, -0.6, -0.4)}, GateRules(), "slot_f1 may be more than 0.05 worse"),
        (GOOD | {"r_kn": (-0.5, -0.6, -0.4)}, GateRules(), "r_kn may be more than 0.05 worse"),
        (GOOD | {"reply_loss": (1.0, 0.9, 1.1)}, GateRules(), "reply_loss may be more than 0.1 worse"),
    ],
)
def test_whatever_is_measured_may_not_get_worse(changes: Changes, rules: GateRules, reason: str) -> None:
    assert decided(OFFLINE, OFFLINE_RULES).passed
    decision = decided(changes, rules)
    assert not decision.passed
    assert reason in decision.reason


def test_a_metric_that_nobody_requires_blocks_on_few_episodes_only_where_it_is_plainly_worse() -> None:
    within = (-0.05, -0.1, -0.01)  # plainly worse, and within the margin of 0.15: with more episodes it would pass as well
    for change, verdict in (((-0.1, -0.4, 0.2), None), ((-0.4, -0.7, -0.1), False), (within, True)):
        comparisons, evaluations = frames(GOOD | {"repair_rate": change})
        few = pl.col("metric") == "repair_rate"
        few_rows = [frame.with_columns(n=pl.when(few).then(20).otherwise("n")) for frame in (comparisons, evaluations)]
        decision = decide(few_rows[0], few_rows[1], GateRules())
        check = next(check for check in decision.checks if check.name == "repair_rate not worse")
        assert (check.passed, decision.passed) == (verdict, verdict is not False)
        assert ("is plainly worse" in check.why) is (verdict is False)


TOO_FEW = "has too few episodes to tell, and is not plainly worse"


@pytest.mark.parametrize(
    ("slot_f1", "sd", "verdict", "says"),
    [
        # (2.801585 · 0.2 / 0.05)² = 125.6: 100 cannot tell, and the interval reaches the better side.
        ((-0.012, -0.060, 0.024), 0.2, None, f"{TOO_FEW}: -0.012 ({{}}); to tell takes about 126"),
        ((-0.060, -0.110, 0.002), 0.2, False, "looks more than 0.05 worse: -0.060 ({}); to tell takes about 126"),
        ((-0.080, -0.120, -0.040), 0.2, False, "is plainly worse: -0.080 ({})"),
        ((0.030, -0.020, 0.080), 0.2, True, "is at most 0.05 worse: +0.030 ({})"),
        # (2.801585 · 0.15 / 0.05)² = 70.6: 100 can tell, so the whole interval must keep the margin.
        ((-0.012, -0.060, 0.024), 0.15, False, "may be more than 0.05 worse: -0.012 ({})"),
    ],
)
def test_what_may_be_absent_is_not_refused_because_its_episodes_cannot_tell(
    slot_f1: tuple[float, float, float], sd: float, verdict: bool | None, says: str
) -> None:
    decision = decide(*with_sd(GOOD | {"slot_f1": slot_f1}, sd), GateRules(required=(), margins={"slot_f1": 0.05}))
    check = next(check for check in decision.checks if check.name == "slot_f1 not worse")
    interval = f"95 % interval {slot_f1[1]:+.3f} to {slot_f1[2]:+.3f}, n = 100"
    assert (check.passed, check.why, decision.passed) == (verdict, f"slot_f1 {says.format(interval)}", verdict is not False)


def test_a_team_that_requires_a_metric_has_its_whole_interval_kept() -> None:
    unsure = with_sd(GOOD | {"slot_f1": (-0.012, -0.060, 0.024)}, 0.2)
    released = decide(*unsure, GateRules(required=("rr",), margins={"slot_f1": 0.05}))
    assert released.passed
    assert released.reason.endswith("; no guarded metric worsened beyond its margin; too few episodes to tell of slot_f1")
    assert not decide(*unsure, GateRules(required=("rr", "slot_f1"), margins={"slot_f1": 0.05})).passed
