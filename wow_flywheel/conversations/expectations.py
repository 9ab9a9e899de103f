"""The Great Expectations suite of a day of conversations.

What belongs here: expectations, their severity and thresholds. What does not: reading (`ingest`), Dagster's checks. Great
Expectations is imported only when a suite runs (it takes seconds) and is shown no text: only what it must count.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.messages import ROLES

Severity = Literal["error", "warn"]
MIN_EARLIER_DAYS = 3


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a day may look like.

    Attributes:
        quarantined_error: Share of non-blank lines in quarantine above which the day is refused.
        quarantined_warn: Share above which a person should look.
        messages: Most messages that a conversation should have.
        volume: How many times more, or fewer, conversations than usual a day may have.
    """

    quarantined_error: float = 0.5
    quarantined_warn: float = 0.05
    messages: int = 400
    volume: float = 2.0


@dataclass(frozen=True, slots=True)
class ExpectationOutcome:
    """What one expectation saw.

    Attributes:
        name: Stable, in snake case.
        description: What is expected, in plain words.
        severity: `error` stops the day, `warn` shows.
        passed: True if it held.
        observed: What was seen, as a number or short text; never a row.
        unexpected_count: Conversations that broke it.
    """

    name: str
    description: str
    severity: Severity
    passed: bool
    observed: str
    unexpected_count: int


@dataclass(frozen=True, slots=True)
class _Expectation:
    name: str
    description: str
    severity: Severity
    kind: str
    arguments: Mapping[str, Any]


def suite(thresholds: Thresholds | None = None) -> list[tuple[str, str, Severity]]:
    """Name, description and severity of every expectation, in the order of `validate`; nothing heavy is imported."""
    return [(e.name, e.description, e.severity) for group in _suites(thresholds or Thresholds()).values() for e in group]


def validate(
    conversations: pl.DataFrame,
    counts: Mapping[str, int],
    thresholds: Thresholds | None = None,
    earlier: Sequence[int] = (),
) -> list[ExpectationOutcome]:
    """Run the suite over one day.

    Args:
        conversations: Contract `conversations`.
        counts: The day's accounting, see `ingest.DayRead`.
        thresholds: What a day may look like.
        earlier: Conversations of the days before it; their median is what is usual, from three days on.

    Returns:
        One outcome an expectation, in a fixed order.
    """
    limits = thresholds or Thresholds()
    batches = {"conversations": _facts(conversations), "day": _day_facts(counts, earlier)}
    return [
        outcome
        for batch, expectations in _suites(limits).items()
        for outcome in _run(batches[batch], expectations, empty=batch == "conversations" and conversations.is_empty())
    ]


def _suites(limits: Thresholds) -> dict[str, list[_Expectation]]:
    nothing_lost = {"column": "unaccounted", "value_set": [0]}
    return {
        "day": [
            _Expectation("has_conversations", "at least one conversation on this day", "warn", "between",
                         {"column": "conversations", "min_value": 1}),
            _Expectation("volume_usual", f"at most {limits.volume:g} times more or fewer conversations than usual", "warn",
                         "between", {"column": "volume", "min_value": 1 / limits.volume, "max_value": limits.volume}),
            _Expectation("every_line_accounted_for", "lines = conversations + quarantined + duplicates + blank", "error",
                         "in_set", nothing_lost),
            _Expectation("most_lines_readable", f"at most {limits.quarantined_error:.0%} of the lines in quarantine", "error",
                         "between", {"column": "quarantined_share", "max_value": limits.quarantined_error}),
            _Expectation("few_lines_quarantined", f"at most {limits.quarantined_warn:.0%} of the lines in quarantine", "warn",
                         "between", {"column": "quarantined_share", "max_value": limits.quarantined_warn}),
        ],
        "conversations": [
            _Expectation("ids_present", "every conversation has an id", "error", "not_null", {"column": "conversation_id"}),
            _Expectation("ids_unique", "no conversation id repeats", "error", "unique", {"column": "conversation_id"}),
            _Expectation("customers_present", "every conversation names its customer", "error", "not_null",
                         {"column": "user_id"}),
            _Expectation("user_speaks", "every conversation has a user turn", "error", "between",
                         {"column": "user_turns", "min_value": 1}),
            _Expectation("roles_known", f"roles are among {', '.join(sorted(ROLES))}", "error", "in_set",
                         {"column": "unknown_roles", "value_set": [0]}),
            _Expectation("times_ordered", "no conversation ends before it starts", "error", "between",
                         {"column": "seconds", "min_value": 0}),
            _Expectation("messages_ordered", "messages are in the order of their times", "warn", "in_set",
                         {"column": "times_back", "value_set": [0]}),
            _Expectation("assistant_speaks", "every conversation has an assistant turn", "warn", "between",
                         {"column": "assistant_turns", "min_value": 1}),
            _Expectation("length_plausible", f"at most {limits.messages} messages a conversation", "warn", "between",
                         {"column": "messages", "max_value": limits.messages}),
            _Expectation("scenario_known", "the log names a scenario", "warn", "in_set",
                         {"column": "scenario_missing", "value_set": [0]}),
        ],
    }  # fmt: skip


