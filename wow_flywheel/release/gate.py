"""The gate: may the candidate replace the model now in use?

What belongs here: the rules and their application to a comparison. What does not: computing metrics (`evaluation`), promoting
(`store`).

Two kinds of check, both on the interval of the paired difference and never on the point alone: a *target* must improve
(superiority), and no guarded metric may be worse than its margin (non-inferiority). Below, `gain` is the difference turned so
that positive is better.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from types import MappingProxyType
from typing import Literal

import polars as pl

from wow_flywheel.contracts import COMPARISONS, EVALUATIONS
from wow_flywheel.errors import ReleaseError
from wow_flywheel.release.decision import Alarm, CheckKind, Decision, GateCheck, MetricValue

DEFAULT_MARGINS: Mapping[str, float] = MappingProxyType(
    {"solve_rate": 0.05, "action_accuracy": 0.05, "usm1": 0.03, "usm2": 0.05, "rr": 0.05, "format_validity": 0.02}
)


@dataclass(frozen=True, slots=True)
class GateRules:
    """What the gate asks for.

    Attributes:
        targets: Metrics that should improve. Default `rr` and `usm2`, which the report moves.
        targets_needed: `any` (default) asks for one of the applicable targets, `all` for each.
        target_tolerance: 0 (default) asks that the whole interval lies on the better side. A small demo may allow some: then
            the point must be better and the interval may reach this far to the worse side.
        margins: By metric, the largest worsening that the interval may still contain, in the metric's unit. A target has one
            too, so that with `any` the other target cannot fall unseen.
        min_episodes: Fewest episodes to compare on, for every applicable check. Default 50.
        min_coverage: Smallest share of a metric's episodes, of either model, that must enter its comparison. Default 0.9: a
            candidate cannot pass by failing to answer the hard ones.
    """

    targets: tuple[str, ...] = ("rr", "usm2")
    targets_needed: Literal["any", "all"] = "any"
    target_tolerance: float = 0.0
    margins: Mapping[str, float] = field(default_factory=lambda: DEFAULT_MARGINS)
    min_episodes: int = 50
    min_coverage: float = 0.9

    def __post_init__(self) -> None:
        wrong = [name for name, margin in self.margins.items() if margin < 0]
        if wrong or not self.targets or self.target_tolerance < 0 or self.min_episodes < 1 or not 0 <= self.min_coverage <= 1:
            raise ReleaseError(
                f"the gate's rules make no sense: {self}",
                hint="name a target; margins and tolerance are ≥ 0, min_episodes ≥ 1, min_coverage in [0, 1]",
            )


OFFLINE_RULES = GateRules(targets=("reply_loss", "action_accuracy"))
"""Rules for an evaluation on held-out conversations, where no customer can be satisfied: better replies, no worse actions."""


@dataclass(frozen=True, slots=True)
class _Change:
    """One metric's row of a comparison that has a difference."""

    metric: str
    difference: float
    low: float | None
    high: float | None
    n: int
    higher_is_better: bool

    @property
    def gain(self) -> float:
        return self.difference if self.higher_is_better else -self.difference

    @property
    def gain_low(self) -> float | None:
        return self.low if self.higher_is_better else None if self.high is None else -self.high

    @property
    def gain_high(self) -> float | None:
        return self.high if self.higher_is_better else None if self.low is None else -self.low

    @property
    def text(self) -> str:
        bounds = (
            "no interval" if self.low is None or self.high is None else f"95 % interval {self.low:+.3f} to {self.high:+.3f}"
        )
        return f"{self.difference:+.3f} ({bounds}, n = {self.n})"


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
    baseline, candidate = _pair(rows, values)
    changes = _changes(rows)
    targets = [_superiority(name, changes.get(name), rules) for name in rules.targets]
    guards = [_non_inferiority(name, margin, changes.get(name)) for name, margin in rules.margins.items()]
    available = _available(values.filter(pl.col("model").is_in([baseline, candidate])))
    asked = dict.fromkeys([*rules.targets, *rules.margins])
    samples = [_sample(name, changes.get(name), available[name], rules) for name in asked if available.get(name)]
    passed, reason = _verdict(targets, [*guards, *samples], rules)
    return Decision(
        passed=passed,
        reason=reason,
        baseline=baseline,
        candidate=candidate,
        checks=(*targets, *guards, *samples),
        alarms=tuple(_alarms(changes, values, baseline)),
        metrics=tuple(_metrics(values, candidate)),
    )


