"""The customer of a line that nobody could read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.conversations.redaction.placeholders import Redactor, pseudonym
from wow_flywheel.conversations.whose import users_named_in

MAIL = "ann.lee@example.org"


@pytest.mark.parametrize(
    ("line", "user_id"),
    [
        (b'{"conversation_id": "c", "user_id": "u-1", "messages": [{"role": "us', "u-1"),
        (b'{"user_id" :"\\u5f20\\"1", "messages": 3}', '张"1'),
        (b'{"user_id": "ann.lee@example.org"', pseudonym(Redactor(), MAIL)),
        (b'{"user_id": 7}', "7"),
        (b'{"user_id": 7.5}', None),
        (b'{"request": {"user": "u-1", "messages": []', "u-1"),
        (b'{"request": {"user": "u-1"}, "user_id": "u-2"}', "u-1 u-2"),
        (b'{"traceId": "t", "userId": "u-1"}', "u-1"),
        (b'{"tags": {"user_id": "u-1"}}', "u-1"),
        (b'{"extra": {"metadata": {"langgraph_auth_user_id": "u-1"}}}', "u-1"),
        (b'{"metadata": "{\\"user_id\\": \\"u-1\\"}"}', "u-1"),
        (b'{"key": "user.id", "value": {"stringValue": "u-1"}}', "u-1"),
        (b'{"key":"enduser.id","value":{"intValue":"17"}}', "17"),
        (b'{"key":"langfuse.user.id","value":{"int_value":null,"string_value":"u-1"}}', "u-1"),
        (b'{"value":{"stringValue":"u-1"},"key":"user.id"}', "u-1"),
        (b'{"attributes": {"traceloop.association.properties.user_id": "u-1"}}', "u-1"),
        (b'{"key": "server.id", "value": {"stringValue": "u-1"}}', None),
        (b'{"role": "user", "content": "u-1"}', None),
        (b'{"user_id": ""}', None),
        (b'{"user_id": "u', None),
        (b'{"user_id": "a\\qb"}', None),
        (b'{"user_id": "\xff\xfe"}', None),
        (b'{"user_id": "a\\nb"}', None),
        (b"", None),
    ],
)
def test_the_id_is_made_out_even_of_broken_json(line: bytes, user_id: str | None) -> None:
    assert (" ".join(users_named_in(line)) or None) == user_id


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(line: bytes) -> None:
    assert users_named_in(line) == [] or b"user" in line.lower()


@pytest.mark.parametrize(
    "run", [b"\\" * 2_000_000, b'"intValue": 1, ' * 100_000, b'"' + b"a." * 1_000_000], ids=["backslashes", "values", "names"]
)
def test_a_long_run_of_anything_costs_time_in_proportion(run: bytes) -> None:  # else this runs into the limit of any test
    assert users_named_in(b'{"x": "' + run + b'", "user_id": "ann"') == ["ann"]
