"""How many calls are let through at once."""

import asyncio

from wow_flywheel.llm.throttle import Throttle


def test_it_doubles_until_the_first_pushback_and_then_grows_by_one_a_round() -> None:
    throttle = Throttle(100, 4)
    for _ in range(4):
        throttle.succeeded()
    assert throttle.limit == 8
    throttle.pushed_back(throttle.round)
    assert throttle.limit == 4
    for _ in range(4):
        throttle.succeeded()
    assert 4.9 < throttle.limit < 5.0


def test_calls_of_an_earlier_round_cut_it_no_further() -> None:
    throttle = Throttle(64, 64)
    began = throttle.round
    for _ in range(20):
        throttle.pushed_back(began)
    assert (throttle.limit, throttle.pushbacks, throttle.lowest) == (32, 1, 32)
    throttle.pushed_back(throttle.round)
    assert throttle.limit == 16


def test_it_stays_between_one_and_the_ceiling() -> None:
    throttle = Throttle(3, 99)
    assert throttle.limit == 3
    throttle.succeeded()
    assert throttle.limit == 3
    for _ in range(5):
        throttle.pushed_back(throttle.round)
    assert throttle.limit == 1


def test_no_more_are_under_way_than_the_limit_and_a_cancelled_one_leaves_its_place() -> None:
    async def scenario() -> tuple[int, list[int]]:
        throttle, seen, done = Throttle(8, 2), [], []

        async def call(number: int) -> None:
            async with throttle.slot():
                seen.append(throttle.under_way)
                await asyncio.sleep(0.001)
                done.append(number)

        tasks = [asyncio.ensure_future(call(number)) for number in range(10)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        tasks[3].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return max(seen), sorted(done)

    assert asyncio.run(scenario()) == (2, [0, 1, 4, 5, 6, 7, 8, 9])
