"""What must hold of a day of log files, whatever is in them: no line lost, no crash, the same when read again, in time.

What belongs here: reading and checking. What does not: which files (`fuzz_readers`), making them smaller (`fuzz_shrink`).
"""

import datetime as dt
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, Literal
from unittest.mock import patch

import polars as pl

from benchmarks.fuzz_shrink import Files
from wow_flywheel.contracts import CONVERSATIONS, QUARANTINE
from wow_flywheel.conversations import foreign
from wow_flywheel.conversations.account import ADDED
from wow_flywheel.conversations.day_read import DayRead
from wow_flywheel.conversations.fields import REASONS
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.lines import read_blocks
from wow_flywheel.conversations.readers.provenance import IGNORED
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.errors import SourceError, StorageUnavailable

DAY: Final = dt.date(2026, 11, 5)
PATIENCE: Final = 60
"""Seconds in which the files of a day are read, however they look."""
Again = Literal["no", "same", "line by line"]


class TooSlowError(AssertionError):
    """The files of a day take longer than `PATIENCE`."""


def failure(folder: Path, files: Files, *, again: Again, outcomes: Counter[str] | None = None) -> BaseException | None:
    """What goes wrong when these files are a day, if anything does.

    Args:
        folder: Where they are written; emptied before.
        files: By name.
        again: How it is read again.
        outcomes: Is given what came of the lines.
    """
    shutil.rmtree(folder, ignore_errors=True)
    day = folder / f"dt={DAY}"
    day.mkdir(parents=True)
    for name, data in files.items():
        (day / name).write_bytes(data)
    try:
        with _patience():
            found = check(folder, again=again)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, a panic of Polars too, it is what is looked for
        return error
    if outcomes is not None:
        outcomes.update(found)
    return None


def check(logs: Path, *, again: Again) -> Counter[str]:
    """Read a day, maybe again, and check what must hold.

    Args:
        logs: The source.
        again: How it is read again.

    Returns:
        How many lines came to what.

    Raises:
        AssertionError, or anything else: A defect.
    """
    try:
        with _read(logs) as day:
            found = _accounted(day, _lines(logs))
            tables = day.conversations, day.quarantine
    except (SourceError, StorageUnavailable) as error:
        return Counter({f"refused: {type(error).__name__}": 1})
    if again == "no":
        _flat(logs)
        return found
    careful = again == "line by line"
    with patch.object(foreign, "PLAIN", {} if careful else foreign.PLAIN), _read(logs) as other_day:
        assert dict(other_day.counts) == dict(day.counts), "counts differ when read again"
        assert dict(other_day.ignored) == dict(day.ignored), "ignored lines differ when read again"
        where = ["source_file", "source_line"] if careful else []
        one, other = (frame.drop(where).to_dicts() for frame in (tables[0], other_day.conversations))
        assert repr(one) == repr(other), "conversations differ when read again"
        assert other_day.quarantine.equals(tables[1]), "quarantine differs when read again"
    return found


def _flat(logs: Path) -> None:
    """Lay the same files in no day's folder, and check that each of their lines is read on exactly one of their days."""
    total, flat = _lines(logs), logs / "flat"
    (logs / f"dt={DAY}").rename(flat)
    source, lines = LogSource.at(str(flat)), 0
    for day in source.days():
        with read_day(source, day) as read:
            listed = sum(map(_lines_of, (flat / file.path for file in source.files(day))))
            assert read.counts["lines"] + read.elsewhere == listed, "lines of a file are lost on a day"
            assert read.conversations.height == read.counts["conversations"], "conversations are lost"
            lines += read.counts["lines"]
    assert lines == total, "lines of a file are read on no day, or on two"


def _read(logs: Path) -> DayRead:
    return read_day(LogSource.at(str(logs)), DAY)


def _lines(logs: Path) -> int:
    """How many lines the files have; counted by their ends where the file is neither compressed nor a document."""
    return sum(map(_lines_of, sorted(logs.glob(f"dt={DAY}/*"))))


def _lines_of(path: Path) -> int:
    with path.open("rb") as stream:
        lines = sum(len(block) for block in read_blocks(stream, path.name))
    data = path.read_bytes() if path.suffix == ".jsonl" else b""
    assert not data or lines == data.count(b"\n") + (not data.endswith(b"\n")), "lines are cut wrongly"
    return lines


def _accounted(day: DayRead, lines: int) -> Counter[str]:
    """Checks that no line is lost and that the tables are right."""
    counts = day.counts
    assert counts["lines"] == lines == sum(counts[name] for name in ADDED), "lines are lost"
    conversations, quarantine = day.conversations, day.quarantine
    assert conversations.height == counts["conversations"], "conversations are lost"
    alone = quarantine.filter(pl.col("reason") != "duplicate_id").height  # such a conversation may share its lines with others
    assert alone <= counts["quarantined"] <= lines, "quarantined lines are lost"
    assert sum(CONVERSATIONS.conform(frame).height for frame in day.batches()) == conversations.height, "batches differ"
    assert sum(QUARANTINE.conform(frame).height for frame in day.quarantine_batches()) == quarantine.height, "batches differ"
    assert set(quarantine["reason"]) <= set(REASONS), "a reason of quarantine is unknown"
    assert set(day.ignored) <= {*IGNORED, *REASONS, "forgotten", "feedback"}, "a reason of an ignored line is unknown"
    assert sum(day.ignored.values()) == counts["ignored"], "ignored lines have no reason"
    found = Counter({"conversation": counts["conversation_lines"], "duplicate": counts["duplicates"], "blank": counts["blank"]})
    found.update(f"quarantined: {reason}" for reason in quarantine["reason"])
    found.update({f"ignored: {reason}": number for reason, number in day.ignored.items()})
    return found


@contextmanager
def _patience() -> Iterator[None]:
    def late(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlowError(f"reading takes longer than {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
