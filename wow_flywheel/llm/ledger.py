"""The response ledger: every answer of the endpoint, kept under the hash of its request, so that nothing is paid for twice.

What belongs here: entries and their files. What does not: calls (`client`). One small object a response, written whole: on disk
by a rename, in S3 by one PUT; so a crash loses at most the calls in flight, and any number of processes may share a ledger.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from wow_flywheel.storage import file_system, is_s3, write_atomic

FOLDER = "llm_ledger"


@dataclass(frozen=True, slots=True)
class Entry:
    """One response.

    Attributes:
        model: The model that was asked for.
        content: The text of the answer.
        finish_reason: As the endpoint gave it.
        prompt_tokens: As the endpoint counted; 0 if it did not.
        completion_tokens: As the endpoint counted; 0 if it did not.
        cost_usd: By the price table of the settings.
        latency_s: Seconds of the call that succeeded.
        at: When, RFC 3339 in UTC.
    """

    model: str
    content: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    latency_s: float
    at: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger under one lake.

    Attributes:
        uri: The lake's URI; entries lie under `<uri>/llm_ledger/`.
    """

    uri: str

    @classmethod
    def at(cls, uri: str) -> "Ledger":
        """The ledger of the lake at a URI."""
        return cls(uri.rstrip("/"))

    def get(self, key: str) -> Entry | None:
        """The entry of a request's key; None if there is none, or if it cannot be read (then the call is made again)."""
        try:
            return Entry(**json.loads(file_system(self.uri).cat_file(self._path(key))))
        except (FileNotFoundError, json.JSONDecodeError, TypeError, UnicodeDecodeError):
            return None

    def put(self, key: str, entry: Entry) -> None:
        """Keep an answer."""
        data = json.dumps(asdict(entry), ensure_ascii=False).encode()
        if is_s3(self.uri):
            file_system(self.uri).pipe_file(self._path(key), data)
        else:
            write_atomic(Path(self._path(key)), data)

    def _path(self, key: str) -> str:
        return f"{self.uri}/{FOLDER}/{key[:2]}/{key}.json"


def request_key(base_url: str, body: Mapping[str, Any], messages: Sequence[Mapping[str, str]]) -> str:
    """SHA-256 of everything that decides an answer: endpoint, model, parameters, schema, messages; never the key."""
    text = json.dumps([base_url, body, messages], ensure_ascii=False, sort_keys=True)
    return sha256(text.encode()).hexdigest()
