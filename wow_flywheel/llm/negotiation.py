"""Finds out once which dialect of structured output and which parameters an endpoint takes, and remembers it.

What belongs here: stepping down from strict to plain, leaving out what is refused, and the memory of both. What does not: how a
dialect is asked for (`formats`), calls (`transport`).
A dialect is given up only once a plainer one gets an answer: a request that is refused in all of them is at fault itself. One
that is taken but not kept to, as its first answer shows, is given up once a plainer one gives an answer that fits.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from pydantic import BaseModel

from wow_flywheel.errors import EndpointRefused, EndpointUnavailable
from wow_flywheel.llm.budget import Tries
from wow_flywheel.llm.formats import DIALECTS, request_extra, with_schema
from wow_flywheel.llm.ledger import Entry, Ledger
from wow_flywheel.llm.requests import Failure, FormatRefusedError, ParameterRefusedError, RequestFailedError
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.llm.transport import Transport

REMEMBERED = dt.timedelta(days=7)
MOST_TURNED_AWAY = 24
"""So many questions rejected before any is answered are not at fault themselves: these are several conversations."""

MOST_SILENT = 3
"""So many questions without an answer, each with all its tries and one after the other, while none was ever answered: the
endpoint does not run, or no call can end in the time that it has."""
MOST_UNFIT = 24
"""So many answers that do not fit, before any did: the model cannot keep to a schema, or thinks longer than it may answer."""
SILENT = frozenset({"connection_lost", "timed_out", "server_error", "garbled"})


@dataclass(slots=True)
class Negotiator:
    """What one endpoint is known to take.

    Attributes:
        dialect: Index into `DIALECTS`.
        settled: True once an answer came in this dialect, now or in an earlier run.
        proven: True once an answer showed that the endpoint keeps to it.
        refused: Sampling parameters that the model does not take; see `parameters`.
        turned_away: Questions that were rejected before any was answered.
        silent: Questions that got no answer before any was answered.
        unfit: Questions whose answer was cut or did not fit, repairs included, before any fitted.
        fitted: True once an answer fitted in this run.
    """

    dialect: int = 0
    settled: bool = False
    proven: bool = False
    refused: frozenset[str] = frozenset()
    turned_away: int = 0
    silent: int = 0
    unfit: int = 0
    fitted: bool = False
    _answered: bool = False
    _news: bool = False

    def parameters(self, settings: LlmSettings) -> dict[str, float | int]:
        """The sampling parameters as this model takes them: `max_completion_tokens` in the place of a refused `max_tokens`, no
        temperature where that is refused."""
        wanted = settings.parameters()
        if "max_tokens" in self.refused:
            wanted["max_completion_tokens"] = wanted.pop("max_tokens")
        return {name: value for name, value in wanted.items() if name not in self.refused}

    async def ask(
        self, transport: Transport, messages: Sequence[Mapping[str, str]], schema: type[BaseModel], floor: int, tries: Tries
    ) -> tuple[Entry, int]:
        """Ask in the strictest dialect that the endpoint takes, from `floor` on; gives the answer and its dialect.

        Raises:
            RequestFailedError: `rejected` if it is refused in every dialect; else as `Transport.send`.
            EndpointRefused: So many questions were turned away before any was answered that it cannot be the questions' fault.
            EndpointUnavailable: The first few questions of all got no answer.
        """
        try:
            return await self._stepped(transport, messages, schema, floor, tries)
        except RequestFailedError as error:
            self._note_failure(transport.settings, error)
            raise

    async def _stepped(
        self, transport: Transport, messages: Sequence[Mapping[str, str]], schema: type[BaseModel], floor: int, tries: Tries
    ) -> tuple[Entry, int]:
        problem = ""
        for step in range(max(self.dialect, floor), len(DIALECTS)):
            try:
                return await self._sent(transport, messages, schema, step, tries), step
            except FormatRefusedError as error:
                problem = error.detail
        raise RequestFailedError("rejected", problem)

    async def _sent(
        self, transport: Transport, messages: Sequence[Mapping[str, str]], schema: type[BaseModel], step: int, tries: Tries
    ) -> Entry:
        """One dialect's answer. A parameter that the model refuses is left out from then on."""
        dialect = DIALECTS[step]
        while True:
            parameters = self.parameters(transport.settings)
            try:
                return await transport.send(
                    with_schema(dialect, messages, schema), parameters, request_extra(dialect, schema), tries
                )
            except ParameterRefusedError as error:
                if error.parameter not in parameters:  # it is refused although it was not sent: nothing more can be left out
                    raise RequestFailedError("rejected", f"the endpoint refuses {error.parameter}") from error
                self.refused, self._news = self.refused | {error.parameter}, True

    def _note_failure(self, settings: LlmSettings, error: RequestFailedError) -> None:
        if self._answered:
            return
        if error.failure.reason in SILENT:
            self._note_silence(settings, error)
        if error.failure.reason != "rejected":
            return
        self.turned_away += 1
        if self.turned_away >= MOST_TURNED_AWAY:
            raise EndpointRefused(
                f"{settings.base_url}, model {settings.model}: {self.turned_away} questions were rejected before any was "
                f"answered; the last: {error.failure}",
                hint="check that WOW_LLM_MODEL is a chat model, and what its endpoint takes",
            ) from error

    def _note_silence(self, settings: LlmSettings, error: RequestFailedError) -> None:
        self.silent += 1
        if self.silent >= MOST_SILENT:
            raise EndpointUnavailable(
                f"{settings.base_url}: none of the first {self.silent} questions got an answer; the last: {error.failure}",
                hint="check that the endpoint runs; one that is slow needs a longer WOW_LLM_TIMEOUT_S",
            ) from error

    def note_unfit(self, settings: LlmSettings, failure: Failure) -> None:
        """Take note of a question whose answer was cut or did not fit.

        Raises:
            EndpointRefused: So many did not fit before any fitted that none will.
        """
        self.unfit += not self.fitted
        if self.unfit >= MOST_UNFIT and not self.fitted:
            raise EndpointRefused(
                f"{settings.base_url}, model {settings.model}: none of the first {self.unfit} answers fits its schema; "
                f"the last: {failure}",
                hint="take a model that keeps to a schema; one that thinks before it answers needs a larger WOW_LLM_MAX_TOKENS",
            )

    def answered(self, step: int) -> bool:
        """Take note that a dialect got an answer; True if that, or what was left out for it, is news worth remembering."""
        self._answered = True
        if self.settled:
            news, self._news = self._news, False
            return news
        self.settled, self.dialect, self._news = True, max(step, self.dialect), False
        return True

    def fits(self, step: int, *, bare: bool) -> bool:
        """Take note of an answer that fits; True if that changes the dialect."""
        self.proven = self.proven or (bare and step == self.dialect)
        changed = step > self.dialect and not self.proven
        if changed:
            self.dialect = step
        return changed

    def after_misfit(self, step: int | None, *, bare: bool) -> int:
        """The dialect to ask for a repair in: a plainer one, which spells the schema out, if this one seems to be ignored."""
        ignored = step is not None and not bare and not self.proven
        return min((step or 0) + 1, len(DIALECTS) - 1) if ignored else 0

    def recall(self, ledger: Ledger, settings: LlmSettings) -> None:
        """Take up what an earlier run found out, if it is not too long ago."""
        kept = ledger.get(_key(settings))
        dialect, *refused = kept.content.split() if kept is not None else [""]
        if kept is None or dialect not in DIALECTS:
            return
        if dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(kept.at) < REMEMBERED:
            self.dialect, self.settled, self.refused = DIALECTS.index(dialect), True, self.refused | set(refused)
            self._answered = True

    def remember(self, ledger: Ledger, settings: LlmSettings) -> None:
        """Keep what was found out for later runs, as an entry of the ledger about nobody."""
        at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        known = " ".join([DIALECTS[self.dialect], *sorted(self.refused)])
        ledger.put(_key(settings), Entry(settings.model, known, "dialect", 0, 0, 0.0, 0.0, at))


def _key(settings: LlmSettings) -> str:
    return sha256(f"dialect of {settings.model} at {settings.base_url}".encode()).hexdigest()
