"""What a run may spend."""

import pytest

from wow_flywheel.llm.budget import Budget, Spending, most_of
from wow_flywheel.llm.settings import LlmSettings


def test_reservations_count_until_they_are_settled() -> None:
    budget = Budget(max_tokens=100)
    assert budget.reserve(Spending(60, 0.0))
    assert not budget.reserve(Spending(50, 0.0))
    budget.settle(Spending(60, 0.0), Spending(20, 0.0))
    assert budget.reserve(Spending(80, 0.0))
    assert not budget.reserve(Spending(1, 0.0))
    assert budget.refused == 2


def test_either_limit_binds() -> None:
    assert not Budget(max_usd=0.01).reserve(Spending(1, 0.02))
    assert not Budget(max_tokens=10, max_usd=9.0).reserve(Spending(11, 0.0))
    assert Budget().reserve(Spending(10**12, 1e6))


def test_the_most_that_a_call_costs_is_prompt_schema_and_longest_answer() -> None:
    settings = LlmSettings(
        "http://e/v1", "m", max_tokens=100, price_per_million_prompt_tokens=1.0, price_per_million_completion_tokens=10.0
    )
    most = most_of(settings, [{"role": "user", "content": "abcdef"}, {"role": "user", "content": "退款"}], "{}")
    assert most.tokens == 2 + 2 + 1 + 100
    assert most.usd == pytest.approx((5 * 1.0 + 100 * 10.0) / 1e6)


def test_limits_in_words() -> None:
    assert Budget(max_tokens=5, max_usd=1.5).shown() == "5 tokens and 1.50 USD"
    assert Budget().shown() == "no limit"
