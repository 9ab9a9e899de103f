"""Pairs by an endpoint over HTTP: rewriting, panel, blind comparison in both orders, thoughts; one refusal a stage."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.llm.client import LlmClient
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.pairs.build import Pairs, Sources, build_pairs
from wow_flywheel.pairs.rewrite import Sampling
from wow_flywheel_tests.integration.faulty_endpoint import FaultyEndpoint
from wow_flywheel_tests.unit.cases.rows import a_case, cases, claim, inspections
from wow_flywheel_tests.unit.inspection.talk import KNOWLEDGE, PROCEDURES, agent, call, day, tool, user

UNITS, STEPS = pl.DataFrame(schema=KNOWLEDGE), pl.DataFrame(schema=PROCEDURES)
REPLIES = {0.0: "It costs 58 dollars.", 0.7: "It costs 45 dollars.", 1.0: "The price is 58 dollars."}
"""By temperature; the second is what was said."""
Row = tuple[str, str, str]


class Judge:
    """Answers as a sound judge does, unless one kind of question is to be answered otherwise.

    Attributes:
        otherwise: By the kind of question, what is answered instead.
        sides: Under which letter the rewrite stood in each comparison.
    """

    def __init__(self, thought: str = "", **otherwise: Any) -> None:
        self.thought, self.otherwise = thought, otherwise
        self.sides: list[str] = []

    def __call__(self, body: dict[str, Any]) -> str:
        prompt: str = body["messages"][-1]["content"]
        kinds: tuple[tuple[str, str, Callable[[], Any]], ...] = (
            ("Write what the assistant should have said", "rewrite", lambda: self._rewrite(body["temperature"])),
            ("You are the adjudicator", "adjudicate",
             lambda: {"rulings": [], "solved": 0.9, "satisfied": 0.9, "confidence": 0.9, "reason": "x"}),
            ("A and B are two things", "compare", lambda: self._compare(prompt)),
            ("For each, in order", "steps", lambda: {"steps": [{"supported": True, "quote": '"price": 58'}]}),
            ("Draw the conclusion", "conclude", lambda: {"reply": "58 dollars.", "action": None}),
            ("withheld", "withheld", lambda: {"proven": False, "reason": "x"}),
            ("", "claims", lambda: {"claims": []}),
        )  # fmt: skip
        kind, usual = next((kind, usual) for words, kind, usual in kinds if words in prompt)
        answer = usual()
        return json.dumps(self.otherwise.get(kind, answer))

    def _rewrite(self, temperature: float) -> dict[str, Any]:
        thought = {"thought": self.thought} if self.thought else {}
        return {**thought, "reply": REPLIES[temperature], "action": None}

    def _compare(self, prompt: str) -> dict[str, Any]:
        mine = "A" if "58" in prompt.split("<A>")[1].split("</A>", maxsplit=1)[0] else "B"
        self.sides.append(mine)
        sides = {name.lower(): {"issues": [] if name == mine else ["hallucination"], "grounded": name == mine} for name in "AB"}
        return {**sides, "better": self.otherwise.get("better", mine)}


def built(judge: Judge, folder: Path, orders: int = 1) -> Pairs:
    talks = [
        [user(f"How much is order {n}?"), call("find", order=n), tool(order=n, price=58), agent("It costs 45 dollars.")]
        for n in range(31, 31 + orders)
    ]
    conversations = day(*talks)
    ids = conversations["conversation_id"].to_list()
    labels = cases(*(a_case("bad", each) for each in ids))
    claims = inspections(*(claim("hallucination", "major", 3, conversation_id=each) for each in ids))
    sampling = Sampling(thoughts=bool(judge.thought))
    with FaultyEndpoint(judge) as endpoint:
        client = LlmClient(LlmSettings(endpoint.base_url, "judge"), Ledger.at(str(folder)))
        sources = Sources(client=client, sampling=sampling)
        return build_pairs(labels, conversations, claims, conversations.clear(), UNITS, STEPS, sources=sources)


def stages(done: Pairs) -> list[Row]:
    return done.candidates.select(pl.col("candidate").str.json_path_match("$.reply"), "stage", "reason").rows()


def test_one_sample_a_temperature_and_the_best_is_verified_by_panel_and_comparison(tmp_path: Path) -> None:
    done = built(Judge(), tmp_path)
    assert [(reply, stage) for reply, stage, _ in stages(done)] == [
        ("It costs 58 dollars.", "pair"), ("It costs 45 dollars.", "same as said"), ("The price is 58 dollars.", "not needed"),
    ]  # fmt: skip
    assert done.pairs["verified_by"].to_list() == ["rules+evidence+panel+comparison"]


def test_the_comparison_sees_the_rewrite_on_either_side(tmp_path: Path) -> None:
    judge = Judge()
    built(judge, tmp_path, orders=8)
    assert set(judge.sides) == {"A", "B"}


def test_a_tie_is_refused_and_the_next_rewrite_is_asked_about(tmp_path: Path) -> None:
    done = built(Judge(better="neither"), tmp_path)
    refused = [(stage, reason) for _, stage, reason in stages(done) if stage == "comparison"]
    assert refused == [("comparison", "the blind comparison prefers neither side")] * 2
    assert done.pairs.is_empty()


def test_a_thought_is_checked_forward_and_back_and_stays_out_of_the_pair(tmp_path: Path) -> None:
    done = built(Judge("The price of order 31 is 58."), tmp_path)
    (chosen,) = done.pairs["chosen"]
    assert json.loads(chosen) == {"knowledge": [], "reply": "It costs 58 dollars.", "action": None}
    assert '"thought":"The price of order 31 is 58."' in done.candidates.filter(stage="pair")["candidate"].item()


@pytest.mark.parametrize(
    ("judge", "stage", "reason"),
    [
        (Judge(rewrite={"reply": None, "action": None}), "malformed",
         "it is no valid output, or neither says nor does anything"),
        (Judge(rewrite={"reply": "It costs 31 dollars.", "action": None}), "grounds", "says 31 as money, but it is name"),
        (Judge(rewrite={"reply": "It costs 77 dollars.", "action": None}), "re-inspection",
         "re-inspection still finds hallucination"),
        (Judge("The price of order 31 is 99."), "thought", "step 1 of its thought has 99, which nothing gives"),
        (Judge("The price of order 31 is 58.", steps={"steps": [{"supported": False, "quote": ""}]}), "thought",
         "step 1 of its thought is not in the input"),
        (Judge("The price of order 31 is 58.", conclude={"reply": "It is 31.", "action": None}), "thought",
         "its thought leads to other facts: 31, 58"),
    ],
)  # fmt: skip
def test_each_stage_refuses_what_fails_it(judge: Judge, stage: str, reason: str, tmp_path: Path) -> None:
    done = built(judge, tmp_path)
    assert (stage, reason) in {(found, why) for _, found, why in stages(done)}
    assert done.pairs.is_empty()
