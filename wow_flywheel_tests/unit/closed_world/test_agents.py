"""Human-like agents: perfect without faults, and each fault at its rate and nowhere else."""

import datetime as dt
import json
import random
import re

import pytest

from wow_flywheel.closed_world import language
from wow_flywheel.closed_world.agents import PERFECT, FaultRates, ScriptedAgent
from wow_flywheel.closed_world.customers import ANNOYANCE
from wow_flywheel.closed_world.environment import ClosedWorld, outcome
from wow_flywheel.closed_world.episode import Episode, play
from wow_flywheel_tests.unit.closed_world.people import customer, played

COUNT = 2000


def agent(seed: int = 1, **rates: float) -> ScriptedAgent:
    """An agent with the given faults only."""
    return ScriptedAgent(
        FaultRates(**{"repeat": 0.0, "guess": 0.0, "wrong_number": 0.0, "cold": 0.0} | rates), random.Random(seed)
    )


def day(who: ScriptedAgent, count: int = COUNT) -> list[Episode]:
    episodes = ClosedWorld(dt.date(2026, 3, 2)).episodes(count, seed=1)
    for _ in play(who, episodes):
        pass
    return episodes


def said(episode: Episode) -> list[str]:
    return [m["content"] for m in episode.messages if m["role"] == "assistant" and m["content"]]


def near(share: float, hits: int, of: int) -> bool:
    """Within 4 standard deviations."""
    return of > 100 and abs(hits - share * of) < 4 * (share * (1 - share) * of) ** 0.5


def test_a_perfect_agent_solves_and_satisfies_everybody() -> None:
    assert FaultRates(0, 0, 0, 0) == PERFECT
    outcomes = [outcome(episode, "m") for episode in day(ScriptedAgent(PERFECT, random.Random(1)), 300)]
    best = {"solve_rate": 1.0, "usm1": 0.0, "usm2": 1.0, "rr": 0.0, "action_accuracy": 1.0, "format_validity": 1.0}
    assert all(each.items() >= best.items() for each in outcomes)


def test_the_same_seed_gives_the_same_day() -> None:
    days = [[e.messages for e in day(ScriptedAgent(FaultRates(), random.Random(seed)), 100)] for seed in (1, 1, 2)]
    assert days[0] == days[1]
    assert days[0] != days[2]


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_the_agent_guesses_at_its_rate_where_the_order_was_not_named(rate: float) -> None:
    episodes = day(agent(guess=rate))
    unnamed = [episode for episode in episodes if not episode.customer.goal.names_order]
    guessed = [episode for episode in unnamed if episode.messages[1].get("tool_calls")]
    assert near(rate, len(guessed), len(unnamed))
    assert {e.episode_id for e in episodes if "guessed" in e.customer.faults} == {e.episode_id for e in guessed}


@pytest.mark.parametrize("rate", [0.3, 0.5])
def test_the_agent_repeats_itself_at_its_rate_where_a_question_comes(rate: float) -> None:
    episodes = day(agent(repeat=rate))
    first_answers = [
        (said(episode)[place], said(episode)[place - 1]) for episode in episodes for place in [_closing(episode) + 1]
    ]
    assert near(rate, sum(answer == closing for answer, closing in first_answers), COUNT)
    assert {fault for episode in episodes for fault in episode.customer.faults} == {"repeated"}


def test_the_agent_repeats_itself_half_as_often_once_the_customer_has_complained_of_it() -> None:
    stayed = [said(e)[_closing(e) :] for e in day(agent(repeat=0.5)) if e.customer.goal.patience > 2]
    again = [replies[2] == replies[0] for replies in stayed if replies[1] == replies[0]]
    assert near(0.25, sum(again), len(again))


def _closing(episode: Episode) -> int:
    return next(i for i, text in enumerate(said(episode)) if re.search(r"(order|booking) \d+", text))


@pytest.mark.parametrize("rate", [0.08, 0.5])
def test_the_agent_states_another_number_than_the_tools_at_its_rate(rate: float) -> None:
    closings = []
    for episode in day(agent(wrong_number=rate)):
        result = json.loads(next(m["content"] for m in episode.messages if m["role"] == "tool"))
        order, stated = re.findall(r"\d+", said(episode)[_closing(episode)])
        assert int(order) == episode.customer.goal.order
        closings.append(int(stated) - result.get("amount" if "amount" in result else "minutes"))
    assert near(rate, sum(off != 0 for off in closings), COUNT)
    assert set(closings) <= set(range(10))


@pytest.mark.parametrize("rate", [0.4, 1.0])
def test_the_agent_is_cold_at_its_rate_to_the_upset_and_apologises_to_nobody_else(rate: float) -> None:
    episodes = day(agent(cold=rate))
    upset = [episode for episode in episodes if episode.customer.goal.upset]
    cold = [episode for episode in upset if not said(episode)[0].startswith(language.APOLOGIES)]
    assert near(rate, len(cold), len(upset)) or (rate == 1.0 and cold == upset)
    assert {e.episode_id for e in episodes if e.customer.faults} == {e.episode_id for e in cold}
    assert not any("sorry" in text.lower() for e in episodes if not e.customer.goal.upset for text in said(e))


@pytest.mark.parametrize("fault", ["repeat", "guess", "wrong_number", "cold"])
def test_each_fault_costs_satisfaction_and_only_a_wrong_number_the_solution(fault: str) -> None:
    outcomes = [outcome(episode, "m") for episode in day(agent(**{fault: 1.0}), 300)]
    satisfied = sum(each["usm2"] for each in outcomes) / 300
    solved = sum(each["solve_rate"] for each in outcomes) / 300
    assert satisfied < 0.97
    assert (solved == 1.0) == (fault != "wrong_number")


def test_every_fault_that_customers_know_is_planted_by_the_default_agent() -> None:
    faults = {fault for episode in day(ScriptedAgent(FaultRates(), random.Random(1))) for fault in episode.customer.faults}
    assert {"repeated", "guessed", "wrong_number", "cold"} <= faults <= set(ANNOYANCE)


def test_a_corrected_agent_says_the_right_number_next() -> None:
    episode = played(customer(names_order=True))
    wrong = agent(wrong_number=1.0)
    episode.step(*wrong.act([episode]))
    episode.step(*wrong.act([episode]))
    assert episode.customer.intent == "correct"
    episode.step(*agent().act([episode]))
    assert said(episode)[-1] == "I have refunded order 147. You get 23 dollars."
    assert episode.customer.intent == "question"
