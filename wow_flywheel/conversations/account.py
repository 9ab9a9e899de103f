"""The account of a day: what came of every line, and the rows themselves, redacted and on local disk.

What belongs here: taking in rows, quarantined and ignored lines, settling repeats, and checking that nothing is lost. What does
not: reading (`native`, `foreign`), tables (`lake`).
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS, FEEDBACK_LINES, QUARANTINE
from wow_flywheel.conversations.day_read import DayRead
from wow_flywheel.conversations.demonstrations import demonstrations
from wow_flywheel.conversations.feedback import ORDER, Feedback, named_in
from wow_flywheel.conversations.fields import BrokenRecordError, Row
from wow_flywheel.conversations.followed import Followed
from wow_flywheel.conversations.heard import Heard
from wow_flywheel.conversations.lines import Line
from wow_flywheel.conversations.redaction.frame import redact_frame
from wow_flywheel.conversations.redaction.json_text import redact_broken, redact_text
from wow_flywheel.conversations.redaction.placeholders import stored
from wow_flywheel.conversations.redaction.vault import Vault
from wow_flywheel.conversations.repeats import CENSUS, Census, as_record, resolve
from wow_flywheel.conversations.spool import Spool
from wow_flywheel.conversations.whose import users_named_in
from wow_flywheel.conversations.words import Word
from wow_flywheel.errors import ContractError
from wow_flywheel.forget.tombstones import Forgotten

MAX_KEPT_LINE: Final = 100_000
"""Characters of a redacted line that quarantine keeps; the source file holds the whole."""
WAITING: Final = 8 * 2**20
"""Bytes of rows that wait in memory to be redacted together."""
WORKING: Final = {"seq": pl.Int64, "line_hash": pl.UInt64, "byte_offset": pl.Int64, "lines": pl.Int64}
"""What is known of a row while the day is read, beside the columns of `conversations`: its place among all lines, a hash that
exact copies share, where it begins, and of how many lines it was made."""
ADDED: Final = ("conversation_lines", "quarantined", "duplicates", "blank", "ignored")
"""Every line is in one of these counts."""
People = Callable[[list[str]], list[str]]
NOBODY: Final = Forgotten("", frozenset())


@dataclass(slots=True)
class Account:
    """A day while it is read.

    Args:
        day: The day.
        forgotten: Customers whose records are ignored.
        vault: Where the originals of redacted values are kept, if they are.
        people: Finds further names in the texts of one conversation (Presidio), if it is asked for.
        followed: Lines of which it is asked what they became a part of.
        told: Feedback that arrived on other days: the columns of `feedback`, in the order of arrival.
    """

    day: dt.date
    forgotten: Forgotten = NOBODY
    vault: Vault | None = None
    told: pl.DataFrame = field(default_factory=FEEDBACK_LINES.empty)
    people: People | None = None
    followed: Followed = field(default_factory=Followed)
    counts: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    drift: Counter[str] = field(default_factory=Counter)
    other_choices: int = 0
    """Replies that calls got beside the first one."""
    _rows: Spool = field(default_factory=lambda: Spool(CONVERSATIONS.columns | WORKING))
    _broken: Spool = field(default_factory=lambda: Spool(QUARANTINE.columns))
    _waiting: list[pl.DataFrame] = field(default_factory=list)
    _heard: Heard = field(init=False)
    _theirs: set[str] = field(default_factory=set)
    """Ids of conversations of forgotten people, and of their calls and traces, that were met."""
    _passed: int = 0
    _elsewhere: int = 0

    def __post_init__(self) -> None:
        self._heard = Heard(self.day, self.forgotten)

    def number(self, lines: int) -> int:
        """The place of the first of some lines among all that are read; each is numbered once."""
        first, self._passed = self._passed, self._passed + lines
        return first

    def take(self, rows: pl.DataFrame) -> None:
        """Take in conversations, not yet redacted.

        Args:
            rows: The columns of `plain.SHAPE`, source_file, source_line, those of `WORKING`, and maybe `plain.BESIDE`.
        """
        if rows.is_empty():
            return
        known = self.forgotten.among(rows["user_id"])
        theirs = _ids_stored(rows.filter(known))
        self._theirs.update(stored(theirs["conversation_id"]))
        self._theirs.update(theirs["logged_ids"].explode().struct.field("id").drop_nulls())
        self.ignore("forgotten", int(theirs["lines"].sum()))
        self.counts["lines"] += int(rows["lines"].sum()) - int(theirs["lines"].sum())
        kept = rows.filter(~known).with_columns(dt=pl.lit(self.day))
        if "drift" in kept.columns:
            for name, lines in kept["drift"].explode().drop_nulls().value_counts().iter_rows():
                self.drift[redact_text(name)[0]] += lines
        self._waiting.append(kept)
        if sum(frame.estimated_size() for frame in self._waiting) >= WAITING:
            self._redact_waiting()

    def _redact_waiting(self) -> None:
        """Redact what was taken in, many small files at once: each call costs as much as some hundred rows."""
        if not self._waiting:
            return
        kept = pl.concat(self._waiting, how="diagonal")
        self._waiting.clear()
        named = kept if self.people is None else _further_named(kept, self.people)
        redacted = redact_frame(_ids_stored(named), keep=self._keep if self.vault else None)
        self.counts["redactions"] += int(redacted["redactions"].sum())
        self._rows.add(redacted)

    def _keep(self, conversation_id: str, originals: Mapping[str, str]) -> None:
        if self.vault is not None:
            self.vault.keep(self.day, conversation_id, originals)

    def quarantine(self, file: str, line: Line, error: BrokenRecordError) -> None:
        """Take in a line that could not be read."""
        users = users_named_in(line.data)
        if any(user in self.forgotten for user in users):
            self.ignore("forgotten")
            return
        text = redact_broken(line.data, MAX_KEPT_LINE)
        source = {"source_file": file, "source_line": line.number, "byte_offset": line.offset}
        named = {"conversation_id": _conversation_id(text), "user_id": next(iter(users), None), "redacted_line": text}
        self.counts.update(lines=1, quarantined=1)
        self._set_aside(source | named, error)

    def said(self, file: str, line: Line, word: Word) -> bool:
        """Take in what a person said apart from a conversation; False if it is of somebody forgotten. No line is counted."""
        users = users_named_in(line.data)
        user = users[0] if len(users) == 1 else None
        return (user is None or user not in self.forgotten) and self._heard.add(file, line.number, word, user)

    def blank(self, lines: int = 1) -> None:
        """Count lines that hold nothing."""
        self.counts.update(lines=lines, blank=lines)

    def elsewhere(self, lines: int = 1) -> None:
        """Count lines that are read on another day."""
        self._elsewhere += lines

    def ignore(self, reason: str, lines: int = 1) -> None:
        """Count lines that rightly give nothing."""
        if lines:
            self.counts.update(lines=lines, ignored=lines)
            self.ignored[reason] += lines

    def settle(self) -> DayRead:
        """What was taken in, repeats settled, counted.

        Raises:
            ContractError: Lines are lost: a defect.
        """
        self._redact_waiting()
        if self._passed != self.counts["lines"] + self._elsewhere:
            raise ContractError(
                f"{self._passed} lines were read: {self._elsewhere} of other days, {self.counts['lines']} are accounted for",
                hint="this is a defect of a reader: report it with these numbers and the formats of the day's files",
            )
        census = Census(self._rows.scan().select(CENSUS).collect(engine="streaming"))
        copies, versions = census.copies(), census.versions()
        competing = self._rows.scan().filter(pl.col("seq").is_in(versions.implode())).collect()
        settled, contradicting = resolve(competing)
        for row in contradicting.to_dicts():
            self._contradicts(row)
        taken = int(census.lines["lines"].sum())
        repeated = int(census.lines.filter(pl.col("seq").is_in(copies.implode()))["lines"].sum())
        older = int(competing["lines"].sum()) - int(settled["lines"].sum()) - int(contradicting["lines"].sum())
        self.counts["duplicates"] = repeated + older
        self.counts["conversation_lines"] = taken - repeated - older - int(contradicting["lines"].sum())
        kept = CONVERSATIONS.conform(settled.select(list(CONVERSATIONS.columns)))
        left_out = pl.concat([copies, versions])
        alone = census.lines.filter(pl.col("seq").is_in(left_out.implode()).not_())
        self.counts["conversations"] = alone.height + settled.height
        lines, said, better = self._heard_of(kept, left_out)
        self.counts["conversations"] += better.height
        self.counts["redactions"] += self._heard.redactions
        counted = (_checked(self.counts), self._elsewhere, self.ignored, self.formats, self.drift, self.other_choices)
        told = (lines, self._theirs, self.followed.found(), said)
        return DayRead(*counted, *told, self._rows, self._broken, left_out, pl.concat([kept, better]))

    def _heard_of(self, kept: pl.DataFrame, left_out: pl.Series) -> tuple[pl.DataFrame, Feedback, pl.DataFrame]:
        """The day's words, what these and words of other days say of its conversations, and what better replies make."""
        own = self._heard.lines(self._theirs)
        lines = pl.concat([own, self.told.select(own.columns)]).sort(*ORDER, maintain_order=True)
        if lines.is_empty():
            return own, Feedback.of(lines, named_in(CONVERSATIONS.empty().lazy(), lines)), CONVERSATIONS.empty()
        rest = self._rows.scan().filter(pl.col("seq").is_in(left_out.implode()).not_()).select(list(CONVERSATIONS.columns))
        conversations = pl.concat([rest, kept.lazy()])
        found = named_in(conversations, lines)
        joined = pl.Series("line", found["line"].unique()).implode()
        of_day = lines.with_row_index("line").with_columns(joined=pl.col("line").is_in(joined)).filter(dt=self.day)
        spoken = found["conversation_id"].unique().implode()
        better = demonstrations(conversations.filter(pl.col("conversation_id").is_in(spoken)).collect(), lines, found)
        there = conversations.filter(pl.col("conversation_id").is_in(better["conversation_id"].implode())).collect()
        new = better.join(there, on="conversation_id", how="anti")
        return of_day.select(own.columns), Feedback.of(lines, found), new

    def _contradicts(self, row: Row) -> None:
        kept = {name: row[name] for name in ("conversation_id", "user_id", "source_file", "source_line", "byte_offset")}
        text = json.dumps(as_record(row), default=str, ensure_ascii=False)[:MAX_KEPT_LINE]
        self.counts["quarantined"] += row["lines"]
        contradicts = BrokenRecordError("duplicate_id", "conversation_id repeats with other content")
        self._set_aside(kept | {"redacted_line": text}, contradicts)

    def _set_aside(self, row: Row, error: BrokenRecordError) -> None:
        self._broken.add_row(row | {"dt": self.day, "reason": error.reason, "detail": error.detail})


