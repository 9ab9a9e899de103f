"""The gate: may the candidate replace the model now in use?

What belongs here: the verdict. What does not: the rules (`gate_rules`), single checks (`gate_checks`), failure signatures
(`alarms`), computing metrics (`evaluation`), promoting (`store`).

What blocks, always on intervals and never on the point alone: a *target* must improve (superiority); no guarded metric may be
worse than its margin (non-inferiority); no value of the candidate's own may pass its limit; what is required must have been
measured, on enough episodes. A guarded metric that is not required and has too few episodes blocks where it is plainly worse,
perhaps by more than its margin.

Many tests are made, and each could err. That a worse model is released takes *every* guard to err at once, so each may keep its
interval (an intersection-union test: Berger 1982); more guards make the gate stricter, not laxer. Targets are different
where any of them will do: each is another chance to look improved by luck, so their p-values are adjusted by Holm's method
(1979), and an improvement counts below 2.5 % (at 95 % confidence), one-sided, for all of them
together. Where all targets must improve, no
adjustment is due. A cycle is tested once, and only its last model: choosing the better of two by the same episodes would be
another test.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from wow_flywheel.contracts import COMPARISONS, EVALUATIONS
from wow_flywheel.release import gate_checks as checks
from wow_flywheel.release.alarms import alarms_of
from wow_flywheel.release.changes import Change, changes_of, in_order_of_kind, pair_of, speaking
from wow_flywheel.release.decision import Decision, GateCheck, MetricValue
from wow_flywheel.release.gate_rules import GateRules

NO_DIGESTS: Final[Mapping[str, str]] = MappingProxyType({})


def decide(
    comparisons: pl.DataFrame, evaluations: pl.DataFrame, rules: GateRules, digests: Mapping[str, str] = NO_DIGESTS
) -> Decision:
    """Apply the rules to one candidate's comparison with one baseline.

    Args:
        comparisons: Rows of the table `comparisons` for exactly one baseline and candidate of one cycle.
        evaluations: Rows of the table `evaluations` for both models of that cycle; other models' rows are ignored.
        rules: What is asked for.
        digests: SHA-256 of the files of the models that were evaluated, by name; kept in the decision.

    Raises:
        ReleaseError: The comparison holds none or several pairs, or the evaluations lack one of the two models.
    """
    rows, values = COMPARISONS.conform(comparisons), EVALUATIONS.conform(evaluations)
    baseline, candidate = pair_of(rows, values)
    changes = changes_of(rows, rules.confidence)
    judged = speaking(values.filter(pl.col("model").is_in([baseline, candidate])))
    available: dict[str, int] = dict(judged.group_by("metric").agg(pl.col("n").max()).iter_rows())
    own = {row["metric"]: row for row in judged.filter(pl.col("model") == candidate).iter_rows(named=True)}
    samples = {
        name: checks.sample(name, changes.get(name), available[name], rules.min_episodes, rules.min_coverage)
        for name in dict.fromkeys([*rules.targets, *rules.margins, *rules.required])
        if available.get(name)
    }
    targets = checks.superiority(
        [(name, changes.get(name), name not in samples or bool(samples[name].passed)) for name in rules.targets],
        rules.target_tolerance,
        adjust=rules.targets_needed == "any",
        alpha=rules.alpha,
    )
    guards = [_guard(name, margin, changes.get(name), rules) for name, margin in rules.margins.items()]
    guards += [checks.limit(name, bound, own.get(name), rules.confidence) for name, bound in rules.limits.items()]
    guards += [checks.required(name, available.get(name, 0)) for name in rules.required]
    blocking = [check for name, check in samples.items() if _blocks(name, check, available[name], rules)]
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
        rules=rules.to_dict(),
        models={name: digests[name] for name in (baseline, candidate) if name in digests},
    )


def _guard(name: str, margin: float, change: Change | None, rules: GateRules) -> GateCheck:
    """The check of one margin: of what may be absent, too few episodes to tell refuse no more than none would."""
    strict = change is None or name in rules.required or (change.n >= rules.min_episodes and checks.tells(margin, change))
    if strict:
        return checks.non_inferiority(name, margin, change)
    return checks.not_plainly_worse(name, margin, change, rules.min_episodes)


def _blocks(name: str, check: GateCheck, available: int, rules: GateRules) -> bool:
    """Whether too small a sample refuses the candidate: of what is required, and where episodes were left out."""
    return name in rules.required or (name in rules.margins and check.n < rules.min_coverage * available)


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
    improved = [check.why for check in applicable if check.passed]
    unsure = [check.metric for check in others if check.passed is None and check.difference is not None]
    untold = [f"too few episodes to tell of {', '.join(unsure)}"] if unsure else []
    return True, "; ".join([*improved, "no guarded metric worsened beyond its margin", *untold])


def _metrics(evaluations: pl.DataFrame, candidate: str) -> list[MetricValue]:
    columns = list(MetricValue.model_fields)
    rows = in_order_of_kind(evaluations.filter(model=candidate)).select(columns)
    return [MetricValue(**row) for row in rows.iter_rows(named=True)]
