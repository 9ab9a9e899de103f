"""Names and texts in the fields of other tools' logs."""

from typing import Any

import pytest

from wow_flywheel.conversations.readers.values import first_name, first_text


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        ("s-1", "s-1", "s-1"),
        (7, "7", None),
        (0, "0", None),
        (True, None, None),
        (1.5, None, None),
        ("", None, None),
        (" \t", None, None),
        ("\x7f", None, None),  # a control character, which no space is
        ("\u200b", None, None),
        ("会话", "会话", "会话"),
        (None, None, None),
        (["s-1"], None, None),
    ],
)
def test_what_names_something(value: Any, name: str | None, text: str | None) -> None:
    fields = {"other": None, "session_id": value}
    assert first_name(fields, "missing", "session_id") == name
    assert first_text(fields, "missing", "session_id") == text


def test_the_first_field_that_says_something_counts() -> None:
    assert first_name({"a": " ", "b": 3, "c": "x"}, "a", "b", "c") == "3"