def _further_named(rows: pl.DataFrame, people: People) -> pl.DataFrame:
    """The rows with the names that are found in what was said, after those that their records give."""
    given = rows["personal"].to_list() if "personal" in rows.columns else [None] * rows.height
    said = [
        [each["content"] for each in messages if each["role"] != "tool" and each["content"]] for messages in rows["messages"]
    ]
    names = [[*(known or ()), *people(texts)] for known, texts in zip(given, said, strict=True)]
    return rows.with_columns(personal=pl.Series(names, dtype=pl.List(pl.String)))


def _ids_stored(rows: pl.DataFrame) -> pl.DataFrame:
    """The ids of calls and traces as ids of conversations are stored."""
    ids = rows["logged_ids"]
    if ids.null_count() == rows.height:
        return rows
    given = ids.explode().struct.field("id").drop_nulls().unique()
    kept = stored(given)
    element = pl.element().struct.field("id").replace(given, kept)
    return rows.with_columns(pl.col("logged_ids").list.eval(pl.element().struct.with_fields(id=element)))


def _conversation_id(redacted: str) -> str | None:
    try:
        record = json.loads(redacted)
        found = record.get("conversation_id") if isinstance(record, dict) else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, str) and found.isprintable() else None


def _checked(counts: Counter[str]) -> dict[str, int]:
    accounts = {name: counts[name] for name in ("files", "lines", "conversations", *ADDED, "redactions")}
    if accounts["lines"] != sum(accounts[name] for name in ADDED):
        raise ContractError(
            f"the lines of the day do not add up: {accounts}",
            hint="this is a defect of the reader: report it with these numbers",
        )
    return accounts
