"""Ingest: `conversations` and `quarantine`, with the Great Expectations suite as checks of the day.

What belongs here: the two assets and the checks that need the reader's accounting. What does not: reading, redacting, expecting
(`wow_flywheel.conversations`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from wow_flywheel.conversations.account import ADDED
from wow_flywheel.conversations.daily import Ingested
from wow_flywheel.conversations.expectations import ExpectationOutcome, suite
from wow_flywheel.defs.contract_checks import check_spec
from wow_flywheel.defs.failures import plain_failures, reported
from wow_flywheel.defs.metadata import counts_table, frame_table, written
from wow_flywheel.defs.partitions import day_of
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import table_spec

SPECS = [
    table_spec(
        "conversations",
        "conversations",
        "The day's conversations from .jsonl, .gz, .zst or Parquet, checked, each one once, personal data redacted.",
        deps=["production_logs"],
        kinds=("python", "polars"),
    ),
    table_spec(
        "quarantine",
        "conversations",
        "Lines that could not be read or broke the contract, with file, line, byte offset and reason, redacted.",
        deps=["production_logs"],
        kinds=("python", "polars"),
    ),
]
CHECKS = [check_spec(name, "conversations", text, blocking=True) for name, text, _ in suite()]
"""Only one that fails with severity `error` blocks; the severity is that of the run, since `WOW_CHECKS` may change it."""


@dg.multi_asset(specs=SPECS, check_specs=CHECKS)
def ingest(context: dg.AssetExecutionContext, flywheel: Flywheel) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Read the day's logs whole, and replace the day."""
    from wow_flywheel.conversations.daily import ingest_day

    with plain_failures(context):
        day, lake = day_of(context.partition_key), flywheel.lake()
        done = ingest_day(lake, flywheel.settings(), day)
    counts = done.counts
    context.log.info(summary(context.partition_key, counts))
    if done.reopened:
        context.log.warning("feedback for other days, which `late_feedback` runs again: %s", ", ".join(map(str, done.reopened)))
    shown: dict[str, dict[str, Any]] = {
        "conversations": {"accounting": accounting(done), "by scenario": frame_table(done.scenarios)}
        | {"files by format": counts_table(done.formats), "lines with fields that do not fit": counts_table(done.drift)},
        "quarantine": {"by reason": frame_table(done.reasons)},
    }
    rows = {"conversations": counts["conversations"], "quarantine": int(done.reasons["rows"].sum())}
    for name, more in shown.items():
        yield dg.MaterializeResult(asset_key=name, metadata=written(lake, name, rows[name], done.versions[name]) | more)
    replay = f"fix the log or the reader, then `wow-flywheel conversations replay --dt {day}`, then run `nightly` again"
    yield from reported(told(context, done.outcomes, counts), replay)


def accounting(done: Ingested) -> dg.MarkdownMetadataValue:
    """The day's account as a table: lines, and what became of each of them, which adds up; ignored ones by reason."""
    counts, ignored = done.counts, done.ignored
    shown: dict[str, Any] = {name: counts[name] for name in ("files", "lines")}
    shown |= {f"= {name.replace('_', ' ')}": counts[name] for name in ADDED[:1]}
    shown |= {f"+ {name}": counts[name] for name in ADDED[1:] if name != "ignored" or not ignored}
    shown |= {f"+ ignored: {reason}": lines for reason, lines in sorted(ignored.items())}
    total = counts["conversations"]
    nameless = f"{done.anonymous} ({done.anonymous / total:.1%})" if total else "0"
    shown |= {"conversations": total, "of these, without a customer": nameless, "values redacted": counts["redactions"]}
    beside = {"further replies of calls that asked for several": done.other_choices}
    beside |= {"lines of other days in these files": done.elsewhere, "feedback that waits for its conversation": done.waiting}
    return counts_table(shown | beside)


def told(
    context: dg.AssetExecutionContext, outcomes: Sequence[ExpectationOutcome], counts: Mapping[str, Any]
) -> Iterator[dg.AssetCheckResult]:
    """The suite's check results, the failed ones logged as well."""
    for result in check_results(outcomes, counts):
        if not result.passed:
            context.log.warning("%s: %s", context.partition_key, result.description)
        yield result


def summary(day: str, counts: Mapping[str, Any]) -> str:
    """The day's accounting in one line."""
    return (
        f"{day}: {counts['conversations']} conversations from {counts['lines']} lines in {counts['files']} files, "
        f"{counts['quarantined']} quarantined, {counts['duplicates']} repeated, {counts['ignored']} ignored, "
        f"{counts['redactions']} values redacted"
    )


def check_results(outcomes: Sequence[ExpectationOutcome], counts: Mapping[str, Any]) -> Iterator[dg.AssetCheckResult]:
    """What the suite saw, as check results; severity `error` blocks what comes after the conversations."""
    for outcome in outcomes:
        yield dg.AssetCheckResult(
            asset_key="conversations",
            check_name=outcome.name,
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR if outcome.severity == "error" else dg.AssetCheckSeverity.WARN,
            description=_in_words(outcome, counts),
            metadata=_shown(outcome),
        )


def _shown(outcome: ExpectationOutcome) -> dict[str, str | int]:
    """What was seen; how many conversations broke it only where it is about conversations, not about the day."""
    seen: dict[str, str | int] = {"seen": outcome.observed}
    return seen if outcome.unexpected_count is None else seen | {"conversations that break it": outcome.unexpected_count}


def _in_words(outcome: ExpectationOutcome, counts: Mapping[str, Any]) -> str:
    if outcome.passed:
        return f"held: {outcome.description}"
    if outcome.name == "has_conversations":
        return f"no conversations on this day: {counts['files']} log files with {counts['lines']} lines"
    if outcome.name in {"most_lines_readable", "few_lines_quarantined"}:
        return f"{counts['quarantined']} of {counts['lines']} lines are quarantined; the table `quarantine` says why"
    return f"expected {outcome.description}; seen: {outcome.observed}"
