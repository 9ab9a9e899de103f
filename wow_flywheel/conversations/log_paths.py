"""What a path below the source says: whether it is a log, and of which day its folder is.

What belongs here: names. What does not: listing (`sources`), and what is in a file (`lines`, `moments`).
"""

import datetime as dt
import re
from pathlib import PurePosixPath

KINDS = (".jsonl", ".ndjson", ".json")
SUFFIXES = (*(kind + packed for kind in KINDS for packed in ("", ".gz", ".zst")), ".parquet")
DATED = re.compile(r"dt=(\d{4}-\d\d-\d\d)|([12]\d{3})/(\d\d)/(\d\d)")


def is_log(path: str) -> bool:
    """Whether a file is read: a known ending, and neither it nor a folder above it is hidden or temporary."""
    return path.endswith(SUFFIXES) and not is_hidden(path)


def is_hidden(path: str) -> bool:
    """Whether a part of the path begins with a dot or an underscore."""
    return any(part.startswith((".", "_")) for part in PurePosixPath(path).parts)


def folder_day(folder: str) -> dt.date | None:
    """The day that a folder is named after, as `dt=YYYY-MM-DD` or `YYYY/MM/DD` below the source; None for any other."""
    match = DATED.fullmatch(folder)
    if match is None:
        return None
    try:
        return dt.date.fromisoformat(match[1] or f"{match[2]}-{match[3]}-{match[4]}")
    except ValueError:
        return None


def dated_folder(path: str) -> str | None:
    """The folder of a day in which a file lies, in any depth; None for a file whose folders name no day."""
    parts = PurePosixPath(path).parts[:-1]
    folders = ["/".join(parts[:depth]) for depth in (1, 3)]
    return next((folder for folder in folders if folder_day(folder) is not None), None)
