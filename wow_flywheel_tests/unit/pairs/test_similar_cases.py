"""Which Good Cases and which procedure steps lend their words: the same point of the same scenario, a like need, no guess."""

import datetime as dt

import polars as pl
import pytest

from wow_flywheel.dialogue import Action, DialogueAction, Message
from wow_flywheel.pairs.candidates import GoodCases, point, procedure_candidates
from wow_flywheel.pairs.sites import Site
from wow_flywheel_tests.unit.inspection.talk import PROCEDURES, agent, call, day, tool, user

ASKED: list[Message] = [user("Where is my parcel?")]
FOUND: list[Message] = [*ASKED, call("find"), tool(ok=True)]


def site(prompt: list[Message], scenario: str = "refund") -> Site:
    said = DialogueAction(reply="I do not know.")
    return Site(dt.date(2026, 3, 2), "bad", "u", scenario, len(prompt), "hallucination", tuple(prompt), said)


def offered(prompt: list[Message], *good: list[Message]) -> list[DialogueAction]:
    """What Good Cases offer after the prompt."""
    return [candidate.output for candidate in GoodCases.of(day(*good)).candidates(site(prompt))]


def replies(prompt: list[Message], *good: list[Message]) -> list[str | None]:
    return [output.reply for output in offered(prompt, *good)]


@pytest.mark.parametrize(
    ("asked", "like"),
    [
        ("where is my parcel", True),
        ("WHERE is... my, parcel?!", True),
        ("where is my lamp", True),
        ("is my parcel", True),
        ("my parcel", True),
        ("is parcel gone", False),
        ("parcel", False),
        ("who is he", False),
    ],
)
def test_a_need_is_alike_when_at_least_half_of_the_words_are(asked: str, like: bool) -> None:
    assert replies(ASKED, [user(asked), agent("Let me see.")]) == (["Let me see."] if like else [])


def test_a_like_need_in_chinese_shares_half_of_its_pairs_of_characters() -> None:
    """我的包裹 has the pairs 我的, 的包, 包裹; 他的包裹 shares two of four with it, 他的鞋子 none."""
    prompt = [user("我的包裹")]
    assert replies(prompt, [user("他的包裹"), agent("在路上。")]) == ["在路上。"]
    assert replies(prompt, [user("他的鞋子"), agent("在路上。")]) == []


@pytest.mark.parametrize(("times", "first"), [(1, "Near."), (3, "Near."), (5, "Far.")])
def test_how_often_and_how_alike_decide_together_what_comes_first(times: int, first: str) -> None:
    """Twice after the same words weighs as much as four times after words of which half are the same."""
    near = [[*ASKED, agent("Near.")]] * 2
    far = [[user("my parcel"), agent("Far.")]] * times
    assert replies(ASKED, *far, *near)[0] == first
    assert set(replies(ASKED, *far, *near)) == {"Near.", "Far."}


def test_of_many_like_needs_the_nearest_are_looked_at() -> None:
    others = [[user(f"where is my {word}"), agent("Somewhere.")] for word in "abcdefghijklmnopqrstuvwxyz"]
    assert "Here." in replies(ASKED, *others, [*ASKED, agent("Here.")])


def test_after_a_result_the_words_that_led_to_it_do_not_matter() -> None:
    assert replies(FOUND, [user("Track it!"), call("find"), tool(ok=True), agent("It is here.")]) == ["It is here."]


def test_an_answer_to_the_customer_is_none_to_a_result_even_where_no_word_was_said() -> None:
    assert replies(FOUND, [*FOUND, agent("It is here."), user("??"), agent("Please ask.")]) == ["It is here."]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param([call("find"), tool(error="none")], id="another outcome"),
        pytest.param([call("track"), tool(ok=True)], id="another tool"),
        pytest.param([call("find"), {"role": "tool", "content": "ok", "tool_call_id": "c1"}], id="a result in words"),
        pytest.param([call("find"), {"role": "tool", "content": "[true]", "tool_call_id": "c1"}], id="a list"),
        pytest.param([call("find"), tool(ok=True), call("find", "c2"), tool("c2", ok=True)], id="two results"),
    ],
)
def test_a_reply_to_another_result_is_no_candidate(other: list[Message]) -> None:
    assert "It is here." not in replies(FOUND, [*ASKED, *other, agent("It is here.")])


