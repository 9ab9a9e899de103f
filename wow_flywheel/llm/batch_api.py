"""Files and batches of an endpoint that offers the OpenAI Batch API, through the `openai` package.

What belongs here: the few calls that are needed, their errors in the project's words, reading a result line. What does not:
which questions go where (`batch_queue`).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from wow_flywheel.errors import EndpointRefused, EndpointUnavailable
from wow_flywheel.llm.ledger import Entry
from wow_flywheel.llm.requests import BadMomentError
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.llm.transport import entry_of

ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
NAME = "wow_flywheel"
EXPIRED = "batch_expired"
CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"([0-9a-zA-Z_-]+)"')


@dataclass(frozen=True, slots=True)
class State:
    """How far a batch is.

    Attributes:
        batch_id: The endpoint's id.
        status: As the endpoint says, such as `in_progress`; see `ENDED`.
        results: Files that hold lines: the answers, and the errors.
        files: These and the file that was handed in.
        problem: Why the endpoint gave up on it, in its code; empty if it did not.
    """

    batch_id: str
    status: str
    results: tuple[str, ...]
    files: tuple[str, ...]
    problem: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a result file: an answer, or None where it failed or expired unasked."""

    key: str
    entry: Entry | None
    expired: bool = False

    def about(self, subject: str) -> Entry:
        """The answer with what it is about.

        Raises:
            ValueError: The line has no answer.
        """
        if self.entry is None:
            raise ValueError(f"line {self.key} has no answer")
        return replace(self.entry, about=subject)


@dataclass(frozen=True, slots=True)
class BatchApi:
    """The Batch API of one endpoint.

    Attributes:
        settings: The endpoint; its `batch_price_share` is what an answer costs of the usual price.
        api: An `openai.OpenAI`.
    """

    settings: LlmSettings
    api: Any

    @classmethod
    def of(cls, settings: LlmSettings) -> "BatchApi":
        """Open the API; the `openai` package retries what may succeed later."""
        import openai

        api = openai.OpenAI(
            base_url=settings.base_url, api_key=settings.api_key, timeout=settings.timeout_s, max_retries=settings.max_attempts
        )
        return cls(settings, api)

    def create(self, name: str, lines: bytes) -> str:
        """Upload lines and start a batch of them under a name; gives its id.

        Raises:
            EndpointRefused: The endpoint refuses for good, or has no Batch API.
            EndpointUnavailable: It does not answer.
        """
        with self._errors():
            file = self.api.files.create(file=(f"{name}.jsonl", lines), purpose="batch")
            batch = self.api.batches.create(
                input_file_id=file.id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={NAME: name},
            )
        return str(batch.id)

    def find(self, name: str) -> str | None:
        """The id of the batch that was started under a name; None if none was.

        Raises:
            EndpointRefused, EndpointUnavailable: As `create`.
        """
        with self._errors():
            return next((str(b.id) for b in self.api.batches.list(limit=100) if (b.metadata or {}).get(NAME) == name), None)

    def state(self, batch_id: str) -> State:
        """How far a batch is.

        Raises:
            EndpointRefused, EndpointUnavailable: As `create`.
        """
        with self._errors():
            batch = self.api.batches.retrieve(batch_id)
        results = tuple(file for file in (batch.output_file_id, batch.error_file_id) if file)
        errors = (batch.errors and batch.errors.data) or []
        problem = f"batch {batch_id}: {', '.join(str(e.code) for e in errors) or 'failed'}" if batch.status == "failed" else ""
        return State(batch_id, str(batch.status), results, (batch.input_file_id, *results), problem)

    def lines(self, state: State) -> list[Line]:
        """The lines of a batch that ended.

        Raises:
            EndpointRefused, EndpointUnavailable: As `create`.
        """
        with self._errors():
            files = [self.api.files.content(file).content for file in state.results]
        # only a line feed ends a line: an answer may hold U+2028 and others that `splitlines` takes for one
        return [self._line(line) for data in files for line in data.split(b"\n") if line.strip()]

    def uploaded(self, name: str) -> list[str]:
        """The files that were uploaded under a name: of a batch that was never started, one is left.

        Raises:
            EndpointRefused, EndpointUnavailable: As `create`.
        """
        with self._errors():
            return [str(file.id) for file in self.api.files.list(purpose="batch") if file.filename == f"{name}.jsonl"]

    def clear(self, files: Iterable[str]) -> None:
        """Delete files, which hold conversations, from the endpoint.

        Raises:
            EndpointRefused, EndpointUnavailable: As `create`.
        """
        import openai

        for file in files:
            with self._errors():
                try:
                    self.api.files.delete(file)
                except openai.NotFoundError:
                    continue  # deleted before, in a run that was killed since

    def _line(self, data: bytes) -> Line:
        """A line; one that cannot be read failed, under the key that it still shows."""
        try:
            line = json.loads(data)
        except ValueError:
            line = None
        if not isinstance(line, dict) or not isinstance(line.get("custom_id"), str):
            found = CUSTOM_ID.search(data)
            return Line(found[1].decode() if found else "", None)
        return self._read(line)

    def _read(self, line: Mapping[str, Any]) -> Line:
        key, response = str(line["custom_id"]), line.get("response") or {}
        if response.get("status_code") != 200:
            return Line(key, None, expired=(line.get("error") or {}).get("code") == EXPIRED)
        try:
            entry = entry_of(self.settings, json.dumps(response.get("body")).encode(), 0.0)
        except BadMomentError:
            return Line(key, None)
        return Line(key, replace(entry, cost_usd=entry.cost_usd * self.settings.batch_price_share))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        import openai

        place = f"{self.settings.base_url}, Batch API"
        try:
            yield
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            hint = "check WOW_LLM_API_KEY and what it may use"
            raise EndpointRefused(f"{place}: the key is refused (HTTP {error.status_code})", hint=hint) from error
        except (openai.NotFoundError, openai.BadRequestError) as error:
            hint = "unset WOW_LLM_BATCH_HOURS: the endpoint may have no Batch API"
            raise EndpointRefused(f"{place}: refused (HTTP {error.status_code})", hint=hint) from error
        except openai.APIError as error:
            hint = "try again: what is handed in is remembered"
            raise EndpointUnavailable(f"{place}: no answer ({type(error).__name__})", hint=hint) from error
