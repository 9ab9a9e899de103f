"""Inspecting a day: tables, counts, and how the panel's word joins the evidence's."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import polars as pl

from wow_flywheel.contracts import INSPECTIONS, VERDICTS
from wow_flywheel.inspection.panel import PanelResult
from wow_flywheel.inspection.protocol import Claim, InspectionContext, Verdict
from wow_flywheel_tests.unit.inspection.talk import agent, call, finding, run, tool, user

WRONG = [user("Refund order 7."), call("refund_order", order=7), tool(ok=True, amount=58), agent("You get 45 dollars.")]
FINE = [user("Refund order 8."), call("refund_order", order=8), tool(ok=True, amount=58), agent("You get 58 dollars.")]


@dataclasses.dataclass(frozen=True)
class ScriptedPanel:
    """Says what it is told: its verdicts, and its claims beside the evidence's."""

    verdicts: dict[str, Verdict]
    claims: Sequence[Claim] = ()
    cascade: None = None

    def plan(self, context: InspectionContext, claims: Sequence[Claim], verdicts: Mapping[str, Verdict]) -> None:
        return None

    def inspect(
        self, context: InspectionContext, claims: Sequence[Claim], verdicts: Mapping[str, Verdict], heard: Collection[str]
    ) -> PanelResult:
        assert context.conversations.height == context.turns["conversation_id"].n_unique() == len(heard)
        return PanelResult([*claims, *self.claims], self.verdicts, {"llm_calls": 3}, [])


def panel_claim(decision: str, quote: str) -> Claim:
    return Claim(
        "talk-0", "panel/empathy", "1", "llm", "poor_empathy", "major", 3, quote, "cold", 0.8,
        decision,  # type: ignore[arg-type]
        "as told", llm_model="judge", prompt_hash="abc", prompt_tokens=10, completion_tokens=5, cost_usd=0.1,
    )  # fmt: skip


def test_an_empty_day_gives_empty_tables() -> None:
    done = run()
    assert (done.inspections.height, done.verdicts.height) == (0, 0)
    assert done.inspections.columns == list(INSPECTIONS.columns)
    assert done.verdicts.columns == list(VERDICTS.columns)
    assert set(done.counts.values()) == {0}


def test_a_day_gives_one_verdict_a_conversation_and_every_claim_with_its_decision() -> None:
    findings = [
        finding("my_rule", "policy_violation", 3, "You get", "talk-1"),
        finding("my_rule", "hallucination", 3, "58", "talk-1"),
        finding("my_rule", "knowledge_misuse", 3, "58", "talk-1"),
        finding("my_rule", "hallucination", 3, "58", "gone"),
    ]
    done = run(WRONG, FINE, findings=findings)
    assert done.verdicts.select("conversation_id", "inspected_by").rows() == [("talk-0", "evidence"), ("talk-1", "evidence")]
    assert done.verdicts["failures"].to_list() == [[], []]
    assert set(done.inspections.select("conversation_id", "issue_type", "decision").rows()) == {
        ("talk-0", "hallucination", "accepted"),
        ("talk-1", "policy_violation", "unresolved"),
        ("talk-1", "knowledge_misuse", "unresolved"),
        ("talk-1", "hallucination", "rejected"),
    }
    assert set(done.inspections["kind"]) == {"deterministic"}
    assert done.counts == {
        "conversations": 2, "claims": 4, "accepted": 1, "rejected": 1, "unresolved": 2, "failures": 0,
    }  # fmt: skip


def test_the_panels_verdict_stands_in_the_table_and_the_evidences_where_it_gives_none() -> None:
    judged = Verdict("talk-0", 0.1, 0.2, 0.9, ("adjudicator: no",))
    done = run(WRONG, FINE, panel=ScriptedPanel({"talk-0": judged}))
    first, second = done.verdicts.rows(named=True)
    assert (first["solved_score"], first["satisfied_score"], first["confidence"]) == (0.1, 0.2, 0.9)
    assert first["evidence"] == ["adjudicator: no"]
    assert second["solved_score"] == run(FINE).verdicts["solved_score"][0]
    assert set(done.verdicts["inspected_by"]) == {"evidence+panel"}
    assert done.counts["llm_calls"] == 3


def test_the_panels_claims_stand_beside_the_evidences_and_an_accepted_one_outlives_a_rejected_one() -> None:
    claims = [panel_claim("rejected", "never said"), panel_claim("accepted", "You get 45")]
    rows = run(WRONG, panel=ScriptedPanel({}, claims)).inspections
    assert rows.select("inspector", "kind", "decision", "quote").rows() == [
        ("number_grounding", "deterministic", "accepted", "45"),
        ("panel/empathy", "llm", "accepted", "You get 45"),
    ]
    assert rows.filter(pl.col("kind") == "llm").select("llm_model", "prompt_hash", "cost_usd").row(0) == ("judge", "abc", 0.1)


def test_a_day_of_thousands_loses_none() -> None:
    assert run(*[WRONG, FINE] * 1500).counts["accepted"] == 1500
