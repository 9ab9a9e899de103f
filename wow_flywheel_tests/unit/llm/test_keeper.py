"""The ledger's threads: whoever waits for an entry hears of it, whatever else ends at that moment."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel.llm.keeper import DISK_WRITERS, Keeper
from wow_flywheel.llm.ledger import Entry, Ledger

ENTRY = Entry("m", "{}", "stop", 1, 1, 0.0, 0.1, "2026-01-01T00:00:00Z")


class Held(ThreadPoolExecutor):
    """Does the work that it is given when it is told to, all at once, and at once from then on."""

    def __init__(self) -> None:
        super().__init__(1)
        self.held: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] | None = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.held is None:
            future.set_result(fn(*args))
        else:
            self.held.append((future, fn, args))
        return future

    def release(self) -> None:
        held, self.held = self.held or [], None
        for future, work, arguments in held:
            future.set_result(work(*arguments))


@pytest.mark.parametrize("steps", range(8))
def test_what_comes_as_the_last_writers_end_is_written(tmp_path: Path, steps: int) -> None:
    """All writers end in one step of the loop; the next entry comes `steps` steps after they were set free."""

    async def puts() -> None:
        pool = Held()
        with Keeper(Ledger.at(str(tmp_path)), pool) as keeper:
            first = []
            for at in range(DISK_WRITERS):  # one after the other, for a writer takes all that waits
                first.append(asyncio.ensure_future(keeper.put(f"{at}" * 64, ENTRY)))
                await asyncio.sleep(0.01)
            assert pool.held is not None
            assert len(pool.held) == DISK_WRITERS
            pool.release()
            for _ in range(steps):
                await asyncio.sleep(0)
            async with asyncio.timeout(5):
                await keeper.put("f" * 64, ENTRY)
                await asyncio.gather(*first)
            assert await keeper.get("f" * 64) == ENTRY

    asyncio.run(puts())


def test_an_error_that_nobody_expects_is_raised_where_the_entry_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(_: Ledger, key: str, __: Entry) -> None:
        if key.startswith("b"):
            raise MemoryError

    monkeypatch.setattr(Ledger, "put", put)

    async def puts() -> list[BaseException | None]:
        with Keeper(Ledger.at(str(tmp_path))) as keeper:
            async with asyncio.timeout(5):
                return await asyncio.gather(*(keeper.put(key * 64, ENTRY) for key in "abcde"), return_exceptions=True)

    assert [type(each) for each in asyncio.run(puts())] == [type(None), MemoryError, *[type(None)] * 3]
