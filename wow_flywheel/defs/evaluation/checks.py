"""The gate, as blocking checks before the release.

What belongs here: the gate's checks grouped into what a reader asks. What does not: the rules (`wow_flywheel.release.gate`).
"""

from collections.abc import Iterator
from typing import Any, Final

import dagster as dg

from wow_flywheel.defs.contract_checks import check_spec
from wow_flywheel.defs.evaluation.judge import gate
from wow_flywheel.defs.failures import plain_failures, reported
from wow_flywheel.defs.metadata import table
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.release.decision import Decision, GateCheck

GATE: Final = "gate"
QUESTIONS: Final = {
    "superiority": ("gate_target_improves", "A target metric is better, with its whole interval."),
    "non-inferiority": ("gate_nothing_worse", "No guarded metric may be worse than its margin."),
    "required": ("gate_required_measured", "What is required was measured; without it nothing is released."),
    "sample": ("gate_enough_episodes", "Enough episodes were compared, and no model left the hard ones out."),
}
SPECS: Final = [
    check_spec(GATE, "evaluation", "May the candidate replace the model in use? This one blocks the release.", blocking=True),
    *(check_spec(name, "evaluation", text, blocking=False) for name, text in QUESTIONS.values()),
]


@dg.multi_asset_check(name="gate", specs=SPECS)
def gate_checks(context: dg.AssetCheckExecutionContext, flywheel: Flywheel) -> Iterator[dg.AssetCheckResult]:
    """Apply the gate to the cycle's candidate."""
    with plain_failures(context):
        cycle = context.partition_key
        decision = gate(flywheel.lake(), flywheel.cycle_folder(cycle), cycle, flywheel.settings().checks)
    told = f"gate: {'passed' if decision.passed else 'refused'}, because {decision.reason}"
    context.log.info(told)
    yield from reported(
        results(decision), f"no need to act: {decision.baseline} stays in use; the check shows every comparison"
    )


def results(decision: Decision) -> Iterator[dg.AssetCheckResult]:
    """The decision as check results: the verdict, which blocks, and one for each question."""
    shown: dict[str, Any] = {"candidate": decision.candidate, "baseline": decision.baseline, "checks": _table(decision.checks)}
    yield dg.AssetCheckResult(
        asset_key="evaluation",
        check_name=GATE,
        passed=decision.passed,
        description=decision.reason,
        metadata=shown | {"episodes needed": _needed(decision)} | {alarm.name: alarm.why for alarm in decision.alarms},
    )
    for kind, (name, _) in QUESTIONS.items():
        asked = [check for check in decision.checks if check.kind == kind]
        passed = any(check.passed for check in asked) if kind == "superiority" else all(c.passed is not False for c in asked)
        yield dg.AssetCheckResult(
            asset_key="evaluation",
            check_name=name,
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"checks": _table(asked)},
        )


def _needed(decision: Decision) -> dg.MarkdownMetadataValue:
    """By margin, how many episodes would show it at 80 % power, and how many there were."""
    rows = [(c.metric, str(c.margin), str(c.n), str(c.needed)) for c in decision.checks if c.needed is not None]
    return table(["metric", "margin", "episodes", "needed (WOW_EPISODES)"], rows)


def _table(checks: "tuple[GateCheck, ...] | list[GateCheck]") -> dg.MarkdownMetadataValue:
    verdicts = {True: "passed", False: "failed", None: "not applicable"}
    return table(["check", "verdict", "why"], [(check.name, verdicts[check.passed], check.why) for check in checks])
