"""Where a Bad Case is rewritten: at the turn of an accepted finding, with everything before it as the prompt."""

import datetime as dt
from typing import Any

import polars as pl

from wow_flywheel.contracts import REWRITE_EDITS
from wow_flywheel.dialogue import Action, DialogueAction, Message, ToolCall
from wow_flywheel.pairs.build import Sources, build_pairs
from wow_flywheel.pairs.sites import Site, find_sites
from wow_flywheel_tests.unit.cases.rows import a_case, cases, claim, conversations, inspections
from wow_flywheel_tests.unit.inspection.talk import KNOWLEDGE, PROCEDURES, agent, call, tool, user

UNITS, STEPS = pl.DataFrame(schema=KNOWLEDGE), pl.DataFrame(schema=PROCEDURES)

TALK: list[Message] = [
    user("Refund order 31."),
    call("find", order=31),
    tool(order=31, fee=5),
    agent("You get 45."),
    user("Why 45?"),
    agent("You get 45."),
]


def sites(*claims: dict[str, Any], label: str = "bad", messages: list[Message] | None = None) -> list[Site]:
    talk = conversations("a", messages=TALK if messages is None else messages)
    return find_sites(cases(a_case(label)), talk, inspections(*claims))


def test_the_prompt_is_everything_before_the_turn_that_went_wrong() -> None:
    (site,) = sites(claim("hallucination", "major", 3))
    assert [(m["role"], m["content"]) for m in site.prompt] == [(m["role"], m["content"]) for m in TALK[:3]]
    assert site.prompt[1]["tool_calls"] == TALK[1]["tool_calls"]
    assert site.said == DialogueAction(reply="You get 45.")
    assert (site.pair_id, site.user_id, site.scenario, site.issue_type) == ("a#3", "u1", "refund", "hallucination")


def test_a_wrong_call_is_a_site_as_well() -> None:
    (site,) = sites(claim("unclarified_demand", "major", 1))
    assert site.said == DialogueAction(action=Action(name="find", arguments={"order": 31}))


def test_only_bad_cases_are_rewritten() -> None:
    for label in ("good", "failed", "review"):
        assert sites(claim("hallucination", "major", 3), label=label) == []


def test_only_accepted_findings_that_matter_make_a_site() -> None:
    assert sites(claim("hallucination", "major", 3, decision="rejected")) == []
    assert sites(claim("hallucination", "major", 3, decision="unresolved")) == []
    assert sites(claim("hallucination", "minor", 3)) == []
    assert len(sites(claim("hallucination", "critical", 3))) == 1


def test_the_most_severe_and_surest_finding_names_the_issue_of_a_turn() -> None:
    sure = claim("script_repetition", "major", 5) | {"confidence": 0.99}
    unsure = claim("hallucination", "major", 5) | {"confidence": 0.6}
    assert [site.issue_type for site in sites(sure, unsure)] == ["script_repetition"]
    assert [site.issue_type for site in sites(sure, unsure, claim("poor_empathy", "critical", 5))] == ["poor_empathy"]


def test_turns_that_no_model_said_are_left_out() -> None:
    assert (
        sites(claim("hallucination", "major", 0), claim("hallucination", "major", 2), claim("hallucination", "major", 99)) == []
    )
    greeting = [agent("Buy our lamp!"), user("No."), agent("Buy it!")]
    assert [site.turn for site in sites(*(claim("poor_empathy", "major", turn) for turn in (0, 2)), messages=greeting)] == [2]


def test_a_conversation_gives_three_sites_at_most_the_earliest() -> None:
    long = [user("Hi."), *(agent(f"No {i}.") for i in range(5))]
    claims = [claim("poor_empathy", "major", turn) for turn in (5, 4, 3, 2, 1)]
    assert [site.turn for site in sites(*claims, messages=long)] == [1, 2, 3]


def test_an_id_that_comes_again_on_another_day_is_another_conversation() -> None:
    later = dt.date(2026, 3, 3)
    first, second = (conversations("a", messages=[user(words), agent("No.")]) for words in ("Day one?", "Day two?"))
    labels = pl.concat([cases(a_case("bad")), cases(a_case("good")).with_columns(dt=pl.lit(later))])
    both = pl.concat([first.with_columns(dt=pl.lit(labels["dt"][0])), second.with_columns(dt=pl.lit(later))])
    found = find_sites(labels, both, inspections(claim("hallucination", "major", 1)))
    assert [(site.dt, site.prompt[0]["content"]) for site in found] == [(labels["dt"][0], "Day one?")]


def test_an_edit_of_a_later_parallel_call_replaces_that_call() -> None:
    made: list[ToolCall] = [
        {"id": "c1", "name": "find", "arguments": '{"order": 31}'},
        {"id": "c2", "name": "refund", "arguments": '{"order": 77}'},
    ]
    talk = conversations("a", messages=[user("Refund 31."), {"role": "assistant", "content": None, "tool_calls": made}])
    right = DialogueAction(action=Action(name="refund", arguments={"order": 31}))
    identity = {"dt": talk["dt"][0], "conversation_id": "a", "turn": 1, "issue_type": "action_mismatch", "decided_by": "ana"}
    row = identity | {"chosen": right.to_json(), "decided_at": dt.datetime(2026, 3, 4, tzinfo=dt.UTC), "note": None}
    edits = pl.DataFrame([row], schema=REWRITE_EDITS.columns)
    labels = cases(a_case("bad")).with_columns(dt=pl.lit(talk["dt"][0]))
    (where,) = find_sites(labels, talk, inspections(claim("hallucination", "major", 9)).clear(), edits)
    assert (where.call, where.said.action) == (1, Action(name="refund", arguments={"order": 77}))
    done = build_pairs(labels, talk, inspections(claim("hallucination", "major", 9)).clear(), talk.clear(), UNITS, STEPS,
                       sources=Sources(edits))  # fmt: skip
    assert done.pairs.select("chosen", "source").rows() == [(right.to_json(), "person")]