def _facts(conversations: pl.DataFrame) -> pl.DataFrame:
    """One row a conversation with the numbers that the suite looks at, and no text."""
    frame = conversations if conversations.height else CONVERSATIONS.empty()
    roles = pl.col("messages").list.eval(pl.element().struct.field("role"))
    times = pl.col("messages").list.eval(pl.element().struct.field("created_at").drop_nulls())
    back = times.list.eval((pl.element().diff().dt.total_microseconds() < 0).sum()).list.first().fill_null(0)
    return frame.select(
        "conversation_id",
        "user_id",
        user_turns=roles.list.count_matches("user"),
        assistant_turns=roles.list.count_matches("assistant"),
        unknown_roles=roles.list.eval(pl.element().is_in(sorted(ROLES)).not_().sum()).list.first().fill_null(0),
        seconds=(pl.col("ended_at") - pl.col("started_at")).dt.total_seconds(),
        times_back=back,
        messages=pl.col("messages").list.len(),
        scenario_missing=(pl.col("scenario") == "unknown").cast(pl.Int64),
    )


def _day_facts(counts: Mapping[str, int], earlier: Sequence[int]) -> pl.DataFrame:
    usual = median(earlier) if len(earlier) >= MIN_EARLIER_DAYS else 0
    spoken = counts["lines"] - counts["blank"]
    accounted = counts["conversations"] + counts["quarantined"] + counts["duplicates"] + counts["blank"]
    return pl.DataFrame(
        {
            "conversations": [counts["conversations"]],
            "volume": [counts["conversations"] / usual if usual else None],
            "quarantined_share": [counts["quarantined"] / spoken if spoken else 0.0],
            "unaccounted": [counts["lines"] - accounted],
        },
        schema_overrides={"volume": pl.Float64},
    )


def _run(facts: pl.DataFrame, expectations: list[_Expectation], *, empty: bool) -> list[ExpectationOutcome]:
    if empty:
        return [ExpectationOutcome(e.name, e.description, e.severity, True, "no conversations", 0) for e in expectations]
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx

    classes = {
        "between": gx.expectations.ExpectColumnValuesToBeBetween,
        "in_set": gx.expectations.ExpectColumnValuesToBeInSet,
        "not_null": gx.expectations.ExpectColumnValuesToNotBeNull,
        "unique": gx.expectations.ExpectColumnValuesToBeUnique,
    }
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = context.data_sources.add_pandas("memory").add_dataframe_asset("facts").add_batch_definition_whole_dataframe("all")
    frame = facts.to_pandas()
    found = batch.get_batch(batch_parameters={"dataframe": frame})
    return [_outcome(e, found.validate(classes[e.kind](**e.arguments)), facts) for e in expectations]


def _outcome(expectation: _Expectation, result: Any, facts: pl.DataFrame) -> ExpectationOutcome:
    unexpected = int(result.result.get("unexpected_count") or 0)
    seen = f"{unexpected} of {facts.height} conversations break it"
    if "quarantined_share" in facts.columns:
        seen = _seen_on_the_day(expectation, facts)
    return ExpectationOutcome(
        expectation.name, expectation.description, expectation.severity, bool(result.success), seen, unexpected
    )


def _seen_on_the_day(expectation: _Expectation, facts: pl.DataFrame) -> str:
    value = facts[expectation.arguments["column"]].item()
    if expectation.name == "has_conversations":
        return f"{value} conversations" if value else "no conversations on this day"
    if expectation.name == "volume_usual":
        return f"{value:.2g} times the usual number" if value is not None else "too few earlier days to compare with"
    return f"{value:.1%} of the lines" if isinstance(value, float) else f"{value} lines unaccounted for"
