"""The response ledger: every answer of the endpoint, kept under the hash of its request, so that nothing is paid for twice.

What belongs here: entries and their files. What does not: calls (`client`). One small object a response, written whole: by a
rename on disk, by one PUT in S3; so a crash loses at most the calls in flight, and any number of processes may share a ledger.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from wow_flywheel.storage import file_system, is_s3, storage_errors, write_atomic

FOLDER = "llm_ledger"


@with_config(ConfigDict(extra="ignore"))
@dataclass(frozen=True, slots=True)
class Entry:
    """One response.

    Attributes:
        model: The model that was asked for.
        content: The text of the answer.
        finish_reason: As the endpoint gave it; `refusal` where the model declined.
        prompt_tokens: As the endpoint counted; 0 if it did not.
        completion_tokens: As the endpoint counted; 0 if it did not.
        cost_usd: By the prices of the settings.
        latency_s: Seconds of the call that succeeded.
        at: When, RFC 3339 in UTC.
        about: The conversation or pair that was asked about; empty in entries of other origin.
    """

    model: str
    content: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    latency_s: float
    at: str
    about: str = ""


ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger of one lake. Safe to use from several threads and processes.

    Attributes:
        root: Folder or `s3://` prefix of the entries: `<root>/ab/<sha256>.json`.
        files: Where that is.
    """

    root: str
    files: AbstractFileSystem

    @classmethod
    def at(cls, uri: str) -> "Ledger":
        """The ledger under a lake's URI."""
        return cls(f"{uri.rstrip('/')}/{FOLDER}", file_system(uri))

    def get(self, key: str) -> Entry | None:
        """The entry of a request's key; None if there is none, or if it is corrupt (then the call is made again).

        Raises:
            SourceError: The lake may not be read, or its credentials or endpoint are set wrong.
            StorageUnavailable: The storage does not answer.
        """
        with storage_errors(self.root, "WOW_LAKE_URI"):
            try:
                return ENTRY.validate_json(self.files.cat_file(self.path(key)))
            except (FileNotFoundError, ValidationError):
                return None

    def put(self, key: str, entry: Entry) -> None:
        """Keep an answer, durably and whole.

        Raises:
            SourceError: The lake may not be written, or its credentials or endpoint are set wrong.
            StorageUnavailable: The storage does not answer.
        """
        data = json.dumps(asdict(entry), ensure_ascii=False).encode()
        with storage_errors(self.root, "WOW_LAKE_URI"):
            if is_s3(self.root):
                self.files.pipe_file(self.path(key), data)
            else:
                write_atomic(Path(self.path(key)), data)

    def keys_about(self, theirs: Callable[[str], bool], known: Collection[str] = ()) -> list[str]:
        """The keys of all entries about something, and of those already known that are there; reads every entry.

        Args:
            theirs: Told what an entry is about, says whether to name it.
            known: Keys to name as well.

        Raises:
            SourceError: The lake may not be read, or its credentials or endpoint are set wrong.
            StorageUnavailable: The storage does not answer.
        """
        with storage_errors(self.root, "WOW_LAKE_URI"):
            paths = self.files.find(self.root) if self.files.exists(self.root) else []
        keys = sorted(Path(path).stem for path in paths if path.endswith(".json"))
        entries = ((key, self.get(key)) for key in keys)
        return [key for key, entry in entries if key in known or (entry is not None and theirs(entry.about))]

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Every entry with its key, in the order of the keys.

        Raises:
            SourceError: The lake may not be read, or its credentials or endpoint are set wrong.
            StorageUnavailable: The storage does not answer.
        """
        with storage_errors(self.root, "WOW_LAKE_URI"):
            paths = self.files.find(self.root) if self.files.exists(self.root) else []
        for key in sorted(Path(path).stem for path in paths if path.endswith(".json")):
            if (entry := self.get(key)) is not None:
                yield key, entry

    def remove(self, keys: Collection[str]) -> None:
        """Delete entries: their questions will be asked again.

        Raises:
            SourceError: The lake may not be written, or its credentials or endpoint are set wrong.
            StorageUnavailable: The storage does not answer.
        """
        with storage_errors(self.root, "WOW_LAKE_URI"):
            for key in keys:
                self.files.rm_file(self.path(key))

    def path(self, key: str) -> str:
        """Where the entry of a key lies."""
        return f"{self.root}/{key[:2]}/{key}.json"


def request_key(
    base_url: str,
    model: str,
    messages: Sequence[Mapping[str, str]],
    schema: Mapping[str, Any],
    parameters: Mapping[str, float | int],
) -> str:
    """SHA-256 of everything that decides an answer; never of the API key.

    How the schema is conveyed is left out: a rerun finds its answers before it has found out what the endpoint takes.
    """
    text = json.dumps([base_url, model, list(messages), schema, parameters], ensure_ascii=False, sort_keys=True)
    return sha256(text.encode()).hexdigest()
