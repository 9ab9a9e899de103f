"""Loads knowledge units and procedures from files.

What belongs here: file layouts. What does not: retrieval, what a procedure means to a rule. A missing folder gives no rows: a
team may start with logs alone.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from wow_flywheel.errors import SourceError
from wow_flywheel.storage import file_system

KNOWLEDGE_SCHEMA = {"unit_id": pl.String, "title": pl.String, "content": pl.String}
PROCEDURE_SCHEMA = {
    "policy_id": pl.String,
    "scenario": pl.String,
    "reply_id": pl.String,
    "text": pl.String,
    "next_reply_id": pl.String,
}
RULE_SCHEMA = {"policy_id": pl.String, "title": pl.String, "content": pl.String}
JSON_LINES = (".jsonl", ".jsonl.gz")


def load_knowledge(uri: str) -> pl.DataFrame:
    """Knowledge units.

    Args:
        uri: A folder or prefix of `*.jsonl[.gz]`, or one such file; a line has `id` (or `unit_id`), `title`, `content`.

    Returns:
        Columns unit_id, title, content.

    Raises:
        SourceError: A line is malformed; the message names file and line.
    """
    rows = [
        {
            "unit_id": _first_of(record, ("unit_id", "id", "document_id"), where),
            "title": record.get("title"),
            "content": _first_of(record, ("content",), where),
        }
        for record, where in _records(uri)
    ]
    return pl.DataFrame(rows, schema=KNOWLEDGE_SCHEMA)


def load_procedures(uri: str) -> pl.DataFrame:
    """Procedures as graphs of replies.

    Args:
        uri: A folder or prefix of `*.jsonl[.gz]`, or one such file; a line has `policy_id`, `scenario`, `replies` (id → text)
            and `flow` (id → next id).

    Returns:
        One row a step: policy_id, scenario, reply_id, text (null for a step that says nothing), next_reply_id (null for the
            last).

    Raises:
        SourceError: A line is malformed; the message names file and line.
    """
    return pl.DataFrame([step for record, where in _records(uri) for step in _steps(record, where)], schema=PROCEDURE_SCHEMA)


def load_business_rules(uri: str) -> pl.DataFrame:
    """Business rules as text: the `*.md` files of a folder or prefix.

    Returns:
        Columns policy_id (the file's name without ending), title (its first heading, else the id), content.
    """
    rows = [
        {"policy_id": path.rsplit("/", 1)[-1].removesuffix(".md"), "title": _title(text), "content": text}
        for path in _paths(uri, (".md",))
        for text in [_read(uri, path).decode("utf-8")]
    ]
    return pl.DataFrame(rows, schema=RULE_SCHEMA).with_columns(title=pl.coalesce("title", "policy_id"))


def _paths(uri: str, endings: Sequence[str]) -> list[str]:
    files = file_system(uri)
    if not files.exists(uri):
        return []
    found = [uri] if files.isfile(uri) else files.find(uri)
    return sorted(str(path) for path in found if str(path).endswith(tuple(endings)))


def _read(uri: str, path: str) -> bytes:
    data: bytes = file_system(uri).cat_file(path)
    return gzip.decompress(data) if path.endswith(".gz") else data


def _records(uri: str) -> Iterator[tuple[dict[str, Any], str]]:
    for path in _paths(uri, JSON_LINES):
        for number, line in enumerate(_read(uri, path).split(b"\n"), 1):
            if line.strip():
                yield _record(line, f"{path}, line {number}"), f"{path}, line {number}"


def _record(line: bytes, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise SourceError(f"{where}: not a JSON object", hint="write one JSON object a line")
    return record


def _first_of(record: dict[str, Any], names: Sequence[str], where: str) -> str:
    for name in names:
        if isinstance(value := record.get(name), str) and value:
            return value
    raise SourceError(f"{where}: {' or '.join(names)} is missing", hint="give it as a non-empty string")


def _steps(record: dict[str, Any], where: str) -> Iterator[dict[str, str | None]]:
    policy, scenario = _first_of(record, ("policy_id",), where), _first_of(record, ("scenario",), where)
    replies, flow = record.get("replies") or {}, record.get("flow") or {}
    if not isinstance(replies, dict) or not isinstance(flow, dict):
        raise SourceError(f"{where}: replies or flow is not an object", hint="write them as {reply id: text} and {id: next id}")
    for step in dict.fromkeys([*replies, *flow, *flow.values()]):
        yield {
            "policy_id": policy,
            "scenario": scenario,
            "reply_id": step,
            "text": replies.get(step),
            "next_reply_id": flow.get(step),
        }


def _title(text: str) -> str | None:
    return next((line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#")), None)
