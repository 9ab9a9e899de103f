"""Other labelling tools: cases out with suggestions, decisions back in.

What belongs here: choosing a format, reading and writing its file. What does not: a format's shape (`label_studio`, `argilla`,
`csv_rows`), what is exported (`items`), what becomes of what comes back (`answers`).
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from wow_flywheel.errors import DecisionError
from wow_flywheel.lake import Lake
from wow_flywheel.review.formats import argilla, csv_rows, label_studio
from wow_flywheel.review.formats.answers import Answer, Fault, Imported, add
from wow_flywheel.review.formats.items import Item, gather

Write = Callable[[Sequence[Item]], str]
Read = Callable[[str], tuple[list[Answer], list[Fault]]]
FORMATS: Final[Mapping[str, tuple[Write, Read]]] = {
    "label-studio": (label_studio.write, label_studio.read),
    "argilla": (argilla.write, argilla.read),
    "argilla-findings": (argilla.write_findings, argilla.read),
    "csv": (csv_rows.write, csv_rows.read),
}
LARGEST: Final = 512 * 1024 * 1024


def export(lake: Lake, since: dt.date, until: dt.date, kind: str, path: Path, limit: int) -> int:
    """Write the cases that wait, the most valuable first.

    Args:
        lake: The tables.
        since: The first day.
        until: The last day.
        kind: A key of `FORMATS`.
        path: The file; it must not be there yet.
        limit: Most cases.

    Returns:
        How many cases were written.

    Raises:
        DecisionError: The format is unknown, or the file is there.
    """
    write, _ = _known(kind)
    if path.exists():
        raise DecisionError(f"{path} is there already", hint="name a new file, so that nobody's work is written over")
    items = gather(lake, since, until, limit)
    encoding = "utf-8-sig" if write is csv_rows.write else "utf-8"  # without the mark, Excel takes UTF-8 for another code
    path.write_text(write(items), encoding=encoding, newline="")
    if write is label_studio.write:
        path.with_suffix(".xml").write_text(label_studio.interface(), encoding="utf-8")
    return len(items)


def import_file(lake: Lake, kind: str, path: Path, by: str, now: dt.datetime) -> Imported:
    """Add the decisions of a file; those that are there already are not added again.

    Args:
        lake: The tables.
        kind: A key of `FORMATS`.
        path: What the other tool wrote.
        by: Who decided, where the file does not say.
        now: The present. Where the file does not say when, it is when the file was written.

    Raises:
        DecisionError: The format is unknown, or the file cannot be read as a whole.
    """
    _, read = _known(kind)
    if not path.is_file() or path.stat().st_size > LARGEST:
        raise DecisionError(f"{path} is no file, or larger than {LARGEST >> 20} MiB", hint="name the file that the tool wrote")
    answers, faults = read(_decoded(path, by_spreadsheet=read is csv_rows.read))
    written = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    return add(lake, answers, faults, by, now, written)


def _decoded(path: Path, *, by_spreadsheet: bool) -> str:
    """A file's text: UTF-8, or what a Chinese spreadsheet writes."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = csv_rows.chinese(data) if by_spreadsheet else None
    if text is None:
        raise DecisionError(f"{path} is not UTF-8", hint="export it again as UTF-8 (in a spreadsheet: CSV UTF-8)")
    return text


def _known(kind: str) -> tuple[Write, Read]:
    if kind not in FORMATS:
        raise DecisionError(f"{kind!r} is no format", hint=f"use one of {list(FORMATS)}")
    return FORMATS[kind]
