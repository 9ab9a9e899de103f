"""Which words of a reply are values of its conversation, and which only look like them."""

from typing import Any

import pytest

from wow_flywheel.dialogue import Action, DialogueAction
from wow_flywheel.pairs.slots import context_values, delexicalise, fill
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user


def say(reply: str) -> DialogueAction:
    return DialogueAction(reply=reply)


def do(**arguments: Any) -> DialogueAction:
    return DialogueAction(action=Action(name="book", arguments=arguments))


@pytest.mark.parametrize(
    ("reply", "template"),
    [
        ("Order 31 is late.", "Order {order} is late."),
        ("It is 31.", "It is {order}."),
        ("31", "{order}"),
        ("(31)", "({order})"),
        ("310 or 131 or A31 or 31st", "310 or 131 or A31 or 31st"),
        ("31 and 31", "{order} and {order}"),
        ("It comes on 31 May.", "It comes on {day}."),
        ("New York is not York.", "{city} is not {town}."),
        ("Yorkshire and new york stay.", "Yorkshire and new york stay."),
        ("It costs $4.50 (net).", "It costs {price} (net)."),
    ],
)
def test_whole_values_are_cut_and_the_longest_first(reply: str, template: str) -> None:
    values = {"order": "31", "day": "31 May", "town": "York", "city": "New York", "price": "$4.50"}
    assert delexicalise(say(reply), values) == say(template)
    assert fill(say(template), values) == say(reply)


def test_a_key_with_several_values_and_one_number_of_several_name_nothing() -> None:
    """Which lamp, which room, which order a reply means would be a guess."""
    assert context_values([tool(items=["lamp", "kettle"]), tool(rooms=[{"beds": 2}, {"beds": 3}])]) == {}
    assert context_values([user("Order 31 or 52")]) == {}
    assert context_values([user("Order 31"), user("31 or 52?")]) == {}
    assert context_values([user("Order 31 or 52"), agent("Which?"), user("52."), user("Hm.")]) == {"user_number": "52"}
    assert context_values([tool(rooms=[{"beds": 2}, {"beds": 2}])]) == {"beds": "2"}


def test_what_the_agent_said_or_called_establishes_nothing() -> None:
    assert context_values([user("Hello."), agent("Order 31?"), call("find", order=31, city="Porto")]) == {}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Order 31.", "31"),
        ("It is 4.5, not 4.", None),
        ("It is 4.", "4"),
        ("It costs 4.5", "4.5"),
        ("A31 b52c", None),
        ("订单 31", "31"),
    ],
)
def test_the_customers_number_stands_alone(text: str, number: str | None) -> None:
    assert context_values([user(text)]).get("user_number") == number


def test_truth_values_are_no_values_even_where_a_text_reads_the_same() -> None:
    assert delexicalise(do(express=True, note="True"), {"flag": "True"}) == do(
        express=True, note={"slot": "flag", "number": False}
    )


def test_numbers_stay_numbers_and_texts_stay_texts() -> None:
    template = delexicalise(do(order=31, code="31", price=4.5), {"order": "31", "price": "4.5"})
    assert template is not None
    assert fill(template, {"order": "52", "price": "7"}) == do(order=52, code="52", price=7)


@pytest.mark.parametrize("value", ["soon", "", "5-7", "0123"])
def test_a_number_is_not_filled_with_what_is_none(value: str) -> None:
    template = delexicalise(do(order=31), {"order": "31"})
    assert template is not None
    assert fill(template, {"order": value}) is None


def test_a_reply_and_its_action_are_filled_together_or_not_at_all() -> None:
    both = DialogueAction(
        reply="I book {city}.", action=Action(name="book", arguments={"to": {"slot": "city", "number": False}})
    )
    filled = DialogueAction(reply="I book Porto.", action=Action(name="book", arguments={"to": "Porto"}))
    assert fill(both, {"city": "Porto"}) == filled
    assert fill(both, {"town": "Porto"}) is None
    assert fill(DialogueAction(reply="One moment.", action=both.action), {}) is None


def test_one_value_under_two_keys_is_a_guess_only_where_it_is_used() -> None:
    values = {"order": "31", "room": "31", "city": "Porto"}
    assert delexicalise(do(to="Porto"), values) == do(to={"slot": "city", "number": False})
    assert delexicalise(do(to="Porto", room=31), values) is None
    assert delexicalise(DialogueAction(reply="Room 31.", action=Action(name="book")), values) is None
