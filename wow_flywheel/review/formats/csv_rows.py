"""Cases as CSV, for spreadsheets: a row for each case and each finding, with empty columns to fill in.

What belongs here: the columns, and keeping cells from being formulas. What does not: what becomes of the answers (`answers`).

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@`. What customers wrote must not run, so such a cell, and one that
begins with an apostrophe, gets an apostrophe in front; reading takes it away again.
"""

import csv
import datetime as dt
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from wow_flywheel.errors import DecisionError
from wow_flywheel.review.formats.answers import Answer, Fault, moment
from wow_flywheel.review.formats.items import Item, turn_text

FILLED: Final = ("decision", "rewrite", "by", "at", "note")
"""Empty in an export: the label, or accepted or rejected for a finding; what should have been said; who, when and why."""
COLUMNS: Final = (
    "dt", "conversation_id", "kind", "finding", "turn", "issue_type", "severity", "suggested", *FILLED, "quote", "text",
)  # fmt: skip
NEEDED: Final = ("dt", "conversation_id", "kind", "finding", "decision")
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")
DELIMITERS: Final = (",", ";", "\t")
COMMON_SHARE: Final = 0.9
LONGEST_CELL: Final = 1_000_000


def write(items: Sequence[Item]) -> str:
    """The rows, with a header; cells as `guarded`."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    for item in items:
        writer.writerows({name: guarded(str(cell)) for name, cell in row.items()} for row in _rows(item))
    return out.getvalue()


def read(text: str) -> tuple[list[Answer], list[Fault]]:
    """The rows that were filled in, and those that cannot be read.

    Raises:
        DecisionError: The header lacks a column.
    """
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="more", restval="", delimiter=_delimiter(text))
    missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise DecisionError(f"the CSV has no columns {missing}", hint="keep the header of the export")
    answers: list[Answer] = []
    faults: list[Fault] = []
    rows = iter(reader)
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            faults.append((f"line {reader.line_num}", "this is no CSV"))
            continue
        if row is None:
            return answers, faults
        where = f"line {reader.line_num}"
        try:
            answers += _answers(where, {name: bare(cell) for name, cell in row.items() if isinstance(cell, str)})
        except ValueError as error:
            faults.append((where, str(error)))


def chinese(data: bytes) -> str | None:
    """A file in GB18030, which spreadsheets write in China; None if it is not likely to be.

    Almost any bytes can be read so: accented letters of another code, each with the letter after it, would become rare Chinese
    signs. Where most signs of two bytes are of the common ones (GB 2312), it is Chinese.
    """
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    signs = [sign for sign in text if len(sign.encode("gb18030")) == 2]
    common = sum(bool(sign.encode("gb2312", "ignore")) for sign in signs)
    return text if common >= COMMON_SHARE * len(signs) else None


def _delimiter(text: str) -> str:
    """What separates the header's columns: a comma, or what spreadsheets take for it in some countries."""
    header = text.split("\n", 1)[0]
    return max(DELIMITERS, key=lambda sign: len(set(header.replace('"', "").strip().split(sign)) & set(NEEDED)))


def guarded(cell: str) -> str:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def bare(cell: str) -> str:
    """What `guarded` was given."""
    return cell.removeprefix("'")


def _rows(item: Item) -> Iterator[dict[str, Any]]:
    case = item.case
    key = {"dt": case["dt"], "conversation_id": case["conversation_id"]}
    talk = "\n".join(f"{turn} {message['role']}: {turn_text(message)}" for turn, message in enumerate(item.messages))
    yield {**key, "kind": "case", "suggested": case["label"], "text": talk}
    for each in item.findings:
        about = {"turn": each.turn, "issue_type": each.issue_type, "severity": each.severity, "quote": each.quote}
        within = turn_text(item.messages[each.turn]) if 0 <= each.turn < len(item.messages) else ""
        yield {**key, "kind": "finding", "finding": each.key, "suggested": each.decision, "text": within, **about}


def _answers(where: str, row: Mapping[str, str]) -> Iterator[Answer]:
    """The answers of one row.

    Raises:
        ValueError: The day, the kind or the time is none.
    """
    decision, rewrite = row["decision"].strip().lower(), row.get("rewrite", "")
    if not decision and not rewrite.strip():
        return
    if row["kind"] not in {"case", "finding"}:
        raise ValueError("the column kind says neither case nor finding")
    try:
        day = dt.date.fromisoformat(row["dt"])
    except ValueError:
        raise ValueError("the column dt is no day such as 2026-01-05") from None
    at = moment(row.get("at", ""))
    if row.get("at") and at is None:
        raise ValueError("the column at is no time with a timezone, such as 2026-01-05T10:00:00Z")
    about: dict[str, Any] = {"by": row.get("by", ""), "at": at, "note": row.get("note", ""), "finding": row["finding"]}
    if decision:
        yield Answer(where, "label" if row["kind"] == "case" else "finding", day, row["conversation_id"], decision, **about)
    if rewrite.strip():
        yield Answer(where, "rewrite", day, row["conversation_id"], rewrite, **about)
