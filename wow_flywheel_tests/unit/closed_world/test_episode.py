"""One conversation: turn taking, its end, its log record, and what it came to."""

import datetime as dt
import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel.closed_world import language
from wow_flywheel.closed_world.agents import PERFECT, FaultRates, ScriptedAgent
from wow_flywheel.closed_world.environment import ClosedWorld, outcome
from wow_flywheel.closed_world.episode import MAX_MESSAGES, Episode, play
from wow_flywheel.conversations.ingest import DayRead, read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.dialogue import Action, DialogueAction
from wow_flywheel_tests.unit.closed_world.people import ASK, BYE, CLOSE, DAYS, REFUND, customer, do, played, say

DAY = dt.date(2026, 3, 2)
NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
WHEN = language.QUESTIONS["days"]


def read(root: Path, records: list[dict[str, Any]]) -> DayRead:
    """What the project's own reader makes of the records."""
    file = root / f"dt={DAY}" / "conversations.jsonl.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress("".join(json.dumps(record) + "\n" for record in records).encode()))
    return read_day(LogSource.at(str(root)), DAY)


class Stubborn:
    """Says one thing whatever happens."""

    def __init__(self, output: DialogueAction | None) -> None:
        self._output = output

    def act(self, episodes: list[Episode]) -> list[DialogueAction | None]:
        return [self._output for _ in episodes]


class Wild:
    """Says and does anything."""

    def __init__(self) -> None:
        self._rng = random.Random(5)

    def act(self, episodes: list[Episode]) -> list[DialogueAction | None]:
        return [self._any(episode) for episode in episodes]

    def _any(self, episode: Episode) -> DialogueAction | None:
        tools = ["refund_order", "track_order", "cancel_booking", "reship_item", "destroy"]
        action = Action(name=self._rng.choice(tools), arguments={"order": self._rng.choice([episode.customer.goal.order, 1])})
        replies = [*language.ASK_NUMBER, *language.APOLOGIES, *language.GOODBYES, f"It takes {self._rng.randint(1, 9)} days."]
        said = self._rng.choice(replies)
        return self._rng.choice([None, say(said), say(said), DialogueAction(action=action)])


AGENTS = {
    "says the same": Stubborn(say("Which number?")),
    "says nothing": Stubborn(None),
    "calls on and on": Stubborn(do("refund_order", 101)),
    "says and calls": Stubborn(DialogueAction(reply="Sorry, the number?", action=Action(name="track_order", arguments={}))),
    "wild": Wild(),
    "human": ScriptedAgent(FaultRates(), random.Random(1)),
    "perfect": ScriptedAgent(PERFECT, random.Random(1)),
}


@pytest.mark.parametrize("agent", AGENTS.values(), ids=AGENTS)
def test_every_episode_ends_and_reads_back_without_a_quarantined_line(agent: Any, tmp_path: Path) -> None:
    world = ClosedWorld(DAY)
    episodes = world.episodes(150, seed=3)
    records = list(world.logs(agent, episodes, "agent-1"))
    assert all(episode.over and len(episode.messages) <= MAX_MESSAGES + 1 for episode in episodes)
    day = read(tmp_path, records)
    assert day.quarantine.is_empty()
    assert (day.counts["lines"], day.counts["conversations"], day.counts["redactions"]) == (150, 150, 0)
    assert sorted(day.conversations["conversation_id"]) == sorted(episode.episode_id for episode in episodes)
    by_id = {row["conversation_id"]: row["messages"] for row in day.conversations.iter_rows(named=True)}
    for episode in episodes:
        assert [(m["role"], m["content"]) for m in by_id[episode.episode_id]] == [
            (m["role"], m["content"]) for m in episode.messages
        ]


def test_the_log_record_of_an_episode_as_it_is_read(tmp_path: Path) -> None:
    episode = played(customer(seed=1), ASK, REFUND, CLOSE, DAYS, BYE)
    asked, number, when, thanks = [m["content"] for m in episode.messages if m["role"] == "user"]
    row = read(tmp_path, [episode.record(NOON, "agent-1")]).conversations.row(0, named=True)
    logged = [
        (m["role"], m["content"], m["created_at"] - NOON, m["tool_call_id"], m["tool_calls"] or []) for m in row["messages"]
    ]
    call = {"id": "call_1", "name": "refund_order", "arguments": '{"order": 147}'}
    result = '{"ok": true, "order": 147, "amount": 23, "days": 5, "method": "card"}'
    told = [
        ("user", asked, None, []),
        ("assistant", ASK.reply, None, []),
        ("user", number, None, []),
        ("assistant", None, None, [call]),
        ("tool", result, "call_1", []),
        ("assistant", CLOSE.reply, None, []),
        ("user", when, None, []),
        ("assistant", DAYS.reply, None, []),
        ("user", thanks, None, []),
        ("assistant", BYE.reply, None, []),
    ]
    expected = [
        (role, text, dt.timedelta(seconds=7 * i), call_id, calls) for i, (role, text, call_id, calls) in enumerate(told)
    ]
    assert logged == expected
    assert (when in WHEN, thanks in language.THANKS) == (True, True)
    identity = ("conversation_id", "user_id", "channel", "scenario", "locale", "model", "started_at", "ended_at")
    assert [row[name] for name in identity] == [
        "talk-1", "ada", "app", "refund", "en-US", "agent-1", NOON, NOON + dt.timedelta(seconds=63),
    ]  # fmt: skip


