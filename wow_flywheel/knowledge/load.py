"""Loads knowledge units, procedures and business rules from files.

What belongs here: file layouts. What does not: retrieval, what a procedure means to a rule. A missing folder gives no rows: a
team may start with logs alone.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from wow_flywheel.errors import SourceError
from wow_flywheel.storage import file_system, storage_errors

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
Record = dict[str, Any]


def load_knowledge(uri: str) -> pl.DataFrame:
    """Knowledge units.

    Args:
        uri: A folder or prefix of `*.jsonl[.gz]`, or one such file; a line has `id` (or `unit_id`, `document_id`), `content`
            and optionally `title`.

    Returns:
        Columns unit_id (unique), title (the id where the line has none), content, in the order of files and lines.

    Raises:
        SourceError: A line is malformed, or says something else under the id of an earlier one; the message names both.
        StorageUnavailable: The object store does not answer.
    """
    units: dict[str, tuple[Record, str]] = {}
    for record, where in _records(uri, "WOW_KNOWLEDGE_URI"):
        unit_id = _first_of(record, ("unit_id", "id", "document_id"), where)
        unit = {
            "unit_id": unit_id,
            "title": _optional_text(record, "title", where) or unit_id,
            "content": _first_of(record, ("content",), where),
        }
        known, place = units.setdefault(unit_id, (unit, where))
        if known != unit:
            raise SourceError(f"{where}: unit {unit_id!r} differs from {place}", hint="give every knowledge unit its own id")
    return pl.DataFrame([unit for unit, _ in units.values()], schema=KNOWLEDGE_SCHEMA)


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
        StorageUnavailable: The object store does not answer.
    """
    steps = [step for record, where in _records(uri, "WOW_POLICIES_URI") for step in _steps(record, where)]
    return pl.DataFrame(steps, schema=PROCEDURE_SCHEMA)


def load_business_rules(uri: str) -> pl.DataFrame:
    """Business rules as text: the `*.md` files of a folder or prefix, or one such file.

    Returns:
        Columns policy_id (the file's name without ending), title (its first heading, else the id), content.

    Raises:
        SourceError: A file cannot be read or is not UTF-8.
        StorageUnavailable: The object store does not answer.
    """
    rows = []
    for path, data in _files(uri, (".md",), "WOW_POLICIES_URI"):
        policy_id, text = path.rsplit("/", 1)[-1].removesuffix(".md"), _decoded(data, path)
        rows.append({"policy_id": policy_id, "title": _title(text) or policy_id, "content": text})
    return pl.DataFrame(rows, schema=RULE_SCHEMA)


def _files(uri: str, endings: Sequence[str], setting: str) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of the files with one of the endings, sorted by path; hidden and temporary ones are left out."""
    with storage_errors(uri, setting):
        storage = file_system(uri)
        if not storage.exists(uri):
            return
        found = [uri] if storage.isfile(uri) else storage.find(uri)
        visible = (str(path) for path in found if not str(path).rsplit("/", 1)[-1].startswith((".", "_")))
        for path in sorted(path for path in visible if path.endswith(tuple(endings))):
            yield path, _unpacked(storage.cat_file(path), path)


def _unpacked(data: bytes, path: str) -> bytes:
    try:
        return gzip.decompress(data) if path.endswith(".gz") else data
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise SourceError(f"{path}: damaged or incomplete gzip file", hint="write the file again") from None


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(f"{where}: not UTF-8", hint="save the file as UTF-8") from None


def _records(uri: str, setting: str) -> Iterator[tuple[Record, str]]:
    for path, data in _files(uri, JSON_LINES, setting):
        for number, line in enumerate(data.split(b"\n"), 1):
            if line.strip():
                where = f"{path}, line {number}"
                yield _record(_decoded(line, where), where), where


def _record(line: str, where: str) -> Record:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise SourceError(f"{where}: not a JSON object", hint="write one JSON object a line")
    return record


def _first_of(record: Record, names: Sequence[str], where: str) -> str:
    for name in names:
        if value := _optional_text(record, name, where):
            return value
    raise SourceError(f"{where}: {' or '.join(names)} is missing", hint="give it as a non-empty string")


def _optional_text(record: Record, name: str, where: str) -> str | None:
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise SourceError(f"{where}: {name} is not a string", hint="give it as a string")
    return value


def _steps(record: Record, where: str) -> Iterator[dict[str, str | None]]:
    policy, scenario = _first_of(record, ("policy_id",), where), _first_of(record, ("scenario",), where)
    replies, flow = _texts(record, "replies", where), _texts(record, "flow", where)
    following = (step for step in flow.values() if step is not None)
    for step in dict.fromkeys([*replies, *flow, *following]):
        yield {
            "policy_id": policy,
            "scenario": scenario,
            "reply_id": step,
            "text": replies.get(step),
            "next_reply_id": flow.get(step),
        }


def _texts(record: Record, name: str, where: str) -> dict[str, str | None]:
    value = record.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(text is None or isinstance(text, str) for text in value.values()):
        raise SourceError(f"{where}: {name} is not an object of texts", hint="write {reply id: text} or {reply id: next id}")
    return value


def _title(text: str) -> str | None:
    return next((line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#")), None)
