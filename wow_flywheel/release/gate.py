"""The gate: may the candidate replace the model now in use?

What belongs here: the rules and the verdict. What does not: single checks (`gate_checks`), failure signatures (`alarms`),
computing metrics (`evaluation`), promoting (`store`).

What blocks, always on intervals and never on the point alone: a *target* must improve (superiority); no guarded metric may be
worse than its margin (non-inferiority); no value of the candidate's own may pass its limit; and there must be enough evidence.

Many tests are made, and each could err. That a worse model is released takes *every* guard to err at once, so each may keep its
95 % interval (an intersection-union test: Berger 1982); more guards make the gate stricter, not laxer. Targets are different
where any of them will do: each is another chance to look improved by luck, so their p-values are adjusted by Holm's method
(1979), and an improvement counts below 2.5 %, one-sided, for all of them together. Where all targets must improve, no
adjustment is due. A cycle is tested once, and only its last model: choosing the better of two by the same episodes would be
another test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import polars as pl

from wow_flywheel.contracts import COMPARISONS, EVALUATIONS
from wow_flywheel.errors import ReleaseError
from wow_flywheel.release import gate_checks as checks
from wow_flywheel.release.alarms import alarms_of
from wow_flywheel.release.changes import changes_of, in_order_of_kind, pair_of, speaking
from wow_flywheel.release.decision import Decision, GateCheck, MetricValue

DEFAULT_MARGINS: Mapping[str, float] = MappingProxyType(
    {"solve_rate": 0.05, "action_accuracy": 0.05, "usm1": 0.03, "usm2": 0.05, "rr": 0.05, "format_validity": 0.02}
)
DEFAULT_LIMITS: Mapping[str, float] = MappingProxyType({"general_loss_change": 0.03})


@dataclass(frozen=True, slots=True)
class GateRules:
    """What the gate asks for.

    Attributes:
        targets: Metrics that should improve. Default `rr` and `usm2`, which the report moves.
        targets_needed: `any` (default) asks for one of the applicable targets, `all` for each.
        target_tolerance: 0 (default) asks that the whole interval lies on the better side. A small demo may allow some: then
            the point must be better and the interval may reach this far to the worse side, and p-values do not count.
        margins: By metric, the largest worsening that the interval may still contain, in the metric's unit. A target has one
            too, so that with `any` the other target cannot fall unseen.
        limits: By metric, the bound that the whole interval of the candidate's own value must keep. Default: general loss at
        most
            3 % above the first base model's, the bound that the report proposes.
        min_episodes: Fewest episodes to compare on, for every applicable check. Default 50. A metric that is only a target and
            has fewer does not improve, and does not block.
        min_coverage: Smallest share of a metric's episodes, of either model, that must enter its comparison. Default 0.9: a
            candidate cannot pass by failing to answer the hard ones.
    """

    targets: tuple[str, ...] = ("rr", "usm2")
    targets_needed: Literal["any", "all"] = "any"
    target_tolerance: float = 0.0
    margins: Mapping[str, float] = field(default_factory=lambda: DEFAULT_MARGINS)
    limits: Mapping[str, float] = field(default_factory=lambda: DEFAULT_LIMITS)
    min_episodes: int = 50
    min_coverage: float = 0.9

    def __post_init__(self) -> None:
        wrong = [name for name, margin in self.margins.items() if margin < 0]
        if wrong or not self.targets or self.target_tolerance < 0 or self.min_episodes < 1 or not 0 <= self.min_coverage <= 1:
            raise ReleaseError(
                f"the gate's rules make no sense: {self}",
                hint="name a target; margins and tolerance are ≥ 0, min_episodes ≥ 1, min_coverage in [0, 1]",
            )


OFFLINE_RULES = GateRules(targets=("repair_rate", "reply_loss", "action_accuracy"))
"""Rules for an evaluation on held-out conversations, where no customer can be satisfied: fewer of the old faults, or better
replies, and no worse actions."""


def decide(comparisons: pl.DataFrame, evaluations: pl.DataFrame, rules: GateRules) -> Decision:
    """Apply the rules to one candidate's comparison with one baseline.

    Args:
        comparisons: Rows of the table `comparisons` for exactly one baseline and candidate of one cycle.
        evaluations: Rows of the table `evaluations` for both models of that cycle; other models' rows are ignored.
        rules: What is asked for.

    Raises:
        ReleaseError: The comparison holds none or several pairs, or the evaluations lack one of the two models.
    """
    rows, values = COMPARISONS.conform(comparisons), EVALUATIONS.conform(evaluations)
    baseline, candidate = pair_of(rows, values)
    changes = changes_of(rows)
    judged = speaking(values.filter(pl.col("model").is_in([baseline, candidate])))
    available: dict[str, int] = dict(judged.group_by("metric").agg(pl.col("n").max()).iter_rows())
    own = {row["metric"]: row for row in judged.filter(pl.col("model") == candidate).iter_rows(named=True)}
    samples = {
        name: checks.sample(name, changes.get(name), available[name], rules.min_episodes, rules.min_coverage)
        for name in dict.fromkeys([*rules.targets, *rules.margins])
        if available.get(name)
    }
    targets = checks.superiority(
        [(name, changes.get(name), name not in samples or bool(samples[name].passed)) for name in rules.targets],
        rules.target_tolerance,
        adjust=rules.targets_needed == "any",
    )
    guards = [checks.non_inferiority(name, margin, changes.get(name)) for name, margin in rules.margins.items()]
    guards += [checks.limit(name, bound, own.get(name)) for name, bound in rules.limits.items()]
    blocking = [check for name, check in samples.items() if name in rules.margins]
    passed, reason = _verdict(targets, [*guards, *blocking], rules)
    powers = [checks.power(name, margin, changes.get(name)) for name, margin in rules.margins.items()]
    return Decision(
        passed=passed,
        reason=reason,
        baseline=baseline,
        candidate=candidate,
        checks=(*targets, *guards, *samples.values(), *powers),
        alarms=tuple(alarms_of(changes, judged, baseline, candidate)),
        metrics=tuple(_metrics(values, candidate)),
    )


def _verdict(targets: list[GateCheck], others: list[GateCheck], rules: GateRules) -> tuple[bool, str]:
    applicable = [check for check in targets if check.passed is not None]
    if not applicable:
        return False, f"no target metric was measured on both models: {', '.join(rules.targets)}"
    failed = [check for check in others if check.passed is False]
    missed = [check for check in applicable if not check.passed]
    enough = not missed if rules.targets_needed == "all" else len(missed) < len(applicable)
    if not enough:
        failed = [*missed, *failed]
    if failed:
        return False, "; ".join(check.why for check in failed)
    return True, "; ".join(check.why for check in applicable if check.passed) + "; no guarded metric worsened beyond its margin"


def _metrics(evaluations: pl.DataFrame, candidate: str) -> list[MetricValue]:
    columns = list(MetricValue.model_fields)
    rows = in_order_of_kind(evaluations.filter(model=candidate)).select(columns)
    return [MetricValue(**row) for row in rows.iter_rows(named=True)]
