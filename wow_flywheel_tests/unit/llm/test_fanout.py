"""Bounded concurrency: order, bound, clean stop."""

import asyncio
from collections.abc import Iterator

import pytest

from wow_flywheel.llm.fanout import bounded_map


def test_results_keep_the_order_of_the_items() -> None:
    async def slow_first(item: int) -> int:
        await asyncio.sleep(0.02 if item == 0 else 0)
        return item * 10

    assert asyncio.run(bounded_map(slow_first, range(5), 3)) == [0, 10, 20, 30, 40]


def test_no_items_no_results() -> None:
    async def never(item: int) -> int:
        raise AssertionError(item)

    assert asyncio.run(bounded_map(never, [], 3)) == []


def test_items_beyond_the_bound_are_not_even_taken() -> None:
    taken, under_way, peak = 0, 0, 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(20):
            taken += 1
            yield item

    async def work(_: int) -> int:
        nonlocal under_way, peak
        under_way += 1
        peak = max(peak, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return taken

    seen = asyncio.run(bounded_map(work, items(), 4))
    assert peak == 4
    assert seen[0] <= 5
    assert len(seen) == 20


def test_the_first_error_stops_the_rest() -> None:
    ended: list[str] = []

    async def work(item: int) -> int:
        if item == 1:
            raise ValueError(item)
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append(f"{item} cancelled")
            raise
        return item

    with pytest.raises(ValueError, match="1"):
        asyncio.run(bounded_map(work, range(10), 3))
    assert sorted(ended) == ["0 cancelled", "2 cancelled"]
