"""What comes back from another tool: each decision checked as if it were made on the page, bad ones named, none added twice.

What belongs here: checking and adding. What does not: reading a tool's file.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import polars as pl

from wow_flywheel.cases.decisions import decision
from wow_flywheel.cases.findings import finding_decision
from wow_flywheel.cases.rewrites import parse, rewrite_edit
from wow_flywheel.contracts import TABLES
from wow_flywheel.errors import DecisionError
from wow_flywheel.lake import Lake
from wow_flywheel.review.page import Finding, findings_of

Kind = Literal["label", "finding", "rewrite"]
Fault = tuple[str, str]
"""Where in the file, and what is wrong there."""
TABLE: Final[Mapping[Kind, str]] = {"label": "decisions", "finding": "finding_decisions", "rewrite": "rewrite_edits"}
SAME: Final = {
    "decisions": ("dt", "conversation_id"),
    "finding_decisions": ("dt", "conversation_id", "turn", "issue_type", "quote"),
    "rewrite_edits": ("dt", "conversation_id", "turn"),
}
CLOCKS_DIFFER: Final = dt.timedelta(minutes=5)
SAYS: Final = {"decisions": "label", "finding_decisions": "decision", "rewrite_edits": "chosen"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One decision in a file.

    Attributes:
        where: Its place in the file, for messages: `line 3`, `task 7`.
        kind: What is decided.
        day: The conversation's day.
        conversation_id: The conversation.
        value: The label; accepted or rejected; or what should have been said, as typed.
        finding: The key of the finding, as exported; empty for a label.
        by: Who decided; empty if the file does not say.
        at: When; None if the file does not say.
        note: Why.
    """

    where: str
    kind: Kind
    day: dt.date
    conversation_id: str
    value: str
    finding: str = ""
    by: str = ""
    at: dt.datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        added: Decisions that are new.
        known: Decisions that were there already.
        faults: What could not be taken, and why.
    """

    added: int
    known: int
    faults: Sequence[Fault]


@dataclass(slots=True)
class _Known:
    """The decisions that the lake has, and those added from the file so far."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    def of(cls, lake: Lake) -> "_Known":
        return cls({table: lake.read(table).sort("decided_at").to_dicts() for table in SAME})

    def has(self, table: str, row: Mapping[str, Any], *, timed: bool) -> bool:
        """Whether the same person said the same of the same thing: at that time, or as the last that they said by then."""
        same = (*SAME[table], "decided_by")
        own = [each for each in self.rows[table] if all(each[name] == row[name] for name in same)]
        at = row["decided_at"]
        before = [each["decided_at"] for each in own if each["decided_at"] <= at]
        when = at if timed else max(before, default=at)
        return any(each[SAYS[table]] == row[SAYS[table]] for each in own if each["decided_at"] == when)


def add(
    lake: Lake,
    answers: Iterable[Answer],
    faults: Sequence[Fault],
    by: str,
    now: dt.datetime,
    written: dt.datetime | None = None,
) -> Imported:
    """Add what is new, one commit a table. A decision that is dated in the future would outrank every later one: it is a fault.

    Args:
        lake: The tables.
        answers: What the file says.
        faults: What of the file could not be read.
        by: Who decided, where the file does not say.
        now: The present, with a timezone.
        written: When the file was written, which is when people decided where it does not say; None for now. So what an older
            file says does not outrank a newer one's.
    """
    untimed = min(written or now, now)
    known, found = _Known.of(lake), list(faults)
    findings: dict[tuple[dt.date, str], dict[str, Finding]] = {}
    new: dict[str, list[pl.DataFrame]] = {table: [] for table in SAME}
    repeated = 0
    for answer in answers:
        try:
            frame = _row(lake, answer, findings, answer.by or by, _dated(answer, untimed, now))
        except DecisionError as error:
            found.append((answer.where, str(error)))
            continue
        table, row = TABLE[answer.kind], frame.row(0, named=True)
        if known.has(table, row, timed=answer.at is not None):
            repeated += 1
            continue
        known.rows[table].append(row)
        new[table].append(frame)
    for table, frames in new.items():
        if frames:
            lake.append(table, pl.concat(frames).cast(pl.Schema(TABLES[table].columns)))
    return Imported(sum(map(len, new.values())), repeated, found)


def _dated(answer: Answer, untimed: dt.datetime, now: dt.datetime) -> dt.datetime:
    at = answer.at or untimed
    if at > now + CLOCKS_DIFFER:
        raise DecisionError(
            f"it is decided at {at.isoformat()}, which is in the future", hint="correct the time, or leave it out"
        )
    return at


def _row(
    lake: Lake, answer: Answer, findings: dict[tuple[dt.date, str], dict[str, Finding]], by: str, at: dt.datetime
) -> pl.DataFrame:
    key = (answer.day, answer.conversation_id)
    if answer.kind == "label":
        return decision(lake, *key, answer.value, by, answer.note, at)
    if key not in findings:
        findings[key] = {each.key: each for each in findings_of(lake, *key)}
    of = findings[key].get(answer.finding)
    if of is None:
        raise DecisionError(
            f"{answer.conversation_id!r} of {answer.day} has no such finding",
            hint="the day was inspected again since the export: export it again",
        )
    if answer.kind == "finding":
        return finding_decision(lake, *key, (of.turn, of.issue_type, of.quote), answer.value, by, answer.note, at)
    return rewrite_edit(lake, *key, (of.turn, of.issue_type), parse(answer.value), by, answer.note, at)


def moment(text: Any) -> dt.datetime | None:
    """A time as other tools write it, in UTC; None if there is none, or it has no timezone."""
    try:
        given = dt.datetime.fromisoformat(text) if isinstance(text, str) and text else None
    except ValueError:
        return None
    return given.astimezone(dt.UTC) if given is not None and given.tzinfo is not None else None


def said(values: Iterable[Any]) -> Iterator[str]:
    """The texts among some values, trimmed, without empty ones."""
    return (value.strip() for value in values if isinstance(value, str) and value.strip())
