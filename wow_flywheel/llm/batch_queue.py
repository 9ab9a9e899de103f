"""The OpenAI Batch API: questions that can wait are handed in by the thousand, at half the price, and answered within a day.

What belongs here: the queue, handing it in, collecting answers into the ledger. What does not: what is asked (the stages).
A stage runs as ever; what the ledger cannot answer goes into the queue and fails as `pending`. Once the answers are in the
ledger the stage runs again and gets further, now or days later in another process: what is handed in lies beside the ledger.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from fsspec import AbstractFileSystem
from pydantic import BaseModel, TypeAdapter

from wow_flywheel.llm.batch_api import ENDED, BatchApi, Line
from wow_flywheel.llm.formats import DIALECTS, request_extra, with_schema
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.llm.negotiation import Negotiator
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.storage import file_system, is_s3, storage_errors, write_atomic

FOLDER = "llm_batches"
MAX_LINES = 50_000
MAX_BYTES = 190_000_000


@dataclass(slots=True)
class HandedIn:
    """One batch as this side knows it; a file `<name>.json`.

    Attributes:
        name: Made here, and told to the endpoint: a batch whose id was lost in a crash is found again by it.
        batch_id: The endpoint's; None until it is known.
        about: What each key's question is about, by key.
        failed: Keys whose line failed: these are asked directly from then on.
        done: True once its answers are in the ledger and its files are deleted.
        files: What is left to delete at the endpoint; None until its answers are in the ledger.
    """

    name: str
    batch_id: str | None
    about: dict[str, str]
    failed: list[str] = field(default_factory=list)
    done: bool = False
    files: list[str] | None = None


HANDED_IN: TypeAdapter[HandedIn] = TypeAdapter(HandedIn)


@dataclass(frozen=True, slots=True)
class Collected:
    """What collecting brought.

    Attributes:
        answers: Put into the ledger.
        failed: Lines that failed, could not be read, or are missing.
        still_open: Batches that are not done.
        problems: Why the endpoint gave up on batches, one each.
    """

    answers: int = 0
    failed: int = 0
    still_open: int = 0
    problems: tuple[str, ...] = ()

    def plus(self, other: "Collected") -> "Collected":
        """Both together."""
        return Collected(
            self.answers + other.answers,
            self.failed + other.failed,
            self.still_open + other.still_open,
            (*self.problems, *other.problems),
        )


@dataclass(slots=True)
class BatchQueue:
    """Questions for the next batch, and those handed in.

    Attributes:
        settings: The endpoint.
        ledger: Where answers go.
        root: Folder or `s3://` prefix of the batches' files.
        files: Where that is.
        negotiator: Which dialect is used; see `LlmClient`.
        waiting: Line and subject by key, of what is not handed in yet.
        handed_in: Every batch that is known.
    """

    settings: LlmSettings
    ledger: Ledger
    root: str
    files: AbstractFileSystem
    negotiator: Negotiator
    waiting: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    handed_in: dict[str, HandedIn] = field(default_factory=dict)

    @classmethod
    def at(cls, uri: str, settings: LlmSettings, negotiator: Negotiator) -> "BatchQueue":
        """The queue under a lake's URI, with what earlier runs handed in to this endpoint and model."""
        endpoint = sha256(f"{settings.base_url} {settings.model}".encode()).hexdigest()[:12]
        root = f"{uri.rstrip('/')}/{FOLDER}/{endpoint}"
        queue = cls(settings, Ledger.at(uri), root, file_system(uri), negotiator)
        queue.handed_in = {batch.name: batch for batch in queue._read()}
        return queue

    def takes(self, key: str) -> bool:
        """False for a question that is to be asked directly: its line failed before, or the dialect is not known yet."""
        return self.negotiator.settled and not any(key in batch.failed for batch in self.handed_in.values())

    def holds(self, key: str) -> bool:
        """True for a question that waits here or is handed in."""
        return key in self.waiting or any(key in batch.about for batch in self._open())

    def add(self, key: str, messages: Sequence[Mapping[str, str]], schema: type[BaseModel], about: str) -> None:
        """Put a question into the queue."""
        dialect = DIALECTS[self.negotiator.dialect]
        body = {
            "model": self.settings.model,
            "messages": with_schema(dialect, messages, schema),
            **self.negotiator.parameters(self.settings),
            **request_extra(dialect, schema),
        }
        line = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
        self.waiting[key] = (json.dumps(line, ensure_ascii=False).encode("utf-8", "replace"), about)

    def hand_in(self, api: BatchApi) -> int:
        """Hand in what waits, in as many batches as it takes; gives their number.

        Raises:
            EndpointRefused, EndpointUnavailable: As `BatchApi`.
        """
        parts = list(_parts(self.waiting))
        for keys in parts:
            about = {key: self.waiting[key][1] for key in keys}
            batch = HandedIn(uuid4().hex, None, about)
            self._write(batch)  # before it is sent, so that after a crash it is looked for under its name
            batch.batch_id = api.create(batch.name, b"\n".join(self.waiting[key][0] for key in keys))
            self._write(batch)
            self.waiting = {key: line for key, line in self.waiting.items() if key not in about}
        return len(parts)

    def collect(self, api: BatchApi) -> Collected:
        """Put the answers of batches that ended into the ledger.

        A batch that never reached the endpoint, or that it gave up on, is taken back: its questions wait for the next one.

        Raises:
            EndpointRefused, EndpointUnavailable: As `BatchApi`.
        """
        total = Collected()
        for batch in self._open():
            if batch.files is None:
                total = total.plus(self._collected(batch, api))
            if batch.files is not None:
                api.clear(batch.files)
                self._close(batch)
        return total

    def _collected(self, batch: HandedIn, api: BatchApi) -> Collected:
        """A batch that ended: its answers in the ledger, then what is left to delete at the endpoint noted down. A kill
        at any place leaves nothing behind: it is taken up where it stopped."""
        batch.batch_id = batch.batch_id or api.find(batch.name)
        if batch.batch_id is None:
            batch.files = api.uploaded(batch.name)
            return Collected()
        state = api.state(batch.batch_id)
        if state.status not in ENDED:
            return Collected(still_open=1)
        lines = api.lines(state)
        answers = self._keep(batch, [line for line in lines if line.entry is not None])
        batch.failed = sorted(_failed(batch, lines, completed=state.status == "completed"))
        batch.files = list(state.files)
        self._write(batch)
        return Collected(answers, len(batch.failed), 0, (state.problem,) if state.problem else ())

    @property
    def open_batches(self) -> int:
        """Batches that are not collected yet."""
        return len(self._open())

    def _open(self) -> list[HandedIn]:
        return [batch for batch in self.handed_in.values() if not batch.done]

    def _keep(self, batch: HandedIn, lines: Iterable[Line]) -> int:
        kept = 0
        for line in lines:
            if line.entry is not None and line.key in batch.about:
                self.ledger.put(line.key, line.about(batch.about[line.key]))
                kept += 1
        return kept

    def _close(self, batch: HandedIn) -> None:
        """Only which lines failed is still of use."""
        batch.done, batch.about = True, {}
        if batch.failed:
            self._write(batch)
            return
        del self.handed_in[batch.name]
        with storage_errors(self.root, "WOW_LAKE_URI"):
            self.files.rm_file(f"{self.root}/{batch.name}.json")

    def _read(self) -> Iterator[HandedIn]:
        with storage_errors(self.root, "WOW_LAKE_URI"):
            paths = self.files.find(self.root) if self.files.exists(self.root) else []
            for path in paths:
                if path.endswith(".json"):
                    yield HANDED_IN.validate_json(self.files.cat_file(path))

    def _write(self, batch: HandedIn) -> None:
        self.handed_in[batch.name] = batch
        data, path = json.dumps(asdict(batch)).encode(), f"{self.root}/{batch.name}.json"
        with storage_errors(self.root, "WOW_LAKE_URI"):
            if is_s3(self.root):
                self.files.pipe_file(path, data)
            else:
                write_atomic(Path(path), data)


def _failed(batch: HandedIn, lines: Sequence[Line], *, completed: bool) -> set[str]:
    """Keys to be asked directly: of lines that failed, and where a batch was completed, of those that it does not answer."""
    failed = {line.key for line in lines if line.entry is None and not line.expired} & set(batch.about)
    return failed | (set(batch.about) - {line.key for line in lines}) if completed else failed


def _parts(waiting: Mapping[str, tuple[bytes, Any]]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for key, (line, _) in waiting.items():
        if part and (len(part) == MAX_LINES or size + len(line) > MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(key)
        size += len(line) + 1
    if part:
        yield part
