"""The Great Expectations suite of a day of conversations.

What belongs here: expectations and how their outcome is said. What does not: what they are asked about (`day_facts`), limits
(`thresholds`), Dagster's checks. Great Expectations is imported only when a suite runs (it takes seconds) and is shown no text
and no conversation: it sees one row of figures, however long the day.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from wow_flywheel.conversations.day_facts import OPTIONAL, Seen, day_facts
from wow_flywheel.conversations.messages import ROLES
from wow_flywheel.conversations.thresholds import Severity, Thresholds

READ: Final = "{:.0f} conversations"
BROKEN: Final = "{:.0f} of {conversations} conversations break it"
NO_FIGURE: Final = {
    "volume": "too few earlier days to compare with",
    "new_scenarios": "too few earlier days to compare with",
}


@dataclass(frozen=True, slots=True)
class ExpectationOutcome:
    """What one expectation saw.

    Attributes:
        name: Stable, in snake case.
        description: What is expected, in plain words; limits are named by their threshold.
        severity: `error` stops the day, `warn` shows.
        passed: True if it held.
        observed: What was seen, as a number or short text; never a row.
        unexpected_count: Conversations that broke it; None where the day as a whole is meant.
    """

    name: str
    description: str
    severity: Severity
    passed: bool
    observed: str
    unexpected_count: int | None


@dataclass(frozen=True, slots=True)
class _Expectation:
    """One expectation about one figure of the day.

    Attributes:
        name: Stable, in snake case.
        description: What is expected.
        severity: As built in.
        figure: A column of `day_facts`.
        low: The least that it may be; None for no limit.
        high: The most.
        said: How the figure is shown.
        counts: Whether the figure is a number of conversations that break it.
    """

    name: str
    description: str
    severity: Severity
    figure: str
    low: float | None
    high: float | None
    said: str
    counts: bool = False


def suite(thresholds: Thresholds | None = None) -> list[tuple[str, str, Severity]]:
    """Name, description and severity of every expectation, in the order of `validate`; nothing heavy is imported."""
    limits = thresholds or Thresholds()
    return [(each.name, each.description, limits.severity.get(each.name, each.severity)) for each in _suite(limits)]


def names() -> tuple[str, ...]:
    """The names of all expectations."""
    return tuple(name for name, _, _ in suite())


def validate(
    conversations: pl.DataFrame | Seen,
    counts: Mapping[str, int],
    thresholds: Thresholds | None = None,
    earlier: Sequence[int] = (),
    scenarios: Collection[str] = (),
) -> list[ExpectationOutcome]:
    """Run the suite over one day.

    Args:
        conversations: Contract `conversations`, or what was counted of them.
        counts: The day's accounting, see `ingest.DayRead`.
        thresholds: What a day may look like.
        earlier: Conversations of the days before it; their median is what is usual, from three days on.
        scenarios: Those of the days before it.

    Returns:
        One outcome an expectation, in a fixed order.
    """
    limits = thresholds or Thresholds()
    seen = conversations if isinstance(conversations, Seen) else Seen.of(conversations)
    facts = day_facts(seen, counts, earlier, scenarios)
    expectations = _suite(limits)
    held = _evaluated(facts, expectations)
    return [_outcome(each, limits, facts[each.figure], facts, passed) for each, passed in zip(expectations, held, strict=True)]


def _suite(limits: Thresholds) -> list[_Expectation]:
    volume = "about as many conversations as usual (`volume`)"
    times = "{:.2g} times the usual number"
    return [
        _Expectation(
            "has_conversations", "at least one conversation on this day", "warn", "read", 1, None, "{:.0f} conversations"
        ),
        _Expectation("volume_usual", volume, "warn", "volume", 1 / limits.volume, limits.volume, times),
        *_of_lines(limits),
        _never("ids_present", "every conversation has an id", "error", "no_id"),
        _never("ids_unique", "no conversation id repeats", "error", "id_repeats"),
        _never("customers_present", "every conversation names its customer", "error", "no_customer"),
        _never("user_speaks", "every conversation has a user turn", "error", "no_user_turn"),
        _never("roles_known", f"roles are among {', '.join(sorted(ROLES))}", "error", "unknown_role"),
        _never("times_ordered", "no conversation ends before it starts", "error", "ends_early"),
        _never("messages_ordered", "messages are in the order of their times", "warn", "times_back"),
        _never("assistant_speaks", "every conversation has an assistant turn", "warn", "no_assistant_turn"),
        *_of_conversations(limits),
    ]


def _of_lines(limits: Thresholds) -> list[_Expectation]:
    whole = "every line is a conversation, quarantined, a duplicate, ignored or blank"
    broken = "few enough lines in quarantine for the day to count (`quarantined_error`)"
    fewer = "few lines in quarantine (`quarantined_warn`)"
    twice = "few lines that repeat a conversation (`duplicates`)"
    said = "{:.1%} of the lines"
    return [
        _Expectation("every_line_accounted_for", whole, "error", "unaccounted", 0, 0, "{:.0f} lines unaccounted for"),
        _most("most_lines_readable", broken, "error", "quarantined_share", limits.quarantined_error, said),
        _most("few_lines_quarantined", fewer, "warn", "quarantined_share", limits.quarantined_warn, said),
        _most("few_duplicates", twice, "warn", "duplicate_share", limits.duplicates, said),
    ]


def _of_conversations(limits: Thresholds) -> list[_Expectation]:
    turns = "user and assistant mostly take turns (`same_role_in_a_row`)"
    new = "no scenario that the days before did not have (`new_scenarios`)"
    long = "no conversation is longer than plausible (`messages`)"
    said, longest = "{:.1%} of the conversations", "{:.0f} messages in the longest conversation"
    nameless = "the log names most customers (`anonymous`)"
    unknown = "the log names a scenario (`unknown_scenario`)"
    return [
        _most("length_plausible", long, "warn", "longest", limits.messages, longest),
        _most("roles_alternate", turns, "warn", "same_role_share", limits.same_role_in_a_row, said),
        _most("customers_known", nameless, "warn", "anonymous_share", limits.anonymous, said),
        _most("scenario_known", unknown, "warn", "unknown_scenario_share", limits.unknown_scenario, said),
        _most("scenarios_seen_before", new, "warn", "new_scenarios", limits.new_scenarios, "{:.0f} new scenarios"),
        *(
            _most(
                f"{name}_filled",
                f"enough conversations have a {name} (`null_{name}`)",
                "warn",
                f"null_{name}",
                getattr(limits, f"null_{name}"),
                "{:.1%} of the conversations have none",
            )
            for name in OPTIONAL
        ),
    ]


def _never(name: str, description: str, severity: Severity, figure: str) -> _Expectation:
    return _Expectation(
        name, description, severity, figure, 0, 0, "{:.0f} of {conversations} conversations break it", counts=True
    )


def _most(name: str, description: str, severity: Severity, figure: str, high: float, said: str) -> _Expectation:
    return _Expectation(name, description, severity, figure, None, high, said)


def _evaluated(facts: Mapping[str, float | None], expectations: Sequence[_Expectation]) -> list[bool]:
    """Whether each holds, as Great Expectations finds; a figure that there is none of cannot break it.

    One suite, of which only the verdicts are asked for: figure by figure the same takes several times as long, on every day.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("facts")
    frame = pl.DataFrame({name: [value] for name, value in facts.items()}, schema=dict.fromkeys(facts, pl.Float64)).to_pandas()
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": frame})
    between = gx.expectations.ExpectColumnMaxToBeBetween  # of one row, the greatest value is the value
    asked = [
        between(column=each.figure, min_value=each.low, max_value=each.high, meta={"name": each.name})
        for each in expectations
        if facts[each.figure] is not None
    ]
    found = batch.validate(gx.ExpectationSuite("day", expectations=asked), result_format="BOOLEAN_ONLY").results
    held = {each.expectation_config.meta["name"]: bool(each.success) for each in found}
    return [facts[each.figure] is None or held[each.name] for each in expectations]


def _outcome(
    expectation: _Expectation, limits: Thresholds, value: float | None, facts: Mapping[str, float | None], passed: bool
) -> ExpectationOutcome:
    severity = limits.severity.get(expectation.name, expectation.severity)
    total = facts["conversations"] or 0
    seen = _seen(expectation, value, total)
    broken = int(value or 0) if expectation.counts else None
    return ExpectationOutcome(expectation.name, expectation.description, severity, passed, seen, broken)


def _seen(expectation: _Expectation, value: float | None, total: float) -> str:
    if value is None:
        return NO_FIGURE.get(expectation.figure, "no conversations")
    if expectation.figure == "read" and not value:
        return "no conversations on this day"
    return expectation.said.format(value, conversations=int(total)) + _allowed(expectation)


def _allowed(expectation: _Expectation) -> str:
    """What the thresholds allow, where there is something to set."""
    if expectation.counts or expectation.high is None or expectation.low == expectation.high:
        return ""
    form = "{:.0%}" if "%" in expectation.said else "{:.2g}" if expectation.low is not None else "{:g}"
    if expectation.low is None:
        return f"; at most {form.format(expectation.high)} allowed"
    return f"; allowed {form.format(expectation.low)} to {form.format(expectation.high)}"
