"""Log files of other tools: their documents become conversations, and each line goes into the day's account.

What belongs here: which lines can be read together and which go to the careful readers, and to which conversation a line
belongs. What does not: formats (`readers`, `plain_calls`), linking calls (`chains`), counting (`account`).

Calls of one conversation may lie in several files of a day, so the files of a format are read together. A line counts for the
first conversation that it belongs to.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from wow_flywheel.conversations.account import Account
from wow_flywheel.conversations.call_structures import OPENAI, OTEL
from wow_flywheel.conversations.chains import HEAVY, LIGHT, LINE, UNCLEAR, Linked, link, rows
from wow_flywheel.conversations.fields import REASONS, BrokenRecordError
from wow_flywheel.conversations.line_days import line_days
from wow_flywheel.conversations.lines import Block, Line, read_blocks
from wow_flywheel.conversations.plain import BESIDE, LOGGED, SHAPE
from wow_flywheel.conversations.plain_calls import CALLS, PlainCalls
from wow_flywheel.conversations.readers import openai_calls, otel, registry
from wow_flywheel.conversations.readers.provenance import OTHER_CHOICE, Waiting
from wow_flywheel.conversations.record import parse_record
from wow_flywheel.conversations.redaction.names import names_in_document
from wow_flywheel.conversations.sources import LogFile, LogSource
from wow_flywheel.conversations.spool import Spool
from wow_flywheel.conversations.strict_json import line_value
from wow_flywheel.conversations.words import Word
from wow_flywheel.errors import StorageUnavailable

PLAIN: Final[Mapping[str, tuple[str, dict[str, Any], ModuleType]]] = {
    "openai": ("openai_calls", OPENAI, openai_calls),
    "otel": ("otel_calls", OTEL, otel),
}
"""Formats of which many lines are read at once: the file under `sql/ingest/`, the JSON types, and the careful reader."""
PLACE: Final = {"source_file": pl.String, "source_line": pl.Int64, "seq": pl.Int64, "byte_offset": pl.Int64}
CAREFUL: Final = pl.Schema({**SHAPE, **LOGGED, "personal": BESIDE["personal"], **PLACE, "lines": pl.Int64})


@dataclass(frozen=True, slots=True)
class Located:
    """A line, and where it lies."""

    file: LogFile
    line: Line
    place: int


@dataclass(slots=True)
class Foreign:
    """Reads the files of one format of a day.

    Args:
        account: Of the day.
        zone: The business timezone.
        source: Where the files lie.
        name: The format.
        personal: Dotted paths of fields that name the customer, wherever a document has them.
    """

    account: Account
    zone: ZoneInfo
    source: LogSource
    name: str
    personal: Sequence[str] = ()
    _starts: list[tuple[int, LogFile, int]] = field(default_factory=list)
    """For each block: the place of its first line, its file, and that line's number there."""

    _offsets: list["np.ndarray[tuple[int], np.dtype[np.int64]]"] = field(default_factory=list)
    """For each block: `Block.offsets`."""

    def read(self, files: Sequence[LogFile]) -> None:
        """Take in all lines of the files."""
        if self.name in PLAIN:
            self._read_plain(files)
        else:
            self._read_carefully(self._lines(files))

    def _read_carefully(self, lines: Iterable[Located]) -> None:
        """Read documents one by one, and count each for what came of it."""
        located: list[Located] = []
        documents = []
        for each in lines:
            for document in self._documents(each):
                documents.append((len(located), document))
                located.append(each)
        found = registry.read(self.name, documents, self.zone)
        self.account.other_choices += found.parts.get(OTHER_CHOICE, 0)
        owners: dict[int, int] = {}
        for place, sources in enumerate(found.sources):
            for index in sources:
                owners.setdefault(index, place)
        counted = Counter(owners.values())
        for index, error in found.broken.items():
            self._unused(located[index], error, "")
        named = [names_in_document(document, self.personal) for _, document in documents]
        nobodys = self._wait(found.waiting, located, named)
        for index, reason in found.ignored.items():
            self._unused(located[index], None, "forgotten" if index in nobodys else reason)
        made = [
            {
                **parse_record(json.dumps(record).encode()),
                **_place(located[sources[0]]),
                "logged_ids": [{"id": name, "turn": turn} for name, turn in found.ids[place]] or None,
                "lines": counted[place],
                "personal": list(dict.fromkeys(name for index in sources for name in named[index])),
            }
            for place, (record, sources) in enumerate(zip(found.records, found.sources, strict=True))
        ]
        self.account.followed.add(
            (*_line(located[index]), *_line(located[sources[0]]), record["conversation_id"])
            for record, sources in zip(found.records, found.sources, strict=True)
            for index in sources
        )
        self._take(pl.DataFrame(made, schema=CAREFUL))

    def _wait(self, waiting: Iterable[Waiting], located: Sequence[Located], named: Sequence[list[str]]) -> set[int]:
        """Keep what is said of what is not here; which documents say something only of conversations of forgotten people."""
        dropped, kept = set[int](), set[int]()
        for word in waiting:
            index = min(word.sources)
            each = located[index]
            said = Word(word.keys, word.feedback, word.reply, personal=named[index])
            self.account.followed.add((*_line(located[part]), *_line(each), word.keys[0]) for part in word.sources)
            (kept if self.account.said(each.file.path, each.line, said) else dropped).update(word.sources)
        return dropped - kept

    def _documents(self, each: Located) -> list[Any]:
        """A line's JSON; nothing for one that is blank or broken, which is noted."""
        line = each.line
        if line.broken is None and not line.data.strip():
            self.account.blank()
            return []
        try:
            if line.broken is None:
                return [line_value(line.data)]
            broken = BrokenRecordError(line.broken, REASONS[line.broken])
        except BrokenRecordError as error:
            broken = error
        self.account.quarantine(each.file.path, line, broken)
        return []

    def _unused(self, each: Located, error: BrokenRecordError | None, reason: str) -> None:
        if error is not None:
            self.account.quarantine(each.file.path, each.line, error)
        else:
            self.account.ignore(reason)

    def _read_plain(self, files: Sequence[LogFile]) -> None:
        """Link the plain calls of all files; go through the files again for what is left."""
        query, expected, careful_reader = PLAIN[self.name]
        reader = PlainCalls(query, expected, self.personal)
        heavy = Spool({"place": pl.Int64, **{name: CALLS[name] for name in HEAVY}})
        light, unclear, careful = Spool(LIGHT), [pl.DataFrame(schema=pl.Schema(UNCLEAR))], set[int]()
        for start, block, here in self._blocks(files):
            read = reader.read(block)
            calls = read.filter(here.gather(read["place"] // LINE)).with_columns(pl.col("place") + start * LINE)
            plain = pl.col("plain").all().over(pl.col("place") // LINE)
            spoken = calls.filter(plain & pl.col("is_call"))
            light.add(spoken)
            heavy.add(spoken)
            odd = (calls.filter(~plain)["place"] // LINE).unique().to_list()
            careful.update(odd)
            unclear.append(self._unclear((block.line(place - start) for place in odd), careful_reader))
            silent = (
                calls.filter(plain).group_by(pl.col("place") // LINE).agg(pl.col("is_call").any()).filter(~pl.col("is_call"))
            )
            self.account.ignore("not_a_call", silent.height)
        linked = link(light.scan().collect(), pl.concat(unclear))
        self._take_chains(heavy, linked)
        light.close()
        heavy.close()
        careful.update((linked.left // LINE).to_list())
        if careful:
            self._read_carefully(each for each in self._again(files) if each.place in careful)

    def _unclear(self, lines: Iterable[Line], reader: ModuleType) -> pl.DataFrame:
        """What is known of the calls in lines that are not plain."""
        known: list[dict[str, str | None]] = []
        for line in lines:
            try:
                document = line_value(line.data)
                keys, calls = reader.keys_of(document), reader.calls_of(document)
            except BrokenRecordError:
                continue
            known += [{"call_id": key, "trace": key, "session": key} for key in keys]
            for call in calls:
                scope = {"session": call.session, "customer": call.user, "scenario": call.scenario}
                known.append({**scope, "call_id": call.id, "trace": call.trace})
        storable = [{name: text and text.encode(errors="replace").decode() for name, text in each.items()} for each in known]
        return pl.DataFrame(storable, schema=pl.Schema(UNCLEAR))

    def _take_chains(self, heavy: Spool, linked: Linked) -> None:
        """The conversations of plain chains; a line that several of them share counts for the first."""
        owned = linked.calls.sort("place").filter((pl.col("place") // LINE).is_first_distinct())
        lines = owned.group_by("chain").agg(lines=pl.len().cast(pl.Int64))
        blocks = pl.DataFrame(
            [(start, file.path, number) for start, file, number in self._starts],
            schema={"start": pl.Int64, "source_file": pl.String, "number": pl.Int64},
            orient="row",
        ).sort("start")
        offsets = pl.Series(np.concatenate([np.zeros(0, np.int64), *self._offsets]))
        for frame in heavy.frames():
            found = rows(frame, linked.calls).join(lines, left_on="place", right_on="chain", how="left")
            first = found.with_columns(seq=pl.col("places").list.first() // LINE, lines=pl.col("lines").fill_null(0)).sort(
                "seq"
            )
            placed = _in_blocks(first, "seq", blocks).with_columns(
                byte_offset=offsets.gather(first["seq"] - self._starts[0][0])
            )
            if not self.account.followed.asks_none:
                self.account.followed.add(_parts(placed, blocks))
            self._take(placed)

    def _take(self, found: pl.DataFrame) -> None:
        columns = [
            *SHAPE,
            *LOGGED,
            *({"personal"} & set(found.columns)),
            "source_file",
            "source_line",
            "seq",
            "line_hash",
            "byte_offset",
            "lines",
        ]
        self.account.take(found.with_columns(line_hash=pl.col("seq").cast(pl.UInt64)).select(columns))

    def _blocks(self, files: Sequence[LogFile]) -> Iterator[tuple[int, Block, pl.Series]]:
        """For each block: the place of its first line, its lines, and which of them are of this day (Boolean)."""
        for file in files:
            with self.source.reading(file) as stream:
                for block in read_blocks(stream, file.path):
                    start, here = self.account.number(len(block)), self._here(file, block)
                    self.account.elsewhere(len(block) - int(here.sum()))
                    self._starts.append((start, file, block.number))
                    self._offsets.append(block.offsets)
                    yield start, block, here

    def _here(self, file: LogFile, block: Block) -> pl.Series:
        """Which lines are of this day: lines are looked at one by one only where their file has several days."""
        if file.dated or file.days == (self.account.day,):
            return pl.repeat(value=True, n=len(block), eager=True)
        return pl.Series(
            [file.takes(self.account.day, each) for each in line_days(self.name, block, self.zone)], dtype=pl.Boolean
        )

    def _lines(self, files: Sequence[LogFile]) -> Iterator[Located]:
        """The lines of this day."""
        for start, block, here in self._blocks(files):
            file = self._starts[-1][1]
            yield from (Located(file, block.line(place), start + place) for place in here.arg_true())

    def _again(self, files: Sequence[LogFile]) -> Iterator[Located]:
        """All lines once more, with the places that they were given before."""
        starts = iter([start for start, _, _ in self._starts])
        for file in files:
            with self.source.reading(file) as stream:
                for block in read_blocks(stream, file.path):
                    start = next(starts, None)
                    if start is None:
                        raise StorageUnavailable(f"{file.path}: changed while it was read", hint="run the day again")
                    yield from (Located(file, line, start + place) for place, line in enumerate(block.lines()))


def _in_blocks(found: pl.DataFrame, place: str, blocks: pl.DataFrame) -> pl.DataFrame:
    """Rows, sorted by the place of a line, with source_file and source_line of that line."""
    placed = found.join_asof(blocks, left_on=place, right_on="start")
    return placed.with_columns(source_line=pl.col("number") + pl.col(place) - pl.col("start"))


def _parts(chains: pl.DataFrame, blocks: pl.DataFrame) -> pl.DataFrame:
    """The lines of which conversations were made, as `Followed.add` takes them."""
    first = chains.select("conversation_id", first_file="source_file", first_line="source_line", place="places")
    return _in_blocks(first.explode("place").with_columns(pl.col("place") // LINE).sort("place"), "place", blocks)


def _line(each: Located) -> tuple[str, int]:
    return each.file.path, each.line.number


def _place(each: Located) -> dict[str, Any]:
    return {
        "source_file": each.file.path,
        "source_line": each.line.number,
        "seq": each.place,
        "byte_offset": each.line.offset,
    }
