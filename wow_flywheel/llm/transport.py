"""One call over HTTP: time limit, retries, and telling a refusal for good from a bad moment.

What belongs here: status codes, back-off, reading the response. What does not: what is asked, what an answer means (`client`).
"""

import asyncio
import datetime as dt
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from wow_flywheel.errors import EndpointRefused, EndpointUnavailable
from wow_flywheel.llm.ledger import Entry
from wow_flywheel.llm.requests import FormatRefusedError, RequestFailedError
from wow_flywheel.llm.settings import LlmSettings

MAX_BACKOFF_S = 30.0
RETRIED_BELOW_500 = frozenset({408, 409, 425, 429})
FORMAT_WORDS = ("response_format", "json_schema", "json_object", "structured", "guided", "grammar")
REFUSALS: Mapping[int, tuple[str, str]] = {
    401: ("the key is refused", "check WOW_LLM_API_KEY: it is missing, wrong or expired"),
    403: ("access is denied", "check WOW_LLM_API_KEY and what it may use"),
    404: (
        "there is no such model or path",
        "check WOW_LLM_MODEL, and that WOW_LLM_BASE_URL ends as the endpoint wants (often /v1)",
    ),
}


class _BadMomentError(Exception):
    """The same call may succeed later; `pause` is what the endpoint asked for, in seconds."""

    def __init__(self, problem: str, pause: float | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.pause = pause


@dataclass(slots=True)
class Transport:
    """Open connections to an endpoint.

    Attributes:
        settings: The endpoint.
        api: An `openai.AsyncOpenAI` with its own retries off.
        retries: Tries after the first, of all calls.
        unanswered: Calls in a row that failed as `unavailable`.
        resume_at: Event-loop time before which nothing is sent, because the endpoint said so to one call.
    """

    settings: LlmSettings
    api: Any
    retries: int = 0
    resume_at: float = 0.0
    unanswered: int = 0

    async def send(self, messages: Sequence[Mapping[str, str]], response_format: Mapping[str, Any] | None) -> Entry:
        """Make one call, retried while that can help.

        Raises:
            EndpointRefused: The endpoint refuses for good.
            EndpointUnavailable: Too many calls in a row got no answer.
            FormatRefusedError: It may not take the response format.
            RequestFailedError: `unavailable` or `rejected`.
        """
        body: dict[str, Any] = {"model": self.settings.model, **self.settings.parameters()}
        if response_format is not None:
            body["response_format"] = response_format
        for attempt in range(self.settings.max_attempts):
            await self._cool_down()
            try:
                entry = await self._try(messages, body)
                self.unanswered = 0
                return entry
            except _BadMomentError as error:
                problem = error.problem
                if attempt + 1 < self.settings.max_attempts:
                    await self._pause(attempt, error)
        raise self._unavailable(f"{problem} after {self.settings.max_attempts} tries")

    def _unavailable(self, detail: str) -> Exception:
        self.unanswered += 1
        if self.unanswered < self.settings.give_up_after:
            return RequestFailedError("unavailable", detail)
        return EndpointUnavailable(
            f"{self.settings.base_url}: {self.unanswered} calls in a row got no answer; the last: {detail}",
            hint="check that the endpoint runs; the answers so far are kept, so a rerun goes on from here",
        )

    async def _try(self, messages: Sequence[Mapping[str, str]], body: Mapping[str, Any]) -> Entry:
        import openai

        started = time.monotonic()
        try:
            async with asyncio.timeout(self.settings.timeout_s):  # the client's own limit is per read: a slow drip outlives it
                response = await self.api.chat.completions.create(messages=messages, **body)
        except (TimeoutError, openai.APITimeoutError) as error:
            raise _BadMomentError(f"no answer within {self.settings.timeout_s:g} s") from error
        except openai.APIConnectionError as error:
            raise _BadMomentError("the connection failed") from error
        except openai.APIStatusError as error:
            raise self._status(error.status_code, body, str(error.message), error.response.headers) from error
        except ValueError as error:
            raise _BadMomentError("the response is not JSON") from error
        return self._entry(response, time.monotonic() - started)

    def _status(self, status: int, body: Mapping[str, Any], message: str, headers: Mapping[str, str]) -> Exception:
        if status in REFUSALS:
            what, hint = REFUSALS[status]
            return EndpointRefused(f"{self.settings.base_url}, model {self.settings.model}: {what} (HTTP {status})", hint=hint)
        about_format = any(word in message.lower() for word in FORMAT_WORDS)
        if "response_format" in body and (status in {400, 422} or (status == 500 and about_format)):
            return FormatRefusedError(f"HTTP {status}")
        if status >= 500 or status in RETRIED_BELOW_500:
            return _BadMomentError(f"HTTP {status}", _retry_after(headers))
        return RequestFailedError("rejected", f"HTTP {status}")

    async def _cool_down(self) -> None:
        while (wait := self.resume_at - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait * random.uniform(1.0, 1.05))

    async def _pause(self, attempt: int, moment: _BadMomentError) -> None:
        self.retries += 1
        if moment.pause is None:
            await asyncio.sleep(min(self.settings.backoff_s * 2**attempt, MAX_BACKOFF_S) * random.uniform(0.5, 1.0))
            return
        if moment.pause > self.settings.max_retry_after_s:
            raise self._unavailable(f"{moment.problem}, with a pause of {moment.pause:.0f} s asked for")
        self.resume_at = max(self.resume_at, asyncio.get_running_loop().time() + moment.pause)

    def _entry(self, response: Any, seconds: float) -> Entry:
        choices = getattr(response, "choices", None)
        if not choices or getattr(choices[0], "message", None) is None:
            raise _BadMomentError("the response has no choices")
        message, usage = choices[0].message, response.usage
        prompt = (usage and usage.prompt_tokens) or 0
        completion = (usage and usage.completion_tokens) or 0
        return Entry(
            model=self.settings.model,
            content=(message.content or "").encode("utf-8", "replace").decode(),
            finish_reason="refusal" if getattr(message, "refusal", None) else str(choices[0].finish_reason),
            prompt_tokens=prompt,
            completion_tokens=completion,
            cost_usd=self.settings.cost_usd(prompt, completion),
            latency_s=round(seconds, 3),
            at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a `Retry-After` header asks for, given as a number or as a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - dt.datetime.now(dt.UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
