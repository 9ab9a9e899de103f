"""Replies as templates: values are cut out where they came from the context, and filled in only where they are established."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.dialogue import Action, DialogueAction, Message
from wow_flywheel.pairs.slots import context_values, delexicalise, fill
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user

ORDER: list[Message] = [user("Where is order 1470?"), call("find", order=1470), tool(order=1470, city="Lisbon", fee=12.5)]


def said(reply: str | None = None, name: str | None = None, **arguments: Any) -> DialogueAction:
    return DialogueAction(reply=reply, action=Action(name=name, arguments=arguments) if name else None)


def test_values_are_the_leaves_of_results_and_the_customers_last_number() -> None:
    messages = [user("Order 7?"), user("No, 1470!"), tool(order={"id": 1470, "items": [{"name": "lamp"}]}, ok=True)]
    assert context_values(messages) == {"user_number": "1470", "id": "1470", "name": "lamp"}
    assert context_values([tool(city="Porto"), tool(city="Lisbon")]) == {"city": "Lisbon"}
    assert context_values([user("none"), agent("order 5"), {"role": "tool", "content": "not JSON 9"}]) == {}
    assert context_values([tool(note="x" * 81, empty="", flag=False)]) == {}


def test_values_of_the_context_become_slots_and_other_words_stay() -> None:
    template = delexicalise(said("Order 1470 is in Lisbon, not in Lisbonne."), context_values(ORDER))
    assert template == said("Order {order} is in {city}, not in Lisbonne.")


def test_arguments_become_slots_that_remember_whether_they_were_numbers() -> None:
    template = delexicalise(said(None, "refund", order=1470, to="Lisbon", note="for order 1470"), context_values(ORDER))
    assert template is not None
    other = {"order": "31", "city": "Porto"}
    assert fill(template, other) == said(None, "refund", order=31, to="Porto", note="for order 31")


def test_a_value_that_two_keys_share_is_not_moved() -> None:
    values = {"order": "1470", "invoice": "1470"}
    assert delexicalise(said("It is 1470."), values) is None
    assert delexicalise(said("It is here."), values) == said("It is here.")


def test_a_number_that_the_customer_and_a_result_share_is_the_results() -> None:
    assert delexicalise(said("Order 1470."), {"user_number": "1470", "order": "1470"}) == said("Order {order}.")


def test_nothing_is_filled_in_that_the_conversation_has_not_established() -> None:
    assert fill(said("Order {order} is in {city}."), {"order": "31"}) is None
    assert fill(said(None, "refund", note="for {order}"), {"city": "Porto"}) is None
    assert fill(said(None, "refund", order={"slot": "order", "number": True}), {}) is None
    assert fill(said("Good day."), {}) == said("Good day.")


@pytest.mark.parametrize("slot", ["{order_id}", "{OrderId}", "{order_id:s}", "{orderid:d}"])
def test_a_procedures_slot_is_found_whatever_its_spelling(slot: str) -> None:
    assert fill(said(f"It is {slot}."), {"Order_Id": "31"}) == said("It is 31.")


def test_chinese_replies_move_too() -> None:
    values = context_values([user("订单1470在哪？"), tool(城市="里斯本", 订单="1470")])
    template = delexicalise(said("订单 1470 在 里斯本 。"), values)
    assert template == said("订单 {订单} 在 {城市} 。")
    assert fill(template, {"订单": "31", "城市": "波尔图"}) == said("订单 31 在 波尔图 。")


@given(
    values=st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(min_size=1, max_size=9), max_size=5),
    reply=st.text(min_size=1, max_size=60),
)
def test_what_is_cut_out_comes_back_the_same(values: dict[str, str], reply: str) -> None:
    output = said(reply)
    template = delexicalise(output, values)
    if template is not None and "{" not in reply:
        assert fill(template, values) == output
    assert json.loads(output.to_json())["reply"] == reply