def test_a_rating_is_logged_only_where_one_is_given(tmp_path: Path) -> None:
    """40 pleased customers: 20 ± 4 standard deviations of 3.2 rate."""
    episodes = [played(customer(seed=seed), ASK, REFUND, CLOSE, DAYS, BYE) for seed in range(40)]
    records = [episode.record(NOON, "m") | {"conversation_id": f"c{i}"} for i, episode in enumerate(episodes)]
    feedback = read(tmp_path, records).conversations["feedback"].to_list()
    given = [each for each in feedback if each is not None]
    assert 7 < len(given) < 33
    assert given == [{"thumb": "up", "score": None, "comment": None}] * len(given)
    assert sum("feedback" in record for record in records) == len(given)


def test_a_day_of_logs_spreads_over_the_opening_hours_in_order() -> None:
    world = ClosedWorld(DAY)
    records = list(world.logs(AGENTS["perfect"], world.episodes(28, seed=1), "agent-1"))
    started = [record["started_at"] for record in records]
    assert started == [f"2026-03-02T{8 + i // 2:02d}:{'30' if i % 2 else '00'}:00Z" for i in range(28)]
    assert {record["model"] for record in records} == {"agent-1"}


def test_a_day_without_conversations_has_no_records() -> None:
    assert list(ClosedWorld(DAY).logs(AGENTS["perfect"], [], "agent-1")) == []


PERFECT_TALK = (ASK, REFUND, CLOSE, DAYS, BYE)
SOLVED = {"solve_rate": 1.0, "usm1": 0.0, "usm2": 1.0, "rr": 0.0, "action_accuracy": 1.0, "format_validity": 1.0}
OTHER = do("refund_order", 182)


@pytest.mark.parametrize(
    ("outputs", "patience", "differs"),
    [
        pytest.param(PERFECT_TALK, 4, {}, id="perfect"),
        pytest.param((ASK, REFUND, CLOSE, CLOSE, DAYS, BYE), 4, {"usm2": 0.0, "rr": 1.0}, id="repeats"),
        pytest.param((ASK, REFUND, CLOSE, CLOSE), 2, {"usm1": 1.0, "usm2": 0.0, "rr": 1.0}, id="repeats to the impatient"),
        pytest.param(
            (do("refund_order", 199), *PERFECT_TALK), 4, {"action_accuracy": 0.5}, id="guesses an order that is not there"
        ),
        pytest.param((REFUND, CLOSE, DAYS, BYE), 4, {"action_accuracy": 0.0}, id="guesses right"),
        pytest.param(
            (OTHER, *PERFECT_TALK), 2, {"solve_rate": 0.0, "usm2": 0.0, "action_accuracy": 0.5}, id="guesses another order"
        ),
        pytest.param(
            (ASK, REFUND, say("I have refunded order 147. You get 29 dollars."), CLOSE, DAYS, BYE), 4, {"usm2": 0.0},
            id="states a wrong amount",
        ),
        pytest.param(
            (ASK, REFUND, say("I have refunded order 147. You get 29 dollars.")), 2,
            {"solve_rate": 0.0, "usm1": 1.0, "usm2": 0.0}, id="states a wrong amount to the impatient",
        ),
        pytest.param(
            (ASK, CLOSE, REFUND, say("Refunded, order 147: 23 dollars."), DAYS, BYE), 4, {"usm2": 0.0},
            id="claims what was not done",
        ),
        pytest.param(
            (ASK, do("cancel_booking", 147), REFUND, CLOSE, DAYS, BYE), 4, {"solve_rate": 0.0, "action_accuracy": 0.5},
            id="does more than was asked",
        ),
        pytest.param(
            (ASK, None, REFUND, CLOSE, DAYS, BYE), 4, {"format_validity": 5 / 6}, id="malformed once"
        ),
        pytest.param(
            (say("Hello."), say("Nice day.")), 4,
            {"solve_rate": 0.0, "usm1": 1.0, "usm2": 0.0, "action_accuracy": None}, id="never acts",
        ),
    ],
)  # fmt: skip
def test_what_an_episode_came_to(outputs: tuple[DialogueAction | None, ...], patience: int, differs: dict[str, Any]) -> None:
    episode = played(customer(patience=patience), *outputs)
    assert episode.over
    keys = {"model": "m", "episode": "talk-1", "user_id": "ada", "scenario": "refund"}
    assert outcome(episode, "m") == keys | SOLVED | differs


