"""What the gate decided, as plain records that are stored with a release.

What belongs here: the shape of a decision. What does not: making one (`gate`), which needs tables.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

CheckKind = Literal["superiority", "non-inferiority", "limit", "required", "sample", "power"]


class GateCheck(BaseModel):
    """One check of the gate.

    Attributes:
        name: The check's name, such as `rr improves`.
        metric: The metric that it looks at.
        kind: `superiority` (a target must improve), `non-inferiority` (no metric may worsen beyond a margin), `limit` (a value
            of the candidate's own must stay within a bound), `required` (it must have been measured), `sample` (enough
            evidence), or `power` (whether so many episodes could show the margin at 80 %; it never blocks).
        margin: What is tolerated, in the metric's unit; for `limit` the bound, for `sample` the smallest number of episodes.
        difference: Candidate minus baseline; for `limit` the candidate's value.
        low: Lower bound of its 95 % interval.
        high: Upper bound.
        n: Episodes compared.
        p_value: Of `superiority`, one-sided: how likely so large a gain is if nothing improved; adjusted by Holm where several
            targets compete.
        needed: Of `power`, the episodes that the margin needs at 80 % power.
        passed: None when the check is not applicable.
        why: One sentence for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    metric: str
    kind: CheckKind
    margin: float
    difference: float | None
    low: float | None
    high: float | None
    n: int
    p_value: float | None = None
    needed: int | None = None
    passed: bool | None
    why: str


class Alarm(BaseModel):
    """A failure signature that the numbers show: its name, and what to look at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    why: str


class MetricValue(BaseModel):
    """A metric of the candidate with its 95 % interval; `kind` says how it was measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    kind: str | None = None


class Decision(BaseModel):
    """Whether a candidate may replace the baseline, and why.

    Attributes:
        passed: True when the candidate may be released.
        reason: One sentence for people.
        baseline: The model now in use.
        candidate: The model judged.
        checks: All checks, those that are not applicable included.
        alarms: Failure signatures seen; they explain, the checks decide.
        metrics: The candidate's own values.
        rules: What was asked for, as `GateRules.to_dict` gives it; empty where no gate judged.
        models: SHA-256 of the files of the two models that were evaluated, by name; a candidate whose files hash otherwise
            is not the one that was judged. Empty where no gate judged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    passed: bool
    reason: str
    baseline: str
    candidate: str
    checks: tuple[GateCheck, ...]
    alarms: tuple[Alarm, ...] = ()
    metrics: tuple[MetricValue, ...] = ()
    rules: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, str] = Field(default_factory=dict)
