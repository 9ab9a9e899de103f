"""What the gate decided, as plain records that are stored with a release.

What belongs here: the shape of a decision. What does not: making one (`gate`), which needs tables.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

CheckKind = Literal["superiority", "non-inferiority", "sample"]


class GateCheck(BaseModel):
    """One check of the gate.

    Attributes:
        name: The check's name, such as `rr improves`.
        metric: The metric that it looks at.
        kind: `superiority` (a target must improve), `non-inferiority` (no metric may worsen beyond a margin) or `sample`.
        margin: What is tolerated, in the metric's unit, as a positive number; for `sample` the smallest number of episodes.
        difference: Candidate minus baseline.
        low: Lower bound of its 95 % interval.
        high: Upper bound.
        n: Episodes compared.
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
    passed: bool | None
    why: str


class Alarm(BaseModel):
    """A failure signature that the numbers show: its name, and what to look at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    why: str


class MetricValue(BaseModel):
    """A metric of the candidate with its 95 % interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int


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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    passed: bool
    reason: str
    baseline: str
    candidate: str
    checks: tuple[GateCheck, ...]
    alarms: tuple[Alarm, ...] = ()
    metrics: tuple[MetricValue, ...] = ()
