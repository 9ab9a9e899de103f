"""The budget, enforced to the call, against a real HTTP server: also where it counts no tokens, or answers nothing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from wow_flywheel.llm.budget import Budget
from wow_flywheel.llm.client import Failure, LlmClient, LlmRequest, Success
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel_tests.integration.faulty_endpoint import Fault, FaultyEndpoint


class City(BaseModel):
    model_config = ConfigDict(extra="forbid")

    city: str


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    with FaultyEndpoint(lambda _: json.dumps({"city": "Paris"})) as running:
        yield running


def client(endpoint: FaultyEndpoint, lake: Path, budget: Budget) -> LlmClient:
    settings = LlmSettings(
        endpoint.base_url, "judge", max_in_flight=1, max_tokens=50, timeout_s=0.3, max_attempts=3, backoff_s=0.01,
        price_per_million_prompt_tokens=10.0, price_per_million_completion_tokens=20.0,
    )  # fmt: skip
    return LlmClient(settings, Ledger.at(str(lake)), budget)


def asked(client: LlmClient, count: int) -> list[str]:
    """How each of so many questions ended."""
    outcomes = client.complete_all([LlmRequest(f"Which city is number {i}?") for i in range(count)], City)
    return ["answered" if isinstance(each, Success) else each.reason for each in outcomes]


@pytest.mark.parametrize("limit", [Budget(max_tokens=1_500), Budget(max_usd=0.015)], ids=["tokens", "dollars"])
def test_real_calls_run_into_the_limit_and_no_further_one_is_made(
    endpoint: FaultyEndpoint, tmp_path: Path, limit: Budget
) -> None:
    one = client(endpoint, tmp_path, limit)
    said = asked(one, 40)
    made = said.count("answered")
    assert 8 <= made < 40
    assert said == ["answered"] * made + ["over_budget"] * (40 - made)
    assert len(endpoint.requests) == made
    assert one.budget.spent.tokens == 110 * made
    assert one.budget.spent.usd == pytest.approx(made * (100 * 10 + 10 * 20) / 1e6)


@pytest.mark.parametrize("limit", [Budget(max_tokens=1_500), Budget(max_usd=0.015)], ids=["tokens", "dollars"])
def test_an_endpoint_that_counts_no_tokens_is_charged_by_estimate(
    endpoint: FaultyEndpoint, tmp_path: Path, limit: Budget
) -> None:
    endpoint.counts_tokens = False
    one = client(endpoint, tmp_path, limit)
    said = asked(one, 200)
    made = said.count("answered")
    assert 5 <= made < 100
    assert set(said[made:]) == {"over_budget"}
    assert len(endpoint.requests) == made
    assert one.counts.uncounted == made
    assert one.budget.spent.tokens > made * len('{"city": "Paris"}') // 3
    assert one.counts.spent_usd == pytest.approx(one.budget.spent.usd)
    assert one.budget.spent.usd > 0


@pytest.mark.parametrize("fault", [Fault(hang_s=1), Fault(raw="<html>")], ids=["timed out", "garbled"])
def test_tries_that_came_to_nothing_are_charged_as_calls(endpoint: FaultyEndpoint, tmp_path: Path, fault: Fault) -> None:
    one = client(endpoint, tmp_path, Budget(max_tokens=10_000))
    endpoint.script.extend([fault, fault])
    assert asked(one, 1) == ["answered"]
    assert one.counts.lost_tries == 2
    assert one.budget.spent.tokens == 110 + 2 * _most(tmp_path, endpoint)
    assert one.budget.reserved.tokens == 0


def test_no_try_is_made_that_the_budget_does_not_reach(endpoint: FaultyEndpoint, tmp_path: Path) -> None:
    most = _most(tmp_path, endpoint)
    one = client(endpoint, tmp_path, Budget(max_tokens=round(2.5 * most)))
    endpoint.script.extend([Fault(raw="<html>")] * 3)
    outcome = one.complete_all([LlmRequest("Which city is number 0?")], City)[0]
    assert outcome == Failure("over_budget", "the response is not JSON, and the budget reaches no other try")
    assert len(endpoint.requests) == 2


def test_a_call_that_the_endpoint_turned_away_costs_nothing(endpoint: FaultyEndpoint, tmp_path: Path) -> None:
    one = client(endpoint, tmp_path, Budget(max_tokens=10_000))
    endpoint.script.extend([Fault(status=429), Fault(status=503), Fault(reset=True)])
    one.settings = replace(one.settings, max_attempts=4)
    assert asked(one, 1) == ["answered"]
    assert one.budget.spent.tokens == 110


def _most(folder: Path, endpoint: FaultyEndpoint) -> int:
    """What one call of these tests sets aside."""
    probe = client(endpoint, folder / "probe", Budget(max_tokens=0))
    seen: list[int] = []

    class Noted(Budget):
        def affords(self, wanted: object) -> bool:
            seen.append(wanted.tokens)  # type: ignore[attr-defined]
            return False

    probe.budget = Noted(max_tokens=0)
    asked(probe, 1)
    return seen[0]
