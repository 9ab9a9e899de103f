"""Finds out once which dialect of structured output an endpoint takes, and remembers it.

What belongs here: stepping down from strict to plain, and the memory of it. What does not: how a dialect is asked for
(`formats`), calls (`transport`).
A dialect is given up only once a plainer one gets an answer: a request that is refused in all of them is at fault itself. One
that is taken but not kept to, as its first answer shows, is given up once a plainer one gives an answer that fits.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from pydantic import BaseModel

from wow_flywheel.llm.formats import DIALECTS, request_extra, with_schema
from wow_flywheel.llm.ledger import Entry, Ledger
from wow_flywheel.llm.requests import FormatRefusedError, RequestFailedError
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.llm.transport import Transport

REMEMBERED = dt.timedelta(days=7)


@dataclass(slots=True)
class Negotiator:
    """What one endpoint is known to take.

    Attributes:
        dialect: Index into `DIALECTS`.
        settled: True once an answer came in this dialect, now or in an earlier run.
        proven: True once an answer showed that the endpoint keeps to it.
    """

    dialect: int = 0
    settled: bool = False
    proven: bool = False

    async def ask(
        self, transport: Transport, messages: Sequence[Mapping[str, str]], schema: type[BaseModel], floor: int
    ) -> tuple[Entry, int]:
        """Ask in the strictest dialect that the endpoint takes, from `floor` on; gives the answer and its dialect.

        Raises:
            RequestFailedError: `rejected` if it is refused in every dialect; else as `Transport.send`.
        """
        problem = ""
        for step in range(max(self.dialect, floor), len(DIALECTS)):
            dialect = DIALECTS[step]
            try:
                return await transport.send(with_schema(dialect, messages, schema), request_extra(dialect, schema)), step
            except FormatRefusedError as error:
                problem = error.detail
        raise RequestFailedError("rejected", problem)

    def answered(self, step: int) -> bool:
        """Take note that a dialect got an answer; True if that is news worth remembering."""
        if self.settled:
            return False
        self.settled, self.dialect = True, max(step, self.dialect)
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
        if kept is None or kept.content not in DIALECTS:
            return
        if dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(kept.at) < REMEMBERED:
            self.dialect, self.settled = DIALECTS.index(kept.content), True

    def remember(self, ledger: Ledger, settings: LlmSettings) -> None:
        """Keep what was found out for later runs, as an entry of the ledger about nobody."""
        at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        ledger.put(_key(settings), Entry(settings.model, DIALECTS[self.dialect], "dialect", 0, 0, 0.0, 0.0, at))


def _key(settings: LlmSettings) -> str:
    return sha256(f"dialect of {settings.model} at {settings.base_url}".encode()).hexdigest()