def test_results_that_are_no_objects_are_told_apart_by_what_they_are() -> None:
    contents = ["words", "[1]", "5", "{}", '{"ok": 1}', '{"ok": 1, "fee": 2}']
    points = {point("s", [*ASKED, call("find"), {"role": "tool", "content": text}]) for text in contents}
    assert len(points) == len(contents)


def test_the_values_of_a_result_and_the_order_of_its_keys_do_not_tell_points_apart() -> None:
    results = tool(price=5, city="Porto"), tool(price=80, city="Faro"), tool(city="Faro", price=80)
    assert len({point("s", [*ASKED, call("find"), each]) for each in results}) == 1


def test_a_good_reply_whose_value_could_be_meant_by_two_keys_is_no_candidate() -> None:
    good = [*ASKED, call("find"), tool(price=58, fee=58), agent("It costs 58.")]
    assert replies([*ASKED, call("find"), tool(price=31, fee=7)], good) == []


def test_a_good_reply_is_cut_by_its_own_context_and_filled_from_this_one() -> None:
    good = [*ASKED, call("find"), tool(price=58, city="Porto"), agent("It costs 58 in Porto and 31 in Faro.")]
    prompt = [*ASKED, call("find"), tool(price=31, city="Faro")]
    assert replies(prompt, good) == ["It costs 31 in Faro and 31 in Faro."]


def test_of_parallel_calls_the_first_is_the_candidate() -> None:
    both: Message = {**call("find"), "tool_calls": [*call("find")["tool_calls"], *call("track", "c2")["tool_calls"]]}
    assert offered(ASKED, [*ASKED, both]) == [DialogueAction(action=Action(name="find"))]


def test_the_agents_opening_words_answer_nobody() -> None:
    assert replies(ASKED, [agent("Welcome!"), *ASKED, agent("It is here.")]) == ["It is here."]


def test_good_cases_of_other_scenarios_lend_nothing() -> None:
    good = GoodCases.of(day([*ASKED, agent("It is here.")]))
    assert len(good.candidates(site(ASKED))) == 1
    assert good.candidates(site(ASKED, "hotel")) == []


def steps(*rows: tuple[str, str | None, str], scenario: str = "refund") -> pl.DataFrame:
    identity = {"policy_id": "p", "scenario": scenario}
    table = [identity | {"reply_id": step, "text": text, "next_reply_id": after} for step, after, text in rows]
    return pl.DataFrame(table, schema=PROCEDURES)


FLOW = (("ask", "tell", "Which order is it?"), ("tell", "bye", "It comes in {days:d} days."), ("bye", None, "Good bye."))
ASK, TELL, BYE = agent("Which order is it?"), agent("It comes in 12 days."), agent("Good bye.")
ORDER: list[Message] = [user("52"), call("find"), tool(days=12)]


def proposed(*prompt: Message, scenario: str = "refund") -> list[str | None]:
    return [candidate.output.reply for candidate in procedure_candidates(site(list(prompt)), steps(*FLOW, scenario=scenario))]


def test_the_last_step_that_was_taken_decides_what_comes_next() -> None:
    assert proposed(*ASKED, ASK, *ORDER) == ["It comes in 12 days."]
    assert proposed(*ASKED, ASK, *ORDER, TELL, user("Thanks.")) == ["Good bye."]


def test_steps_of_other_scenarios_are_not_taken() -> None:
    assert proposed(*ASKED, ASK, *ORDER, scenario="hotel") == []


def test_only_the_agent_takes_steps() -> None:
    assert proposed(*ASKED, user("Which order is it?"), *ORDER) == []


def test_a_call_that_is_no_step_and_a_reply_that_only_begins_like_one_are_passed_over() -> None:
    assert proposed(*ASKED, agent("Which order is it? Or is it two?"), *ORDER) == []
    assert proposed(*ASKED, ASK, *ORDER, call("check", "c2"), tool("c2", ok=True)) == ["It comes in 12 days."]


def test_a_step_that_ends_the_procedure_hides_none_before_it() -> None:
    assert proposed(*ASKED, ASK, BYE, *ORDER) == ["It comes in 12 days."]
