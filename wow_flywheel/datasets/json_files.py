"""Reads folders of JSON Lines that hold general data and evaluation sets, in the shapes that public sets come in.

What belongs here: file layouts, and the errors about them. What does not: how much of it a dataset takes (`mixing`).

A line is one of: `messages` (OpenAI chat), `prompt` with `completion`, `response` or `answer`, `question` with `answer`,
`instruction` (and `input`) with `output`. General data are taken as they are: they are not redacted.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from wow_flywheel.dialogue import ChatMessage, DialogueAction
from wow_flywheel.errors import DatasetError
from wow_flywheel.storage import file_system, storage_errors

Record = dict[str, Any]
ENDINGS: Final = (".jsonl", ".jsonl.gz")
ROLES: Final = ("system", "user", "assistant")
QUESTIONS: Final = ("prompt", "question", "instruction")
ANSWERS: Final = ("completion", "response", "answer", "output")
SHAPES: Final = "messages, or prompt and completion, question and answer, instruction and output"


def files(uri: str, setting: str) -> Iterator[tuple[str, bytes]]:
    """Name below the folder and bytes of each JSON Lines file, unpacked, in order.

    Args:
        uri: A folder or prefix.
        setting: The variable that names it, for messages.

    Raises:
        DatasetError: A file is damaged, or there is none.
        SourceError: The folder is not there or may not be read.
    """
    with storage_errors(uri, setting):
        storage = file_system(uri)
        found = sorted(str(path) for path in storage.find(uri))
        wanted = [path for path in found if path.endswith(ENDINGS) and not path.rsplit("/", 1)[-1].startswith((".", "_"))]
        if not wanted:
            raise DatasetError(f"{uri} holds no *.jsonl or *.jsonl.gz", hint=f"check {setting}, or unset it")
        root = len(uri.split("://", 1)[-1].rstrip("/")) + 1
        for path in wanted:
            yield path[root:], _unpacked(storage.cat_file(path), path)


def licence(uri: str, setting: str) -> str:
    """The first words of the folder's `LICENSE*` or `LICENCE*` files, or that there are none."""
    with storage_errors(uri, setting):
        storage = file_system(uri)
        names = sorted(str(path) for path in storage.find(uri))
        found = [path for path in names if path.rsplit("/", 1)[-1].upper().startswith(("LICENSE", "LICENCE"))]
        heads = [_head(storage.cat_file(path)) for path in found]
    return "; ".join(heads) or "no LICENSE file lies beside the data: look up its terms before you pass a model on"


def records(data: bytes, where: str) -> Iterator[tuple[int, Record]]:
    """Line number and JSON object of each line that is not blank.

    Raises:
        DatasetError: A line is no JSON object; the message names file and line, not what it holds.
    """
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = None
            if not isinstance(record, dict):
                raise DatasetError(f"{where}, line {number}: not a JSON object", hint="write one JSON object a line")
            yield number, record


def aligned(record: Record, where: str) -> list[ChatMessage]:
    """A record as training chat, its answers as unified dialogue-action JSON like those of every other source.

    Raises:
        DatasetError: It is of no known shape, or has no answer.
    """
    chat = _chat(record) if "messages" in record else _question(record)
    if chat is None or chat[-1]["role"] != "assistant":
        raise DatasetError(f"{where}: no row of general data", hint=f"a line holds {SHAPES}, with text alone")
    return [_answer(m["content"]) if m["role"] == "assistant" else m for m in chat]


def digest(value: object) -> str:
    """SHA-256 of a JSON value in one canonical form."""
    return sha256(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()


def texts(value: object) -> Iterator[str]:
    """Every text in a JSON value, keys left out, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from texts(each)


def _chat(record: Record) -> list[ChatMessage] | None:
    messages = record["messages"]
    if not isinstance(messages, list) or not messages:
        return None
    chat: list[ChatMessage] = []
    for message in messages:
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if role not in ROLES or not isinstance(content, str) or not content.strip():
            return None
        chat.append({"role": role, "content": content})
    return _until_last_answer(chat)


def _until_last_answer(chat: list[ChatMessage]) -> list[ChatMessage] | None:
    last = max((i for i, message in enumerate(chat) if message["role"] == "assistant"), default=-1)
    return chat[: last + 1] or None


def _question(record: Record) -> list[ChatMessage] | None:
    question = next((record[name] for name in QUESTIONS if isinstance(record.get(name), str)), None)
    answer = next((record[name] for name in ANSWERS if isinstance(record.get(name), str)), None)
    if not question or not question.strip() or not answer or not answer.strip():
        return None
    more = record.get("input")
    asked = f"{question}\n\n{more}" if isinstance(more, str) and more.strip() else question
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]


def _answer(text: str) -> ChatMessage:
    return {"role": "assistant", "content": DialogueAction(reply=text).to_json()}


def _unpacked(data: bytes, path: str) -> bytes:
    try:
        return gzip.decompress(data) if path.endswith(".gz") else data
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise DatasetError(f"{path}: damaged or incomplete gzip file", hint="write the file again") from None


def _head(data: bytes) -> str:
    lines = (line.strip() for line in data.decode("utf-8", "replace").splitlines())
    return next((line[:100] for line in lines if line), "an empty LICENSE file")
