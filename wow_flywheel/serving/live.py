"""What a running endpoint serves, and how it follows the pointers: a promotion, a rollback, a canary started or stopped.

What belongs here: loading what the pointers name now, moving over without dropping a request. What does not: the pointers
(`release.store`), the choice for a conversation (`split`), HTTP (`app`).

A request that a model has taken is answered by it, whatever the pointers say meanwhile. A release that cannot be loaded,
because it was tampered with say, changes nothing: the endpoint goes on with what it serves, and says so once.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from wow_flywheel.errors import FlywheelError
from wow_flywheel.release.canary import Canary
from wow_flywheel.serving.batching import Batcher
from wow_flywheel.serving.protocol import Engine
from wow_flywheel.serving.split import Served, Split

LOG: Final = logging.getLogger(__name__)
LOOK_EVERY_S: Final = 5.0
DRAIN_S: Final = 0.05
Pointers = tuple[str | None, Canary | None]
"""The current release's id, and the canary."""


@dataclass(frozen=True, slots=True)
class Releases:
    """Where the releases are.

    Attributes:
        pointers: Reads both pointers.
        load: The engine of a release, its seal checked; raises a FlywheelError where it cannot be had.
    """

    pointers: Callable[[], Pointers]
    load: Callable[[str], Engine]


@dataclass(slots=True)
class Live:
    """The models that are served now, with their running queues."""

    split: Split
    _tasks: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)

    def start(self) -> None:
        """Run the queues that do not run yet."""
        for batcher in self.split.batchers:
            if id(batcher) not in self._tasks:
                self._tasks[id(batcher)] = asyncio.create_task(batcher.run())

    async def stop(self) -> None:
        """End all queues; what waits in them is not answered."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def change(self, split: Split) -> None:
        """Serve something else from now on; models that are served no longer answer what they have taken, then end."""
        left = [batcher for batcher in self.split.batchers if batcher not in split.batchers]
        self.split = split
        self.start()
        for batcher in left:
            while batcher.pending:
                await asyncio.sleep(DRAIN_S)
            self._tasks.pop(id(batcher)).cancel()

    async def follow(self, releases: Releases, every_s: float = LOOK_EVERY_S) -> None:
        """Look at the pointers until cancelled, and serve what they name."""
        complained = ""
        while True:
            await asyncio.sleep(every_s)
            try:
                split = await asyncio.to_thread(self._named, releases)
            except Exception as error:
                expected = isinstance(error, FlywheelError)
                said = str(error) if expected else repr(error)
                if said != complained:
                    LOG.warning("still serving %s: %s", " and ".join(self.split.models), said, exc_info=not expected)
                complained = said
                continue
            if split is not None:
                await self.change(split)
                LOG.warning("now serving %s", " and ".join(self.split.models))
                complained = ""

    def _named(self, releases: Releases) -> Split | None:
        """What the pointers name; None if that is what is served, or nothing."""
        current, canary = releases.pointers()
        served = (self.split.current.model, self.split.canary[1] if self.split.canary else None)
        if current is None or (current, canary) == served:
            return None
        beside = (self._served(canary.release, releases), canary) if canary is not None else None
        return Split(self._served(current, releases), beside)

    def _served(self, release: str, releases: Releases) -> Served:
        """A model that is loaded already is not loaded again."""
        known = [self.split.current, *([self.split.canary[0]] if self.split.canary else [])]
        return next((each for each in known if each.model == release), None) or Served(release, Batcher(releases.load(release)))
