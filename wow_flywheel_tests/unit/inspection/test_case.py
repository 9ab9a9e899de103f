"""What the panel is shown of the policies that applied, and whom it asks."""

import dataclasses
import json

import polars as pl

from wow_flywheel.inspection.answers import Contradicted, PanelClaim, problem
from wow_flywheel.inspection.case import SPECIALISTS, Case, cases
from wow_flywheel.inspection.evidence import gather
from wow_flywheel.inspection.outcome import conclude
from wow_flywheel.inspection.protocol import InspectionContext
from wow_flywheel.policies.apply import Applied
from wow_flywheel.policies.units import Policy, parse_unit
from wow_flywheel_tests.unit.inspection.talk import PROCEDURES, agent, user
from wow_flywheel_tests.unit.inspection.test_cascade import context

TALK = [user("Refund, please."), agent("You get it today.")]
UNIT = parse_unit({"text": "A refund takes three days.", "forbidden_promises": ["a refund today"]}, "refund-time", "r.yaml")
GRAPH = Policy("returns", ("returns",), "returns", "Send it back.", ("ask", "send"), (), (), None, None, "1")
STEPS = pl.DataFrame(
    [("returns", "returns", "ask", "Which order?", "send"), ("refund", "refund", "verify", "Who are you?", None)],
    schema=PROCEDURES,
    orient="row",
)


def case(**applied: Applied) -> Case:
    return seen(dataclasses.replace(context(TALK), procedures=STEPS, applied=applied))


def seen(given: InspectionContext) -> Case:
    claims = gather(given)
    return cases(given, claims, conclude(given, claims), 16_000)[0]


def shown(one: Case) -> list[dict[str, object]]:
    return [json.loads(line) for line in one.materials["procedure"].splitlines()]


def test_exactly_what_applied_is_shown_and_can_be_cited() -> None:
    one = case(**{"talk-0": Applied("refund", (UNIT, GRAPH))})
    assert shown(one) == [
        {
            "policy_id": "refund-time",
            "title": "refund-time",
            "text": "A refund takes three days.",
            "forbidden_promises": ["a refund today"],
        },
        {"reply_id": "ask", "text": "Which order?", "next_reply_id": "send"},
    ]
    assert one.specialists == tuple(SPECIALISTS)
    claim = {"issue_type": "policy_violation", "severity": "major", "turn": 1, "quote": "today", "explanation": ""}
    for cited, wrong in (("refund-time", None), ("ask", None), ("verify", "it cites procedure verify, which is not there")):
        against = {"contradicts": Contradicted(source="procedure", id=cited), "confidence": 1}
        assert problem(TALK, PanelClaim.model_validate(claim | against), one.shown) == wrong


def test_where_no_policy_applied_nothing_is_shown_and_its_specialist_is_not_asked() -> None:
    for one in (case(**{"talk-0": Applied("unknown", ())}), case()):
        assert shown(one) == []
        assert set(SPECIALISTS) - set(one.specialists) == {"policy"}


def test_without_matches_the_procedure_of_the_logged_scenario_is_shown_as_before() -> None:
    one = seen(dataclasses.replace(context(TALK), procedures=STEPS))
    assert [row["reply_id"] for row in shown(one)] == ["verify"]
    assert one.specialists == tuple(SPECIALISTS)
