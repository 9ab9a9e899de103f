"""Log records and files for the tests of this stage."""

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import zstandard

from wow_flywheel.conversations.ingest import DayRead, read_day
from wow_flywheel.conversations.sources import LogSource

DAY = date(2026, 11, 5)
PACK = {".jsonl": bytes, ".jsonl.gz": gzip.compress, ".jsonl.zst": zstandard.ZstdCompressor().compress}


def record(conversation_id: str = "c-1", **changes: Any) -> dict[str, Any]:
    """A valid record; a change to `...` leaves the field out."""
    base = {
        "conversation_id": conversation_id,
        "user_id": "u-1",
        "channel": "chat",
        "scenario": "refund",
        "model": "agent-1",
        "started_at": "2026-11-05T08:00:00Z",
        "ended_at": "2026-11-05T08:01:00Z",
        "messages": [
            {"role": "user", "content": "Where is my order?", "created_at": "2026-11-05T08:00:00Z"},
            {"role": "assistant", "content": "On its way.", "created_at": "2026-11-05T08:00:10Z"},
        ],
    } | changes
    return {name: value for name, value in base.items() if value is not ...}


def line(conversation_id: str = "c-1", **changes: Any) -> bytes:
    """A record as one line without its end."""
    return json.dumps(record(conversation_id, **changes), ensure_ascii=False).encode()


def write(root: Path, data: bytes, name: str = "a.jsonl") -> Path:
    """One log file of the day, packed as its name says."""
    path = root / f"dt={DAY}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PACK[".jsonl" + name.partition(".jsonl")[2]](data))
    return path


def read(root: Path) -> DayRead:
    """The day, read."""
    return read_day(LogSource.at(str(root)), DAY)


def read_line(root: Path, data: bytes) -> DayRead:
    """The day of one line."""
    write(root, data + b"\n")
    return read(root)
