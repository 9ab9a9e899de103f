"""A rewrite is held to the policies that applied to its conversation, by a panel that rules only on what it is shown."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.inspection.panel import Panel
from wow_flywheel.llm.client import LlmClient
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import find_sites
from wow_flywheel.pairs.verify import Standards, Verifier
from wow_flywheel.policies.apply import Applied
from wow_flywheel.policies.units import parse_unit
from wow_flywheel_tests.integration.faulty_endpoint import Body, FaultyEndpoint
from wow_flywheel_tests.integration.panel_world import SHOWN
from wow_flywheel_tests.unit.cases.rows import a_case, cases, claim, inspections
from wow_flywheel_tests.unit.inspection.talk import KNOWLEDGE, PROCEDURES, agent, day, user

PROMISE = "a refund on the same day"
UNIT = parse_unit({"text": "A refund takes 3 days.", "forbidden_promises": [PROMISE]}, "refund-time", "r.yaml")
UNITS, STEPS = pl.DataFrame(schema=KNOWLEDGE), pl.DataFrame(schema=PROCEDURES)
BAD = day([user("When do I get my money back?"), agent("Calm down.")]).with_columns(conversation_id=pl.lit("a"))
SITES = find_sites(cases(a_case("bad")), BAD, inspections(claim("poor_empathy", "major", 1)))


def reads_what_it_is_shown(body: Body) -> str:
    """The policy specialist finds a reply that makes a promise shown as forbidden, and nothing that is shown otherwise."""
    prompt = body["messages"][-1]["content"]
    rows = [json.loads(row) for row in SHOWN.findall(prompt)]
    if "You are the adjudicator" in prompt:
        rulings = [{"claim": row["claim"], "accepted": True, "reason": "it is forbidden"} for row in rows if "claim" in row]
        citations: list[dict[str, Any]] = []
        return json.dumps(
            {"rulings": rulings, "citations": citations, "solved": 0.5, "satisfied": 0.5, "confidence": 0.9, "reason": "so"}
        )
    if "One turn of the assistant is withheld" in prompt:
        return json.dumps({"proven": False, "reason": "the words are withheld"})
    if "is policy_violation" not in prompt:
        return json.dumps({"claims": []})
    forbidden = [(row["policy_id"], promise) for row in rows for promise in row.get("forbidden_promises", [])]
    turns = [row for row in rows if row.get("role") == "assistant"]
    broken = [(turn["turn"], key, promise) for turn in turns for key, promise in forbidden if promise in turn["content"]]
    return json.dumps({"claims": [_claim(*each) for each in broken]})


def _claim(turn: int, policy: str, promise: str) -> dict[str, Any]:
    return {
        "issue_type": "policy_violation", "severity": "major", "turn": turn, "quote": promise, "confidence": 0.9,
        "explanation": "the refund rule forbids this promise", "contradicts": {"source": "procedure", "id": policy},
    }  # fmt: skip


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[Panel]:
    with FaultyEndpoint(reads_what_it_is_shown) as endpoint:
        yield Panel(LlmClient(LlmSettings(endpoint.base_url, "judge"), Ledger.at(str(tmp_path))))


def verdict(panel: Panel, reply: str, standards: Standards) -> str | None:
    verifier = replace(Verifier(BAD, UNITS, STEPS, panel), standards=standards)
    return verifier.verdicts([(site, Candidate(DialogueAction(reply=reply), "endpoint", "e")) for site in SITES])[0]


def test_a_rewrite_with_a_forbidden_promise_is_refused(panel: Panel) -> None:
    held = Standards({"a": Applied("refund", (UNIT,))})
    assert verdict(panel, f"I am sorry. You get {PROMISE}.", held) == "re-inspection finds a new policy_violation"
    assert verdict(panel, "I am sorry. A refund takes 3 days.", held) is None


def test_another_conversations_policies_do_not_bind_it(panel: Panel) -> None:
    other = Standards({"b": Applied("refund", (UNIT,))})
    assert verdict(panel, f"I am sorry. You get {PROMISE}.", other) is None