@pytest.mark.parametrize(("opening", "patience", "usm2"), [("", 2, 0.0), ("", 3, 1.0), ("I am sorry. ", 2, 1.0)])
def test_a_cold_agent_loses_the_satisfaction_of_the_upset_and_impatient_alone(opening: str, patience: int, usm2: float) -> None:
    episode = played(customer(upset=True, patience=patience), say(opening + (ASK.reply or "")), REFUND, CLOSE, DAYS, BYE)
    assert outcome(episode, "m") == outcome(played(customer(), *PERFECT_TALK), "m") | {"usm2": usm2}


def test_a_malformed_output_reaches_the_customer_as_the_text_it_is() -> None:
    episode = played(customer())
    episode.step(None, raw="{" * 300)
    assert episode.messages[1] == {"role": "assistant", "content": "{" * 200}
    assert (episode.outputs, episode.malformed) == (1, 1)


class Malformed:
    """An agent that gives no valid object."""

    def act(self, episodes: Sequence[Episode]) -> list[str]:
        return ["{reply: hi"] * len(episodes)


def test_a_malformed_output_is_logged_as_it_is() -> None:
    episode = Episode("talk-1", customer(patience=2))
    assert list(play(Malformed(), [episode]))[-1] == 0
    assert episode.messages[1] == {"role": "assistant", "content": "{reply: hi"}
    assert episode.malformed == episode.outputs >= 2


def test_three_calls_in_a_row_end_the_episode_and_two_with_a_word_between_do_not() -> None:
    search = do("refund_order", 5)
    assert not played(customer(), search, search).over
    assert played(customer(), search, search, search).over
    assert not played(customer(), search, search, ASK, search).over


@pytest.mark.parametrize("order", ["", "4", "1470"])
def test_a_part_of_the_number_that_the_customer_named_is_a_guess(order: str) -> None:
    assert played(customer(names_order=True), do("refund_order", order)).customer.faults == ["guessed"]


def test_a_call_on_an_order_that_the_customer_named_is_no_guess() -> None:
    named = played(customer(names_order=True), REFUND)
    assert (named.customer.faults, named.right_calls) == ([], 1)
    wrong_tool = played(customer(names_order=True), do("track_order", 147))
    assert (wrong_tool.customer.faults, wrong_tool.right_calls, wrong_tool.calls) == ([], 0, 1)


def test_an_episode_ends_after_the_last_word_to_a_leaving_customer_at_once() -> None:
    left = played(customer(patience=2), CLOSE, ASK)
    assert [m["role"] for m in left.messages] == ["user", "assistant", "user"]
    pleased = played(customer(), *PERFECT_TALK, BYE)
    assert [m["role"] for m in pleased.messages[-2:]] == ["user", "assistant"]


def test_an_agent_has_four_calls_and_the_fifth_ends_the_episode() -> None:
    talk = [REFUND, REFUND, say("Your number?"), REFUND, REFUND]
    four = played(customer(names_order=True), *talk, say("Which number?"))
    assert (four.calls, four.over) == (4, False)
    four.step(REFUND)
    assert (four.calls, four.over) == (5, True)
    assert len(four.messages) < MAX_MESSAGES


def test_an_endless_talk_is_cut_off() -> None:
    endless = played(customer(patience=99), *(say(f"The number, {'please, ' * again}?") for again in range(20)))
    assert (len(endless.messages), endless.outputs, endless.over) == (19, 9, True)
    assert endless.customer.intent == "number"


def test_every_call_has_its_own_id_and_its_own_result() -> None:
    episode = played(customer(), do("refund_order", 147), do("refund_order", 182))
    calls = [call["id"] for m in episode.messages for call in m.get("tool_calls") or []]
    results = [m["tool_call_id"] for m in episode.messages if m["role"] == "tool"]
    assert calls == results == ["call_1", "call_2"]


def test_play_says_how_many_episodes_are_under_way_and_asks_only_about_those() -> None:
    short, long = Episode("a", customer(patience=2)), Episode("b", customer(patience=4))
    asked: list[list[str]] = []

    class Notes:
        def act(self, episodes: list[Episode]) -> list[DialogueAction]:
            asked.append([episode.episode_id for episode in episodes])
            return [CLOSE for _ in episodes]

    assert list(play(Notes(), [short, long])) == [1, 0]
    assert asked == [["a", "b"], ["b"]]


def test_an_agent_that_forgets_an_episode_is_caught() -> None:
    class Forgetful:
        def act(self, episodes: list[Episode]) -> list[DialogueAction]:
            return []

    with pytest.raises(ValueError, match="shorter"):
        list(play(Forgetful(), [Episode("a", customer())]))
