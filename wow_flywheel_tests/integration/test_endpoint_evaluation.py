"""A judge and customers behind a real HTTP server with scripted answers."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.datasets.split import split_of
from wow_flywheel.dialogue import Action, DialogueAction
from wow_flywheel.errors import SettingsError
from wow_flywheel.evaluation.asked import by_endpoint
from wow_flywheel.evaluation.llm_customers import LlmCustomers
from wow_flywheel.evaluation.owed import Owed
from wow_flywheel.evaluation.pairwise import Duel, Verdicts, duels, judge
from wow_flywheel.llm.client import LlmClient
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.pairs.sites import Site
from wow_flywheel_tests.integration.faulty_endpoint import FaultyEndpoint
from wow_flywheel_tests.unit.evaluation.stand_in import StandIn, act, reply

NOTHING = pl.DataFrame(schema={"unit_id": pl.String, "title": pl.String, "content": pl.String})
HELD_OUT = next(f"u{i}" for i in range(100) if split_of(f"u{i}") == "held_out")
TRAINED = next(f"u{i}" for i in range(100) if split_of(f"u{i}") == "train")


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    with FaultyEndpoint() as running:
        yield running


@pytest.fixture
def client(endpoint: FaultyEndpoint, tmp_path: Path) -> LlmClient:
    settings = LlmSettings(endpoint.base_url, "judge", max_in_flight=4, max_attempts=1, max_repairs=0)
    return LlmClient(settings, Ledger.at(str(tmp_path)))


def shown(body: dict[str, Any], element: str) -> str:
    """The last of the elements of this name in the prompt: earlier ones are in the instructions."""
    return re.findall(rf"<{element}>\n(.*?)\n</{element}>", body["messages"][-1]["content"], re.DOTALL)[-1]


def duel(number: int, baseline: str = "bad", candidate: str = "good") -> Duel:
    prompt = ({"role": "user", "content": f"Hi {number}"},)
    return Duel(f"c{number}#1", f"u{number}", "refund", prompt, reply(f"{baseline} {number}"), reply(f"{candidate} {number}"))


def judged(client: LlmClient, *found: Duel) -> Verdicts:
    return judge(client, found, NOTHING, "old", "new")


def verdict(choice: str) -> str:
    return json.dumps({"reason": "so", "better": choice})


def test_a_judge_that_always_names_the_first_gives_ties_and_a_reported_bias(client, endpoint) -> None:
    endpoint.answer = lambda _: verdict("1")
    found = judged(client, *(duel(i) for i in range(6)))
    assert (found.wins, found.ties, found.losses, found.inconsistent) == (0, 6, 0, 6)
    assert set(found.outcomes["judge_preference"]) == {0.5}
    assert (found.position_bias, found.first_place.n) == (0.5, 12)
    assert dict(found.lines())["position bias of the judge"].startswith("+50.0% for the first place (it won 100.0%")


def test_a_judge_that_reads_gives_wins_and_no_bias(client, endpoint) -> None:
    endpoint.answer = lambda body: verdict("1" if "good" in shown(body, "answer_1") else "2")
    found = judged(client, duel(1), duel(2), duel(3, "good", "bad"))
    assert (found.wins, found.ties, found.losses, found.inconsistent, found.position_bias) == (2, 0, 1, 0, 0.0)
    rows = found.outcomes.filter(model="new").select("episode", "judge_preference").rows()
    assert rows == [("c1#1", 1.0), ("c2#1", 1.0), ("c3#1", 0.0)]
    assert found.outcomes.filter(model="old")["judge_preference"].to_list() == [0.0, 0.0, 1.0]


def test_ties_stay_ties_and_one_sided_ties_too(client, endpoint) -> None:
    endpoint.answer = lambda body: verdict("2" if "good" in shown(body, "answer_2") else "tie")
    found = judged(client, duel(1))
    assert (found.ties, found.inconsistent, found.first_place.n, found.position_bias) == (1, 0, 1, -0.5)


def test_a_duel_without_both_answers_counts_nowhere(client, endpoint) -> None:
    endpoint.answer = lambda body: "no JSON" if "Hi 1" in shown(body, "conversation") else verdict("tie")
    found = judged(client, duel(1), duel(2))
    assert (found.failures, found.ties, found.outcomes.height) == (1, 1, 2)


def test_the_judge_is_asked_for_what_was_owed_and_calls_are_compared(client, endpoint) -> None:
    endpoint.answer = lambda body: json.dumps({"reason": "so", "gives": "fifty-eight" in shown(body, "answer")})
    prompt = ({"role": "user", "content": "How much is it?"},)
    site = Site(dt.date(2026, 1, 5), "c1", "u1", "refund", 1, "hallucination", prompt, DialogueAction(reply="99."))
    fact, action = (
        Owed("facts", "log", facts=("58",)),
        Owed("action", "log", action=Action(name="find", arguments={"order": 1})),
    )
    outputs = [
        (site, DialogueAction(reply="It is fifty-eight."), fact),
        (site, DialogueAction(reply="Okay."), fact),
        (site, DialogueAction(action=Action(name="find", arguments={"order": 1})), action),
        (site, DialogueAction(reply="I found it: fifty-eight."), action),
    ]
    assert by_endpoint(client, NOTHING, outputs) == [
        None, "does not do what was owed (state 58): so", None, 'does not do what was owed: call find with {"order": 1}',
    ]  # fmt: skip
    asked = [body["messages"][-1]["content"] for body in endpoint.requests]
    assert len(asked) == 2
    assert all("state 58" in text and "99." not in text and "hallucination" not in text for text in asked)
    assert by_endpoint(client, NOTHING, outputs[2:3]) == [None]


def test_a_judge_that_cannot_be_read_refuses_with_the_reason(client, endpoint) -> None:
    endpoint.answer = lambda _: "no JSON"
    prompt = ({"role": "user", "content": "How much is it?"},)
    site = Site(dt.date(2026, 1, 5), "c1", "u1", "refund", 1, "hallucination", prompt, DialogueAction(reply="99."))
    found = by_endpoint(client, NOTHING, [(site, DialogueAction(reply="58."), Owed("facts", "log", facts=("58",)))])
    assert found[0] is not None
    assert found[0].startswith("the judge gave no answer: unparsable")


def test_only_turns_at_which_the_models_differ_are_judged() -> None:
    rows = [
        {"model": m, "source": s, "episode": e, "turn": 1, "user_id": "u", "scenario": "s", "raw": raw}
        for m, s, e, raw in (
            ("old", "site", "c1#1", "a"), ("new", "site", "c1#1", "b"), ("old", "site", "c2#1", "a"),
            ("new", "site", "c2#1", "a"),
            ("old", "dialogue", "c3", "a"), ("new", "dialogue", "c3", "b"), ("old", "dialogue", "c4", "a"),
        )
    ]  # fmt: skip
    prompts = {name: [{"role": "user", "content": "Hi"}] for name in ("c1#1", "c2#1", "c3#1", "c4#1")}
    found = duels(prompts, pl.DataFrame(rows), "old", "new", 10)
    assert sorted(each.episode for each in found) == ["c1#1", "c3#1"]
    assert len(duels(prompts, pl.DataFrame(rows), "old", "new", 1)) == 1


def conversations() -> pl.DataFrame:
    call = {"id": "k1", "name": "refund", "arguments": '{"order": 7}'}
    messages = [
        {"role": "user", "content": "My soup was cold."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": '{"amount": 23}', "tool_call_id": "k1"},
        {"role": "assistant", "content": "You get 23 dollars."},
        {"role": "user", "content": "Great."},
    ]
    at = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    rows = [
        {"dt": dt.date(2026, 1, 5), "conversation_id": f"c-{user}", "user_id": user, "channel": "chat", "scenario": "refund",
         "model": "m", "started_at": at, "ended_at": at, "messages": messages, "redactions": 0,
         "source_file": "f", "source_line": 1}
        for user in (HELD_OUT, TRAINED)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema={k: v for k, v in CONVERSATIONS.columns.items() if k in rows[0]})


def customer(body: dict[str, Any]) -> str:
    """Opens, gives the number when asked, and is satisfied when told the amount."""
    said = shown(body, "conversation") if "<conversation>\n\n" not in body["messages"][-1]["content"] else ""
    if "23 dollars" in said:
        turn = {"message": "Thanks!", "state": "over", "solved": True, "mood": "satisfied"}
    elif said.count("assistant") > 2:
        turn = {"message": "Useless.", "state": "over", "solved": False, "mood": "dissatisfied"}
    else:
        turn = {"message": "Cold soup, order 7.", "state": "continue", "solved": False, "mood": "neutral"}
    return json.dumps(turn)


def test_played_customers_meet_every_model_alike_and_say_how_they_were_served(client, endpoint) -> None:
    endpoint.answer = customer
    world = LlmCustomers(dt.date(2026, 1, 5), client, conversations())
    good = StandIn({1: act("refund", order=7), 3: reply("You get 23 dollars.")})
    bad = StandIn({1: reply("Hm."), 3: reply("Hm."), 5: reply("Hm.")})
    one, other = (world.evaluate(engine, model=name, count=3, seed=2) for engine, name in ((good, "new"), (bad, "old")))
    shape = ("episode", "user_id", "solve_rate", "usm1", "usm2", "rr", "format_validity")
    assert one.select(shape).rows() == [(f"c-{HELD_OUT}#{i}", HELD_OUT, 1.0, 0.0, 1.0, 0.0, 1.0) for i in range(3)]
    assert other.select(shape).rows() == [(f"c-{HELD_OUT}#{i}", HELD_OUT, 0.0, 1.0, 0.0, 1.0, 1.0) for i in range(3)]
    assert '{"amount": 23}' in [m["content"] for m in good.prompts[-1] if m["role"] == "tool"]


def test_an_endpoint_that_fails_leaves_the_episode_out_of_every_metric(client, endpoint) -> None:
    endpoint.answer = lambda _: "no JSON"
    world = LlmCustomers(dt.date(2026, 1, 5), client, conversations())
    row = world.evaluate(StandIn({}), model="m", count=1, seed=0).row(0, named=True)
    assert (row["solve_rate"], row["usm1"], row["rr"]) == (None, None, None)
    with pytest.raises(SettingsError, match="no held-out conversation"):
        LlmCustomers(dt.date(2026, 1, 5), client, conversations().filter(user_id=TRAINED))


def test_a_tool_that_the_real_conversation_did_not_call_is_not_available(client) -> None:
    (played,) = LlmCustomers(dt.date(2026, 1, 5), client, conversations()).episodes(1, 0)
    assert not played.answer(act("refund", order=8))
    assert played.chat[-1]["content"] == '{"error": "not available"}'
    assert played.answer(DialogueAction(reply="Sorry.").to_json())
