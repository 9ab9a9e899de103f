"""The gate's single checks: each looks at one metric and says in one sentence what it found.

What belongs here: the checks. What does not: which are made and what follows from them (`gate`).
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final

from wow_flywheel.evaluation.intervals import LEVEL
from wow_flywheel.evaluation.power import POWER, episodes_for, power_of
from wow_flywheel.release.changes import Change, percent, stretched
from wow_flywheel.release.decision import CheckKind, GateCheck

WHERE_FROM: Final[Mapping[str, str]] = {
    "repair_rate": "hold out Bad Cases: label more days before the cycle",
    "general_loss_change": "set WOW_GENERAL_SET",
    "general_loss": "set WOW_GENERAL_SET",
    "judge_preference": "set WOW_LLM_BASE_URL, and WOW_JUDGED_TURNS above 0",
    "r_kn": "give knowledge at WOW_KNOWLEDGE_URI, and train on replies that cite it",
    "step_accuracy": "give procedures at WOW_POLICIES_URI",
    "solve_rate": "set WOW_ENVIRONMENT to customers that say whether their demand was solved",
    "usm1": "set WOW_ENVIRONMENT to customers that are satisfied or not",
    "usm2": "set WOW_ENVIRONMENT to customers that are satisfied or not",
}
"""What to do to have a metric; every other one comes of held-out Good Cases, of which more days give more."""


def superiority(
    targets: Sequence[tuple[str, Change | None, bool]], tolerance: float, *, adjust: bool, alpha: float
) -> list[GateCheck]:
    """Did each target improve?

    Args:
        targets: Metric, its change, and whether there is enough evidence on it.
        tolerance: See `GateRules`; above 0 p-values do not count.
        adjust: Whether the p-values are adjusted by Holm's method for how many targets were measured.
        alpha: A p-value above this may be luck.
    """
    measured = {name: change for name, change, _ in targets if change is not None}
    given = {name: p for name, change in measured.items() if (p := change.p_value) is not None}
    values = holm(given) if adjust else given
    return [_superiority(name, change, enough, tolerance, values.get(name), alpha) for name, change, enough in targets]


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """P-values adjusted by Holm's step-down method: the k-th smallest of m times m − k + 1, never falling, at most 1."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for place, (name, value) in enumerate(sorted(values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, (len(values) - place) * value))
        adjusted[name] = largest
    return adjusted


def non_inferiority(metric: str, margin: float, change: Change | None) -> GateCheck:
    """Is a metric at most `margin` worse, with its whole interval? If that cannot be told, it says how many would be needed."""
    name = f"{metric} not worse"
    if change is None:
        return _check(name, "non-inferiority", margin, metric, None, None, f"not applicable: {metric} was not measured on both")
    passed = change.gain_low is not None and change.gain_low >= -margin
    verdict = "is at most" if passed else "may be more than"
    why = f"{metric} {verdict} {margin} worse: {change.text}{'' if passed else _more(margin, change)}"
    return _check(name, "non-inferiority", margin, metric, change, passed, why)


def not_plainly_worse(metric: str, margin: float, change: Change | None, least: int) -> GateCheck:
    """Of a metric with too few episodes for its margin: is it plainly worse?

    It is where its whole interval is on the worse side and may be beyond the margin, and from `least` episodes on where the
    difference itself is beyond the margin. What keeps its margin passes, as it would with more episodes; of the rest, that it
    is not plainly worse passes nothing.
    """
    name = f"{metric} not worse"
    if change is None or (change.gain_low is not None and change.gain_low >= -margin):
        return non_inferiority(metric, margin, change)
    if change.gain_high is not None and change.gain_high < 0:
        passed, verdict = False, "is plainly worse"
    elif change.n >= least and change.gain < -margin:
        passed, verdict = False, f"looks more than {margin} worse"
    else:
        passed, verdict = None, "has too few episodes to tell, and is not plainly worse"
    why = f"{metric} {verdict}: {change.text}{_more(margin, change)}"
    return _check(name, "non-inferiority", margin, metric, change, passed, why)


def tells(margin: float, change: Change) -> bool:
    """Could so many episodes show, at 80 %, that two equal models differ by less than the margin? True if that is not known."""
    needed = _needed(margin, change)
    return needed is None or change.n >= needed


def required(metric: str, available: int) -> GateCheck:
    """Was a metric measured at all?"""
    name = f"{metric} measured"
    if available:
        return _check(name, "required", 0, metric, None, True, f"{metric} was measured").model_copy(update={"n": available})
    todo = WHERE_FROM.get(metric, "label more days before the cycle, so that more Good Cases are held out")
    why = f"{metric} is required and was not measured → {todo}, or leave it out of gate.required in WOW_CHECKS"
    return _check(name, "required", 0, metric, None, False, why)


def limit(metric: str, bound: float, own: Mapping[str, Any] | None, confidence: float = LEVEL) -> GateCheck:
    """Does the whole interval of the candidate's own value keep a bound?"""
    name = f"{metric} within its limit"
    if own is None or own["value"] is None:
        return _check(name, "limit", bound, metric, None, None, f"not applicable: {metric} was not measured")
    low, high = (stretched(own[end], own["value"], confidence) for end in ("low", "high"))
    worst = low if own["higher_is_better"] else high
    passed = worst is not None and (worst >= bound if own["higher_is_better"] else worst <= bound)
    side = "at least" if own["higher_is_better"] else "at most"
    shown = "no interval" if worst is None else f"{percent(confidence)} interval {_ends(low, high)}"
    why = f"{metric} is {own['value']:.3f} ({shown}, n = {own['n']}); its interval must be {side} {bound}"
    values = {"difference": own["value"], "low": low, "high": high, "n": own["n"]}
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
    needed = _needed(margin, change) if change else None
    if change is None or change.sd is None or needed is None:
        return _check(name, "power", margin, metric, change, None, f"not applicable: {metric} has no spread or no margin")
    reached = power_of(change.n, margin, change.sd, level=change.confidence)
    why = (
        f"a margin of {margin} on {metric} needs {needed} episodes for a power of {POWER:.0%}; {change.n} were played, "
        f"which reach {reached:.0%}"
    )
    return _check(name, "power", margin, metric, change, change.n >= needed, why).model_copy(update={"needed": needed})


def _more(margin: float, change: Change) -> str:
    """Where the interval leaves open whether anything got worse: how many episodes the margin needs, if these are fewer."""
    unsure = change.gain_high is not None and change.gain_high >= 0
    return f"; to tell takes about {_needed(margin, change)}" if unsure and not tells(margin, change) else ""


def _needed(margin: float, change: Change) -> int | None:
    """The episodes that a margin needs for a power of 80 %; None where there is no spread or no margin to tell by."""
    return None if change.sd is None or not margin else episodes_for(margin, change.sd, level=change.confidence)


def _ends(low: float | None, high: float | None) -> str:
    return " to ".join("?" if end is None else f"{end:.3f}" for end in (low, high))


def _superiority(
    metric: str, change: Change | None, enough: bool, tolerance: float, p: float | None, alpha: float
) -> GateCheck:
    name = f"{metric} improves"
    if change is None:
        return _check(name, "superiority", tolerance, metric, None, None, f"not applicable: {metric} was not measured on both")
    better = change.gain > 0 and change.gain_low is not None and change.gain_low > -tolerance
    lucky = not tolerance and p is not None and p > alpha
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