def _pair(comparisons: pl.DataFrame, evaluations: pl.DataFrame) -> tuple[str, str]:
    pairs = comparisons.select("cycle", "baseline", "candidate").unique().sort(pl.all()).rows()
    if len(pairs) != 1:
        raise ReleaseError(
            f"the gate judges one candidate against one baseline in one cycle, not {pairs}", hint="filter the comparisons first"
        )
    _, baseline, candidate = pairs[0]
    absent = sorted({baseline, candidate} - set(evaluations["model"]))
    if absent:
        raise ReleaseError(f"the evaluations lack {absent}", hint="pass the evaluations of both models")
    return baseline, candidate


def _changes(comparisons: pl.DataFrame) -> dict[str, _Change]:
    columns = ("metric", "difference", "low", "high", "n", "higher_is_better")
    return {row[0]: _Change(*row) for row in comparisons.drop_nulls("difference").select(columns).iter_rows()}


def _available(evaluations: pl.DataFrame) -> dict[str, int]:
    """By metric, the larger of the two models' numbers of episodes."""
    return dict(evaluations.group_by("metric").agg(pl.col("n").max()).iter_rows())


def _check(
    name: str, kind: CheckKind, margin: float, metric: str, change: _Change | None, passed: bool | None, why: str
) -> GateCheck:
    found = {"difference": change.difference, "low": change.low, "high": change.high, "n": change.n} if change else {"n": 0}
    empty = {"difference": None, "low": None, "high": None}
    return GateCheck.model_validate(
        {"name": name, "metric": metric, "kind": kind, "margin": margin, "passed": passed, "why": why, **empty, **found}
    )


def _superiority(metric: str, change: _Change | None, rules: GateRules) -> GateCheck:
    name, tolerance = f"{metric} improves", rules.target_tolerance
    if change is None:
        return _check(name, "superiority", tolerance, metric, None, None, f"not applicable: {metric} was not measured on both")
    passed = change.gain > 0 and change.gain_low is not None and change.gain_low > -tolerance
    if passed:
        verdict = "improved"
    elif change.gain > 0:
        verdict = "looks better, but the interval reaches the worse side"
    else:
        verdict = "did not improve"
    return _check(name, "superiority", tolerance, metric, change, passed, f"{metric} {verdict}: {change.text}")


def _non_inferiority(metric: str, margin: float, change: _Change | None) -> GateCheck:
    name = f"{metric} not worse"
    if change is None:
        return _check(name, "non-inferiority", margin, metric, None, None, f"not applicable: {metric} was not measured on both")
    passed = change.gain_low is not None and change.gain_low >= -margin
    verdict = "is at most" if passed else "may be more than"
    return _check(name, "non-inferiority", margin, metric, change, passed, f"{metric} {verdict} {margin} worse: {change.text}")


def _sample(metric: str, change: _Change | None, available: int, rules: GateRules) -> GateCheck:
    """Enough episodes, and those of both models: a metric that only one of the two has fails here."""
    n = change.n if change else 0
    needed = max(rules.min_episodes, rules.min_coverage * available)
    why = f"{metric} was compared on {n} of {available} episodes; at least {ceil(needed)} are needed"
    return _check(f"{metric} episodes", "sample", rules.min_episodes, metric, change, n >= needed, why)


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


def _alarms(changes: Mapping[str, _Change], evaluations: pl.DataFrame, baseline: str) -> list[Alarm]:
    alarms: list[Alarm] = []
    repetition = changes.get("rr")
    before = evaluations.filter(model=baseline, metric="rr")["value"].to_list()
    if repetition and repetition.gain <= 0 and before != [0.0]:
        alarms.append(
            Alarm(
                name="RR not falling",
                why=f"rr changed by {repetition.text}: Bad Cases of script_repetition are not being processed",
            )
        )
    worse = [change for name in ("usm1", "usm2") if (change := changes.get(name)) and (change.gain_high or 0) < 0]
    if worse:
        moved = ", ".join(f"{change.metric} {change.text}" for change in worse)
        alarms.append(Alarm(name="USM 1 up or USM 2 down after DPO", why=f"{moved}: look for bad preference pairs"))
    return alarms


def _metrics(evaluations: pl.DataFrame, candidate: str) -> list[MetricValue]:
    columns = list(MetricValue.model_fields)
    return [MetricValue(**row) for row in evaluations.filter(model=candidate).select(columns).iter_rows(named=True)]
