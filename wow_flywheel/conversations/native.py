"""Native records of a log file, block by block: those of one day go into its account.

What belongs here: plain lines together, the others one by one, and which lines are of the day. What does not: what a line means
(`plain`, `record`), counting (`account`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import polars as pl

from wow_flywheel.conversations.account import Account
from wow_flywheel.conversations.drift import LogContract
from wow_flywheel.conversations.fields import REASONS, BrokenRecordError, Row
from wow_flywheel.conversations.lines import Block, Line
from wow_flywheel.conversations.plain import BESIDE, LOGGED, SHAPE, PlainReader
from wow_flywheel.conversations.record import CONTRACT, parse_correction, parse_feedback, parse_record
from wow_flywheel.conversations.sources import LogFile
from wow_flywheel.conversations.words import Word


@dataclass(slots=True)
class NativeLines:
    """Reads the native files of a day.

    Args:
        account: Of the day.
        zone: The business timezone.
        personal: Paths of fields that name the customer.
        contract: What becomes of fields that do not fit.
    """

    account: Account
    zone: ZoneInfo
    personal: Sequence[str] = ()
    contract: LogContract = CONTRACT
    _reader: PlainReader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = PlainReader(self.personal, self.contract)

    def read(self, block: Block) -> pl.DataFrame:
        """The lines of a block as `PlainReader` reads them; needs nothing of the account, so it may run ahead of `add`."""
        return self._reader.read(block)

    def add(self, block: Block, read: pl.DataFrame, file: LogFile) -> None:
        """Take in some lines of a file: those of this day.

        Args:
            block: The lines; blocks come in the order of their files.
            read: What `read` made of it.
            file: Where they are from.
        """
        first = self.account.number(len(block))
        rest = [self._careful(block.line(place), place, file) for place in read.filter(~pl.col("plain"))["place"]]
        rows = read.drop("plain")
        if rest:
            careful = pl.DataFrame([row for row in rest if row], schema=pl.Schema({"place": pl.Int64, **SHAPE, **BESIDE}))
            hashed = careful.join(read.select("place", "line_hash"), on="place", maintain_order="left")
            rows = pl.concat([read.filter("plain").select(rows.columns), hashed.select(rows.columns)]).sort("place")
        located = rows.with_columns(
            source_file=pl.lit(file.path),
            source_line=block.number + pl.col("place"),
            seq=first + pl.col("place"),
            byte_offset=pl.Series(block.offsets).gather(rows["place"]),
            logged_ids=pl.lit(None, LOGGED["logged_ids"]),
            lines=pl.lit(1, pl.Int64),
        )
        started = pl.col("started_at").dt.convert_time_zone(self.zone.key).dt.date()
        taken = located.filter(file.taken(self.account.day, started))
        self.account.elsewhere(located.height - taken.height)
        self.account.take(taken)

    def _careful(self, line: Line, place: int, file: LogFile) -> Row | None:
        """The row of a line that is not plain; None for one that is blank or broken, which is noted."""
        broken: BrokenRecordError | None = None
        if line.broken is not None or line.data.strip():
            try:
                row = parse(line, self.zone, self.personal, self.contract)
            except BrokenRecordError as error:
                broken = error
            else:
                self._correction(line, row, file)
                return {"place": place} | row
        if not file.takes(self.account.day, None):
            self.account.elsewhere()
        elif broken is None:
            self.account.blank()
        elif not self._feedback(line, file, broken):
            self.account.quarantine(file.path, line, broken)
        return None

    def _correction(self, line: Line, row: Row, file: LogFile) -> None:
        """Take in the better reply in a record's own feedback; the line counts for its conversation."""
        reply = parse_correction(line.data)
        day = row["started_at"].astimezone(self.zone).date()
        if reply and file.takes(self.account.day, day) and row["user_id"] not in self.account.forgotten:
            name = row["conversation_id"]
            self.account.said(file.path, line, Word((name,), {}, reply, name, personal=row["personal"]))

    def _feedback(self, line: Line, file: LogFile, error: BrokenRecordError) -> bool:
        """Take in a line that only says what a customer thought of a conversation; False if it is none."""
        try:
            found = parse_feedback(line.data) if error.reason == "missing_field" else None
        except BrokenRecordError:
            return False
        if found is not None:
            kept = self.account.said(file.path, line, found)
            self.account.ignore("feedback" if kept else "forgotten")
        return found is not None


def parse(line: Line, zone: ZoneInfo, personal: Sequence[str], contract: LogContract) -> Row:
    """One line with care.

    Raises:
        BrokenRecordError: It cannot be trusted, or breaks the contract.
    """
    if line.broken:
        raise BrokenRecordError(line.broken, REASONS[line.broken])
    return parse_record(line.data, zone, personal, contract)
