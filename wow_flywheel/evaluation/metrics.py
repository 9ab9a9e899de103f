"""The metrics of an evaluation: what each one means, and their values per model with intervals.

What belongs here: the registry of metrics and the summary of an outcomes frame. What does not: producing outcomes (`run`), the
interval formulas (`intervals`), comparing two models (`compare`).

An *outcomes* frame has one row a model and episode: `model`, `episode`, `user_id`, `scenario` (String), perhaps columns of
`SLICES`, then one nullable Float64 column a metric, named as in the registry; null means that the metric does not apply to the
episode. An episode is a simulated conversation, a held-out dialogue, a turn of a Bad Case or a text, by the outcomes' kind.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, Literal

import polars as pl

from wow_flywheel.contracts import EVALUATIONS
from wow_flywheel.errors import ContractError
from wow_flywheel.evaluation.intervals import Interval, clustered_mean, wilson

OUTCOME_KEYS: Final = ("model", "episode", "user_id", "scenario")
SLICES: Final = ("locale", "issue_type")
"""Columns that outcomes may have beside `scenario`, for whom the change is asked too; String, nullable."""
KINDS: Final = ("simulated", "offline", "repair", "general", "judged")
"""How an outcome came about; where two kinds measure the same metric, the earlier one speaks for the model."""
Unit = Literal["share", "nats per token", "tokens", "seconds", "relative"]


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric is.

    Attributes:
        name: Its column in outcomes and its name in the tables.
        unit: `share` (0 to 1), `nats per token`, `tokens`, `seconds`, or `relative` (a change as a share of the value before).
        higher_is_better: Its direction.
        denominator: What the value is a mean over; the tables' `n` counts these.
        version: Raised when the same episodes would give another value.
        description: One sentence for people who see it in a table.
        yes_or_no: True when an episode's value is 0 or 1, so that the Wilson interval applies.
    """

    name: str
    unit: Unit
    higher_is_better: bool
    denominator: str
    version: int
    description: str
    yes_or_no: bool = False

    @property
    def arrow(self) -> str:
        """↑ when higher is better, ↓ otherwise."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def interval(self) -> str:
        """How its 95 % interval is made."""
        return "wilson" if self.yes_or_no else "bootstrap"

    @property
    def scale(self) -> tuple[float, str, int]:
        """How people read it: factor, unit, digits."""
        percent = self.unit in {"share", "relative"}
        return (100.0, "%", 1) if percent else (1.0, self.unit, 1 if self.unit == "tokens" else 3)


@dataclass(slots=True)
class MetricRegistry:
    """Metrics by name; a name is given once."""

    _metrics: dict[str, Metric] = field(default_factory=dict)

    def register(self, metric: Metric) -> Metric:
        """Add a metric.

        Raises:
            ContractError: The name is taken, or is a key column of outcomes.
        """
        if metric.name in self._metrics or metric.name in (*OUTCOME_KEYS, *SLICES):
            raise ContractError(f"the metric name {metric.name!r} is taken", hint="choose another name, or raise its version")
        self._metrics[metric.name] = metric
        return metric

    def get(self, name: str) -> Metric:
        """The metric of a name.

        Raises:
            ContractError: There is none; the hint suggests the nearest name.
        """
        if name not in self._metrics:
            near = get_close_matches(name, self._metrics, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the metrics are {sorted(self._metrics)}"
            raise ContractError(f"no metric is called {name!r}", hint=hint)
        return self._metrics[name]

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._metrics.values())


METRICS: Final = MetricRegistry()
for _metric in (
    Metric("solve_rate", "share", True, "episodes", 1, "Episodes whose demand was solved.", yes_or_no=True),
    Metric("usm1", "share", False, "episodes", 1, "Episodes that end in dissatisfaction (USM 1).", yes_or_no=True),
    Metric("usm2", "share", True, "episodes", 1, "Episodes that end in satisfaction (USM 2).", yes_or_no=True),
    Metric("rr", "share", False, "episodes", 1, "Episodes in which a reply repeats an earlier one (RR).", yes_or_no=True),
    Metric("action_accuracy", "share", True, "episodes that need an action", 2, "Mean share of right actions."),
    Metric("format_validity", "share", True, "episodes", 1, "Mean share of outputs that are a valid dialogue-action object."),
    Metric("slot_f1", "share", True, "dialogues that need an action", 1, "F1 of the arguments of actions, by name and value."),
    Metric(
        "step_accuracy",
        "share",
        True,
        "dialogues that follow a procedure",
        1,
        "Mean share of turns that take exactly the procedure's next step.",
    ),
    Metric("r_kn", "share", True, "dialogues in which knowledge is cited", 1, "Citing turns that the cited units support."),
    Metric(
        "repair_rate",
        "share",
        True,
        "held-out Bad Case turns",
        2,
        "Turns of held-out Bad Cases at which the model does what was right there, and blind inspectors find nothing.",
    ),
    Metric(
        "reply_loss", "nats per token", False, "held-out dialogues", 1, "Mean negative log-likelihood of held-out good replies."
    ),
    Metric(
        "too_long", "share", False, "dialogues", 1, "Mean share of turns refused because they exceed the model's positions."
    ),
    Metric("general_loss", "nats per token", False, "general texts", 1, "Mean negative log-likelihood of general texts."),
    Metric(
        "general_loss_change",
        "relative",
        False,
        "general texts",
        1,
        "Mean change of general loss against the first base model.",
    ),
    Metric("tokens_per_reply", "tokens", False, "dialogues", 1, "Mean length of an output."),
    Metric("latency", "seconds", False, "dialogues timed", 1, "Mean time of one output, asked alone."),
    Metric("judge_preference", "share", True, "turns judged", 1, "Turns at which the judge prefers it; a tie counts half."),
):
    METRICS.register(_metric)


def metric_columns(outcomes: pl.DataFrame) -> list[Metric]:
    """The metrics of an outcomes frame, in its column order, after checking the frame.

    Raises:
        ContractError: A key column is missing or null, an episode repeats within a model, a column is no known metric, a value
            is not finite, or a yes-or-no metric has a value other than 0 and 1.
    """
    _check_keys(outcomes)
    metrics = [METRICS.get(name) for name in outcomes.columns if name not in (*OUTCOME_KEYS, *SLICES)]
    for metric in metrics:
        values = outcomes[metric.name].cast(pl.Float64)
        if not values.drop_nulls().is_finite().all():
            raise ContractError(
                f"outcomes: {metric.name} has values that are not finite", hint="use null where it does not apply"
            )
        if metric.yes_or_no and not values.drop_nulls().is_in([0.0, 1.0]).all():
            raise ContractError(f"outcomes: {metric.name} has values other than 0 and 1", hint="decide it once an episode")
    return metrics


def summarise(outcomes: pl.DataFrame, cycle: str, kind: str) -> pl.DataFrame:
    """Each metric of each model with its 95 % interval, as rows of the table `evaluations`.

    A yes-or-no metric gets the Wilson interval, any other the bootstrap interval of its mean, clustered by customer. A metric
    that applies to no episode of a model has n = 0 and nulls.

    Args:
        outcomes: See the module's docstring.
        cycle: The training cycle.
        kind: One of `KINDS`.

    Raises:
        ContractError: See `metric_columns`; or the kind is unknown.
    """
    rows = [
        {
            "cycle": cycle, "model": model, "metric": metric.name, "value": interval.value, "low": interval.low,
            "high": interval.high, "n": interval.n, "higher_is_better": metric.higher_is_better, "kind": kind,
            "unit": metric.unit, "metric_version": metric.version, "interval": metric.interval,
        }
        for metric in metric_columns(outcomes)
        for model in outcomes["model"].unique(maintain_order=True)
        for interval in [_interval(metric, outcomes.filter(pl.col("model") == model))]
    ]  # fmt: skip
    return EVALUATIONS.conform(pl.DataFrame(rows, schema=EVALUATIONS.columns))


def _interval(metric: Metric, episodes: pl.DataFrame) -> Interval:
    applicable = episodes.drop_nulls(metric.name)
    values = applicable[metric.name].cast(pl.Float64)
    if metric.yes_or_no:
        return wilson(int(values.sum()), len(values))
    return clustered_mean(values.to_numpy(), applicable["user_id"].to_numpy())


def _check_keys(outcomes: pl.DataFrame) -> None:
    absent = [name for name in OUTCOME_KEYS if name not in outcomes.columns]
    if absent:
        raise ContractError(f"outcomes lacks the columns {absent}", hint="see wow_flywheel.evaluation.metrics for its shape")
    nulls = [name for name in OUTCOME_KEYS if outcomes[name].null_count()]
    if nulls:
        raise ContractError(
            f"outcomes has nulls in {nulls}", hint="every episode has a model, an id, a customer and a scenario"
        )
    if outcomes.select(pl.struct("model", "episode").is_duplicated().any()).item():
        raise ContractError("outcomes repeats an episode of a model", hint="give each episode one row a model")
