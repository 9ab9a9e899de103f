"""Whatever is measured may not get worse: margins of the metrics of quality, and what few episodes can say."""

import polars as pl
import pytest

from wow_flywheel.release.gate import decide
from wow_flywheel.release.gate_rules import OFFLINE_RULES, GateRules
from wow_flywheel_tests.unit.release.test_gate import GOOD, OFFLINE, Changes, decided, frames


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
