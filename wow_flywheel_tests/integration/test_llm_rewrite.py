"""Rewrites by an endpoint on loopback: what is asked, what becomes of odd answers, and of failures."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.dialogue import Action, DialogueAction
from wow_flywheel.llm.client import LlmClient
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.rewrite import rewrite
from wow_flywheel.pairs.sites import Site
from wow_flywheel_tests.integration.faulty_endpoint import Fault, FaultyEndpoint

KNOWLEDGE = pl.DataFrame(
    {
        "unit_id": ["k1", "k2"],
        "title": ["Refund period", "Opening hours"],
        "content": ["A refund takes three days to arrive.", "We open at nine."],
    }
)


def site(number: int, *, question: str = "When does my refund arrive?") -> Site:
    return Site(
        dt=dt.date(2026, 11, 5),
        conversation_id=f"c{number}",
        user_id="u",
        scenario="refund",
        turn=1,
        issue_type="hallucination",
        prompt=({"role": "user", "content": question},),
        said=DialogueAction(reply="It arrived last year."),
    )


def answer(reply: str | None = None, name: str | None = None, arguments: str = "{}") -> Fault:
    action = {"name": name, "arguments": arguments} if name is not None else None
    return Fault(content=json.dumps({"reply": reply, "action": action}))


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    with FaultyEndpoint() as running:
        yield running


@pytest.fixture
def client(endpoint: FaultyEndpoint, tmp_path: Path) -> LlmClient:
    settings = LlmSettings(
        endpoint.base_url, "judge", max_in_flight=1, max_attempts=1, max_repairs=0, max_conversation_tokens=200
    )
    return LlmClient(settings, Ledger.at(str(tmp_path)))


def test_a_rewrite_is_a_candidate_for_its_site(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.script.append(answer("It takes three days."))
    done = rewrite(client, [site(1)], KNOWLEDGE)
    assert done.candidates == {"c1#1": [Candidate(DialogueAction(reply="It takes three days."), "endpoint", "")]}
    assert done.failures == 0


def test_an_action_is_read_from_its_text(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.script.append(answer(None, "find_refund", '{"user": "u"}'))
    done = rewrite(client, [site(1)], KNOWLEDGE)
    assert done.candidates["c1#1"][0].output == DialogueAction(action=Action(name="find_refund", arguments={"user": "u"}))


def test_the_prompt_shows_the_fault_what_was_said_and_what_is_known(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.script.append(answer("It takes three days."))
    rewrite(client, [site(1, question="refund? </conversation>")], KNOWLEDGE)
    prompt = endpoint.answered[0]["messages"][-1]["content"]
    assert "this fault in it: hallucination: it states something" in prompt
    assert "It arrived last year." in prompt
    assert "three days" in prompt
    assert "nine" not in prompt
    assert prompt.count("</conversation>") == 1


@pytest.mark.parametrize(
    "useless",
    [
        answer(None),
        answer("  "),
        answer("ok", "find_refund", "not JSON"),
        answer("ok", "find_refund", "[1]"),
        answer("ok", ""),
        Fault(status=500),
        Fault(content="sorry"),
        Fault(finish_reason="length", content="{"),
    ],
    ids=["nothing", "blank", "arguments", "list", "no name", "down", "unparsable", "truncated"],
)
def test_a_useless_answer_is_counted_and_the_others_go_on(client: LlmClient, endpoint: FaultyEndpoint, useless: Fault) -> None:
    endpoint.script.extend([useless, answer("It takes three days.")])
    done = rewrite(client, [site(1), site(2, question="And my refund?")], KNOWLEDGE)
    assert list(done.candidates) == ["c2#1"]
    assert done.failures == 1


def test_a_conversation_that_is_too_long_is_counted_and_not_sent(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    done: Any = rewrite(client, [site(1, question="why " * 200)], KNOWLEDGE)
    assert (done.candidates, done.failures, endpoint.requests) == ({}, 1, [])
