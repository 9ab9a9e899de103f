"""One call over HTTP: time limit, retries, and telling a refusal for good from a bad moment.

What belongs here: status codes, back-off, reading the response. What does not: what is asked, what an answer means (`client`).
The call is made with aiohttp itself: the `openai` package spends 1 ms of CPU on each, which at 256 in flight is what limits.
"""

import asyncio
import datetime as dt
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from wow_flywheel.errors import EndpointRefused, EndpointUnavailable
from wow_flywheel.llm.budget import Tries
from wow_flywheel.llm.ledger import Entry
from wow_flywheel.llm.refusals import failed_status
from wow_flywheel.llm.requests import BadMomentError, RequestFailedError
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.llm.throttle import Throttle

if TYPE_CHECKING:
    import aiohttp

MAX_BACKOFF_S = 30.0
MAY_BE_BILLED = frozenset({"timed_out", "garbled"})
"""What became of a call that the endpoint took and may have worked on to the end."""

PUSHING_BACK = frozenset({"rate_limited", "timed_out"})


@dataclass(slots=True)
class Transport:
    """Open connections to an endpoint.

    Attributes:
        settings: The endpoint.
        http: The connections.
        throttle: How many calls may be under way; told how calls end.
        retries: Tries after the first, of all calls.
        unanswered: Calls in a row that failed after all tries.
        resume_at: Event-loop time before which nothing is sent, because the endpoint said so to one call.
    """

    settings: LlmSettings
    http: "aiohttp.ClientSession"
    throttle: Throttle
    retries: int = 0
    resume_at: float = 0.0
    unanswered: int = 0

    async def send(
        self,
        messages: Sequence[Mapping[str, str]],
        parameters: Mapping[str, float | int],
        extra: Mapping[str, Any],
        tries: Tries,
    ) -> Entry:
        """Make one call, retried while that can help.

        Args:
            messages: What is asked.
            parameters: How it is sampled.
            extra: What a dialect adds to the request; see `formats.request_extra`.
            tries: Told of tries that gave nothing and may be billed; another is made only where the budget reaches it.

        Raises:
            EndpointRefused: The endpoint refuses for good.
            EndpointUnavailable: Too many calls in a row got no answer.
            FormatRefusedError: It may not take the dialect.
            ParameterRefusedError: It does not take a parameter.
            RequestFailedError: See `Failure.reason`.
        """
        body = {"model": self.settings.model, "messages": messages, **parameters, **extra}
        for attempt in range(self.settings.max_attempts):
            await self._cool_down()
            began = self.throttle.round
            try:
                entry = await self._try(body, has_format=bool(extra))
            except BadMomentError as error:
                moment = error
            else:
                self.unanswered = 0
                self.throttle.succeeded()
                return entry
            if moment.reason in PUSHING_BACK or moment.overloaded:
                self.throttle.pushed_back(began)
            if moment.reason in MAY_BE_BILLED:
                tries.lose()
            if not tries.may_go_on():
                raise RequestFailedError("over_budget", f"{moment.problem}, and the budget reaches no other try")
            if attempt + 1 < self.settings.max_attempts:
                await self._pause(attempt, moment)
        raise self._failed(moment.reason, f"{moment.problem} after {self.settings.max_attempts} tries")

    def _failed(self, reason: str, detail: str) -> Exception:
        self.unanswered += 1
        if self.unanswered < self.settings.give_up_after:
            return RequestFailedError(reason, detail)
        return EndpointUnavailable(
            f"{self.settings.base_url}: {self.unanswered} calls in a row got no answer; the last: {detail}",
            hint="check that the endpoint runs (if slow: WOW_LLM_TIMEOUT_S, WOW_LLM_MAX_IN_FLIGHT); a rerun goes on from here",
        )

    async def _try(self, body: Mapping[str, Any], *, has_format: bool) -> Entry:
        import aiohttp

        started = time.monotonic()
        try:
            async with asyncio.timeout(
                self.settings.timeout_s
            ):  # from start to last byte: a slow drip outlives a limit per read
                status, headers, data = await self._post(body)
        except TimeoutError as error:
            raise BadMomentError("timed_out", f"no answer within {self.settings.timeout_s:g} s (WOW_LLM_TIMEOUT_S)") from error
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError, aiohttp.InvalidURL) as error:
            said = f"{self.settings.base_url}: no trusted connection ({type(error).__name__})"
            raise EndpointRefused(said, hint="check WOW_LLM_BASE_URL and the endpoint's certificate") from error
        except aiohttp.ClientError as error:
            raise BadMomentError("connection_lost", "the connection failed") from error
        if status != 200:
            raise failed_status(self.settings, status, data, retry_after(headers), has_format=has_format)
        return entry_of(self.settings, data, time.monotonic() - started)

    async def _post(self, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        headers = {"Authorization": f"Bearer {self.settings.api_key}", "Content-Type": "application/json"}
        async with self.http.post(f"{self.settings.base_url}/chat/completions", data=data, headers=headers) as response:
            return response.status, response.headers, await response.read()

    async def _cool_down(self) -> None:
        while (wait := self.resume_at - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait * random.uniform(1.0, 1.05))

    async def _pause(self, attempt: int, moment: BadMomentError) -> None:
        self.retries += 1
        if moment.pause is None:
            await asyncio.sleep(min(self.settings.backoff_s * 2**attempt, MAX_BACKOFF_S) * random.uniform(0.5, 1.0))
            return
        if moment.pause > self.settings.max_retry_after_s:
            raise self._failed(moment.reason, f"{moment.problem}, with a pause of {moment.pause:.0f} s asked for")
        self.resume_at = max(self.resume_at, asyncio.get_running_loop().time() + moment.pause)


def entry_of(settings: LlmSettings, data: bytes, seconds: float) -> Entry:
    """A response's body as an entry of the ledger.

    Args:
        settings: The endpoint that gave it.
        data: JSON text.
        seconds: How long the call took.

    Raises:
        BadMomentError: It is no JSON, or has no choices.
    """
    message, finish_reason, usage = _read(data)
    prompt, completion = (_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    return Entry(
        model=settings.model,
        content=str(message.get("content") or "").encode("utf-8", "replace").decode(),
        finish_reason="refusal" if message.get("refusal") else finish_reason,
        prompt_tokens=prompt,
        completion_tokens=completion,
        cost_usd=settings.cost_usd(prompt, completion),
        latency_s=round(seconds, 3),
        at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    )


def _read(data: bytes) -> tuple[Mapping[str, Any], str, Mapping[str, Any]]:
    """Message, finish reason and usage of a response's body."""
    try:
        response = json.loads(data)
    except ValueError as error:
        raise BadMomentError("garbled", "the response is not JSON") from error
    choices = response.get("choices") if isinstance(response, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(message, dict):
        raise BadMomentError("garbled", "the response has no choices")
    usage = response.get("usage")
    return message, str(first.get("finish_reason")), usage if isinstance(usage, dict) else {}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def retry_after(headers: Mapping[str, str]) -> float | None:
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
