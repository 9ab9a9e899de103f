"""The customer of a line that nobody could read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.conversations.redaction.placeholders import Redactor, pseudonym
from wow_flywheel.conversations.whose import user_named_in

MAIL = "ann.lee@example.org"


@pytest.mark.parametrize(
    ("line", "user_id"),
    [
        (b'{"conversation_id": "c", "user_id": "u-1", "messages": [{"role": "us', "u-1"),
        (b'{"user_id" :"\\u5f20\\"1", "messages": 3}', '张"1'),
        (b'{"user_id": "ann.lee@example.org"', pseudonym(Redactor(), MAIL)),
        (b'{"user_id": 7}', None),
        (b'{"user_id": ""}', None),
        (b'{"user_id": "u', None),
        (b'{"user_id": "a\\qb"}', None),
        (b'{"user_id": "\xff\xfe"}', None),
        (b'{"user_id": "a\\nb"}', None),
        (b"", None),
    ],
)
def test_the_id_is_made_out_even_of_broken_json(line: bytes, user_id: str | None) -> None:
    assert user_named_in(line) == user_id


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(line: bytes) -> None:
    assert user_named_in(line) is None or b'"user_id"' in line
