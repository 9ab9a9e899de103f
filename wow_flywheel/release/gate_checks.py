"""The gate's single checks: each looks at one metric and says in one sentence what it found.

What belongs here: the checks. What does not: which are made and what follows from them (`gate`).
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final

from wow_flywheel.evaluation.power import POWER, episodes_for, power_of
from wow_flywheel.release.changes import Change
from wow_flywheel.release.decision import CheckKind, GateCheck

ALPHA: Final = 0.025
"""One-sided: a 95 % interval leaves this much on the side that matters."""


def superiority(targets: Sequence[tuple[str, Change | None, bool]], tolerance: float, *, adjust: bool) -> list[GateCheck]:
    """Did each target improve?

    Args:
        targets: Metric, its change, and whether there is enough evidence on it.
        tolerance: See `GateRules`; above 0 p-values do not count.
        adjust: Whether the p-values are adjusted by Holm's method for how many targets were measured.
    """
    measured = {name: change for name, change, _ in targets if change is not None}
    given = {name: p for name, change in measured.items() if (p := change.p_value) is not None}
    values = holm(given) if adjust else given
    return [_superiority(name, change, enough, tolerance, values.get(name)) for name, change, enough in targets]


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """P-values adjusted by Holm's step-down method: the k-th smallest of m times m − k + 1, never falling, at most 1."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for place, (name, value) in enumerate(sorted(values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, (len(values) - place) * value))
        adjusted[name] = largest
    return adjusted


def non_inferiority(metric: str, margin: float, change: Change | None) -> GateCheck:
    """Is a metric at most `margin` worse, with its whole interval?"""
    name = f"{metric} not worse"
    if change is None:
        return _check(name, "non-inferiority", margin, metric, None, None, f"not applicable: {metric} was not measured on both")
    passed = change.gain_low is not None and change.gain_low >= -margin
    verdict = "is at most" if passed else "may be more than"
    return _check(name, "non-inferiority", margin, metric, change, passed, f"{metric} {verdict} {margin} worse: {change.text}")


def limit(metric: str, bound: float, own: Mapping[str, Any] | None) -> GateCheck:
    """Does the whole interval of the candidate's own value keep a bound?"""
    name = f"{metric} within its limit"
    if own is None or own["value"] is None:
        return _check(name, "limit", bound, metric, None, None, f"not applicable: {metric} was not measured")
    worst = own["low"] if own["higher_is_better"] else own["high"]
    passed = worst is not None and (worst >= bound if own["higher_is_better"] else worst <= bound)
    side = "at least" if own["higher_is_better"] else "at most"
    shown = "no interval" if worst is None else f"95 % interval {own['low']:.3f} to {own['high']:.3f}"
    why = f"{metric} is {own['value']:.3f} ({shown}, n = {own['n']}); its interval must be {side} {bound}"
    values = {"difference": own["value"], "low": own["low"], "high": own["high"], "n": own["n"]}
    return GateCheck.model_validate(
        {"name": name, "metric": metric, "kind": "limit", "margin": bound, "passed": passed, "why": why, **values}
    )


def sample(metric: str, change: Change | None, available: int, least: int, coverage: float) -> GateCheck:
    """Enough episodes, and those of both models: a metric that only one of the two has fails here."""
    n = change.n if change else 0
    needed = max(least, coverage * available)
    why = f"{metric} was compared on {n} of {available} episodes; at least {ceil(needed)} are needed"
    return _check(f"{metric} episodes", "sample", least, metric, change, n >= needed, why)


def power(metric: str, margin: float, change: Change | None) -> GateCheck:
    """Could so many episodes show, at 80 %, that two equal models differ by less than the margin?

    It never blocks: too little power can only refuse a good model, and then this says how many episodes would have told.
    """
    name = f"{metric} power"
    if change is None or change.sd is None or not margin:
        return _check(name, "power", margin, metric, change, None, f"not applicable: {metric} has no spread or no margin")
    needed, reached = episodes_for(margin, change.sd), power_of(change.n, margin, change.sd)
    why = (
        f"a margin of {margin} on {metric} needs {needed} episodes for a power of {POWER:.0%}; {change.n} were played, "
        f"which reach {reached:.0%}"
    )
    return _check(name, "power", margin, metric, change, change.n >= needed, why).model_copy(update={"needed": needed})


def _superiority(metric: str, change: Change | None, enough: bool, tolerance: float, p: float | None) -> GateCheck:
    name = f"{metric} improves"
    if change is None:
        return _check(name, "superiority", tolerance, metric, None, None, f"not applicable: {metric} was not measured on both")
    better = change.gain > 0 and change.gain_low is not None and change.gain_low > -tolerance
    lucky = not tolerance and p is not None and p > ALPHA
    if not enough:
        verdict = "has too little evidence"
    elif better and not lucky:
        verdict = "improved"
    elif better:
        verdict = f"looks better, but with several targets this may be luck (p = {p:.3f} of all)"
    elif change.gain > 0:
        verdict = "looks better, but the interval reaches the worse side"
    else:
        verdict = "did not improve"
    passed = enough and better and not lucky
    check = _check(name, "superiority", tolerance, metric, change, passed, f"{metric} {verdict}: {change.text}")
    return check.model_copy(update={"p_value": p})


def _check(
    name: str, kind: CheckKind, margin: float, metric: str, change: Change | None, passed: bool | None, why: str
) -> GateCheck:
    found = {"difference": change.difference, "low": change.low, "high": change.high, "n": change.n} if change else {"n": 0}
    empty = {"difference": None, "low": None, "high": None}
    return GateCheck.model_validate(
        {"name": name, "metric": metric, "kind": kind, "margin": margin, "passed": passed, "why": why, **empty, **found}
    )
