"""All rules together: the shape of what they find, that order does not matter, and that no text stops them."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wow_flywheel.contracts import CONVERSATIONS, RULE_FINDINGS
from wow_flywheel.dialogue import Message
from wow_flywheel.rules.engine import find
from wow_flywheel.rules.registry import load_rules
from wow_flywheel_tests.effort import examples
from wow_flywheel_tests.unit.inspection.talk import NOON, agent, call, day, tool, user
from wow_flywheel_tests.unit.rules.talk import findings, procedure, raw_call, said, units
from wow_flywheel_tests.unit.rules.test_each_rule import SAMPLES

TALKS = [talk for sample in SAMPLES for talk in (*(planted.messages for planted in sample.planted), *sample.clean)]
KNOWLEDGE = units(unit for sample in SAMPLES for unit in sample.knowledge)
PROCEDURE = procedure(step for sample in SAMPLES for step in sample.steps)
ANGRY = [
    user("This is terrible!"),
    agent("Calm down. Which day?"),
    user("Friday."),
    agent("Calm down. Which day?"),
    user("You did not answer."),
    agent("Let me check."),
]


@pytest.fixture(scope="module")
def found() -> pl.DataFrame:
    """What the rules find in all samples of `test_each_rule` as one day."""
    return find(day(*TALKS), KNOWLEDGE, PROCEDURE)


def test_an_empty_day_has_no_findings_in_the_tables_shape() -> None:
    rows = find(CONVERSATIONS.empty(), KNOWLEDGE, PROCEDURE)
    assert rows.is_empty()
    assert rows.schema == pl.Schema(RULE_FINDINGS.columns)


@pytest.mark.parametrize("messages", [[], [user("Hi")], [user("")], [call("look")], [tool(ok=False)]])
def test_conversations_in_which_nobody_replies_have_no_findings(messages: list[Message]) -> None:
    rows = findings(messages, messages)
    assert rows.is_empty()
    assert rows.schema == pl.Schema(RULE_FINDINGS.columns)


def test_the_findings_of_one_conversation_by_hand() -> None:
    assert findings(ANGRY).select("turn", "rule_id", "issue_type", "severity", "quote", "evidence").rows() == [
        (1, "blaming", "poor_empathy", "major", "Calm down", "blaming words"),
        (1, "no_apology", "poor_empathy", "major", "Calm down. Which day?", "the user was upset at turn 0"),
        (3, "asked_twice", "unclarified_demand", "minor", "Calm down. Which day?", "first asked at turn 1"),
        (3, "blaming", "poor_empathy", "major", "Calm down", "blaming words"),
        (
            3, "pushed_back", "incomplete_solution", "major", "Calm down. Which day?",
            "the user answers at turn 4 that it did not help",
        ),
        (3, "repeated_reply", "script_repetition", "major", "Calm down. Which day?", "same as turn 1"),
        (5, "promise_left_open", "incomplete_solution", "minor", "Let me check.", "nothing follows the promise"),
    ]  # fmt: skip


def test_each_finding_carries_the_day_and_scenario_of_its_conversation() -> None:
    two = day(ANGRY, ANGRY).with_columns(scenario=pl.Series(["hotel", "taxi"]))
    rows = find(two, KNOWLEDGE, PROCEDURE)
    assert rows["dt"].unique().to_list() == [NOON.date()]
    assert set(rows.select("conversation_id", "scenario").rows()) == {("talk-0", "hotel"), ("talk-1", "taxi")}


def test_findings_fit_their_contract_and_are_sorted(found: pl.DataFrame) -> None:
    assert RULE_FINDINGS.conform(found).equals(found)
    assert found.sort("conversation_id", "turn", "rule_id", "quote").equals(found)


def test_findings_carry_what_their_rules_header_says(found: pl.DataFrame) -> None:
    header = {(rule.rule_id, rule.version, rule.issue_type, rule.severity) for rule in load_rules()}
    assert set(found.select("rule_id", "rule_version", "issue_type", "severity").rows()) == header


def test_each_quote_stands_in_its_turn_and_each_finding_says_why(found: pl.DataFrame) -> None:
    strange = [
        (rule, quote)
        for rule, key, turn, quote in found.select("rule_id", "conversation_id", "turn", "quote").rows()
        if quote not in said(TALKS[int(key.removeprefix("talk-"))][turn])
    ]
    assert strange == []
    assert found["evidence"].fill_null("").str.len_chars().min() > 0


def test_parallel_calls_are_told_the_same_in_any_order() -> None:
    def made(*calls: Message) -> Message:
        return {"role": "assistant", "content": None, "tool_calls": [each["tool_calls"][0] for each in calls]}

    broken = raw_call("find", "x"), raw_call("look", "y", "c2")
    guessed = call("refund", order=147), call("cancel", "c2", order=147)
    columns = ("rule_id", "turn", "quote", "evidence")
    one, other = (findings([user("Hi."), made(*calls)]).select(columns).rows() for calls in (broken, broken[::-1]))
    assert one == other == [("malformed_arguments", 1, name, "arguments are not a JSON object") for name in ("find", "look")]
    one, other = (findings([user("Hi."), made(*calls)]).select(columns).rows() for calls in (guessed, guessed[::-1]))
    assert one == other == [("guessed_argument", 1, "147", "argument of cancel that nobody named")]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_the_input_does_not_matter(found: pl.DataFrame, seed: int) -> None:
    shuffled = (table.sample(fraction=1, shuffle=True, seed=seed) for table in (day(*TALKS), KNOWLEDGE, PROCEDURE))
    assert find(*shuffled).equals(found)


def test_other_conversations_change_no_finding_save_for_skipped_steps(found: pl.DataFrame) -> None:
    whole = day(*TALKS)
    halves = [find(half, KNOWLEDGE, PROCEDURE) for half in (whole[: len(TALKS) // 2], whole[len(TALKS) // 2 :])]
    alone = pl.concat(halves).filter(pl.col("rule_id") != "skipped_step")
    together = found.filter(pl.col("rule_id") != "skipped_step")
    assert alone.sort("conversation_id", "turn", "rule_id", "quote").equals(together)


ODD = [
    "", " ", "\n", "?", "？", "'", '"', "'; DROP TABLE turns; --", "$blame", "{{x}}", "\\", "\\p{Han}", "(?i)", "[", "%s",
    "\x00", "\u202e", "🤷‍♀️" * 50, "9" * 400, "9" * 34, "1,2,3.4.5", "0" * 38, "İstanbul ß", "气" * 3000, "sorry " * 4000,
    "请问是哪一天？", "<PHONE_1>",
]  # fmt: skip
TEXT = (
    st.sampled_from(ODD) | st.text(max_size=60) | st.lists(st.sampled_from(ODD) | st.text(max_size=9), max_size=5).map("".join)
)
JSON = st.dictionaries(
    st.sampled_from(["name", "city", "$name", "a.b/~city", "n", "", "地址"]),
    TEXT | st.integers() | st.none() | st.lists(TEXT, max_size=2),
)
ARGUMENTS = TEXT | JSON.map(json.dumps) | st.sampled_from(["{}", "[]", "null", '{"name": ', "[" * 5000])
CALLS = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from(["c1", "c2", ""]), "name": TEXT, "arguments": ARGUMENTS}), max_size=2
)
MESSAGE = st.one_of(
    TEXT.map(user),
    TEXT.map(agent),
    st.fixed_dictionaries({"role": st.just("assistant"), "content": st.none() | TEXT, "tool_calls": CALLS}),
    st.fixed_dictionaries({"role": st.just("assistant"), "content": TEXT, "action": TEXT}),
    st.fixed_dictionaries(
        {"role": st.just("tool"), "content": TEXT, "tool_call_id": st.none() | st.sampled_from(["c1", "c2"])}
    ),
)


@given(
    talks=st.lists(st.lists(MESSAGE, max_size=6), min_size=1, max_size=4),
    knowledge=st.lists(TEXT, max_size=2),
    steps=st.lists(st.tuples(TEXT, TEXT), max_size=2),
)
@settings(max_examples=examples(30), deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_no_text_stops_the_rules(talks: list[Any], knowledge: list[str], steps: list[tuple[str, str]]) -> None:
    rows = findings(*talks, knowledge=knowledge, steps=steps)
    assert RULE_FINDINGS.conform(rows).equals(rows)
    for key, turn in rows.select("conversation_id", "turn").rows():
        assert talks[int(key.removeprefix("talk-"))][turn]["role"] != "system"
