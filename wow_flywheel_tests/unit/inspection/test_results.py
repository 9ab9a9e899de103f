"""What a tool call came to."""

import pytest

from wow_flywheel.inspection.results import calls, read_result
from wow_flywheel_tests.unit.inspection.talk import call, tool, user


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"ok": true, "amount": 5}', "succeeded"),
        ('{"ok": false}', "failed"),
        ('{"success": true, "error": null}', "succeeded"),
        ('{"error": "order not found"}', "failed"),
        ('{"total_items": 0}', "empty"),
        ('{"item": null, "total_items": 0}', "empty"),
        ('{"item": {"name": "Blue Inn"}, "total_items": -1}', "answered"),
        ('{"item": {"BookingStatus": "Booking Failed"}, "total_items": -1}', "failed"),
        ('{"item": {"Message": "Your table is confirmed."}}', "succeeded"),
        ('{"状态": "预订成功"}', "succeeded"),
        ('{"message": "系统错误，无法处理"}', "failed"),
        ("[]", "empty"),
        ("", "empty"),
        ("null", "empty"),
        ("false", "failed"),
        ("Error: payment method not found", "failed"),
        ("Transfer successful", "succeeded"),
        ('{"message": "The venue is booked at that time. Try another time."}', "failed"),
        ('{"message": "That person has a conflicting meeting at that time."}', "failed"),
        ('{"message": "Sorry, you are not authorized to open this account."}', "failed"),
        ('{"message": "The request was not successful."}', "failed"),
        ('{"message": "Your visit has been successfuly scheduled."}', "succeeded"),
        ('{"message": "The time slot is available."}', "answered"),
        ('{"message": "该时间段已满，请换一个时间"}', "failed"),
        ('{"message": "已为您预订"}', "succeeded"),
        ('{"message": "订单已取消"}', "succeeded"),
        ('{"price": 12}', "answered"),
        ('[{"id": 1}]', "answered"),
        ('{"ok": true, "order": {"status": "failed"}}', "succeeded"),
        ('{"error": "denied", "order": {"id": 1}}', "failed"),
        ('{"status": "confirmed", "order": {"id": 1}}', "succeeded"),
        ('{"total_items": 0, "query": {"city": "Ulm"}}', "empty"),
    ],
)
def test_a_result_says_what_became_of_the_call(text: str, expected: str) -> None:
    assert read_result(text) == expected


def test_the_status_of_a_thing_looked_up_is_data() -> None:
    cancelled = '{"order": 7, "status": "cancelled"}'
    assert read_result(cancelled) == "succeeded"
    assert read_result(cancelled, looked_up=True) == "answered"
    assert read_result('{"error": "not found"}', looked_up=True) == "failed"
    assert read_result('{"ok": true}', looked_up=True) == "succeeded"
    assert read_result("[]", looked_up=True) == "empty"


def test_calls_are_matched_to_results_by_id_and_a_missing_result_is_none() -> None:
    messages = [user("hi"), call("refund_order", "a"), call("find_order", "b"), tool("b", ok=False), tool("a", ok=True)]
    made = [*calls(messages), *calls([call("refund_order", "z")])]
    assert [(c.name, c.result, c.result_turn) for c in made] == [
        ("refund_order", "succeeded", 4),
        ("find_order", "failed", 3),
        ("refund_order", None, None),
    ]


def test_a_call_that_reads_gives_data_even_if_the_thing_is_cancelled() -> None:
    result = tool(status="cancelled")
    assert [c.result for c in calls([call("get_order"), result])] == ["answered"]
    assert [c.result for c in calls([call("cancel_order"), result])] == ["succeeded"]


def test_calls_without_ids_are_matched_by_order() -> None:
    called = call("refund_order")
    assert called["tool_calls"]
    called["tool_calls"][0]["id"] = None
    assert [c.result for c in calls([called, tool(ok=True)])] == ["succeeded"]
    assert [c.result for c in calls([called, user("hello?")])] == [None]


@pytest.mark.parametrize(
    ("name", "writes"),
    [
        ("refund_order", True), ("hotel_book", True), ("bookHotel", True), ("get_order_details", False),
        ("transfer_to_human_agents", False),
        ("search_booking", False), ("weather", False), ("lookup", False),
    ],
)  # fmt: skip
def test_a_tool_that_changes_something_is_known_by_its_name(name: str, writes: bool) -> None:
    assert calls([call(name)])[0].writes is writes
