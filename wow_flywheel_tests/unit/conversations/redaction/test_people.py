"""People are found quickly where their names are easy, and the same ones as with care; names in JSON are told by their keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.conversations.redaction.json_text import redact_text
from wow_flywheel.conversations.redaction.names import names_in_json
from wow_flywheel.conversations.redaction.people import People

NAMES = ["Nora Quist", "nora", "Petra", "Petra Quist", "Ann-Marie Moss", "Lee Anna Lee", "Quist, Nora", "Mo", "J. Moss"]
words = st.sampled_from(["nora", "Nora", "NORA", "quist", "Petra", "ann", "Marie", "moss", "lee", "Anna", "and", "mo", "norah"])
gaps = st.sampled_from([" ", ". ", "-", "'", ", ", '"', "<", "_", "1", "", "\n", " - "])


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3), st.lists(st.tuples(words, gaps), max_size=8))
def test_easy_names_are_found_as_any_name_is(names: list[str], said: list[tuple[str, str]]) -> None:
    people, careful = People(), People()
    for name in names:
        people.add(("NAME", name))
        careful.add(("NAME", name))
    careful.easy = False
    text = "".join(word + gap for word, gap in said)
    assert people.spans(text) == careful.spans(text)


@pytest.mark.parametrize(
    ("names", "easy"),
    [
        (["Nora Quist"], True),
        (["Nora", "Petra"], True),
        (["Nora Quist", "Petra Quist"], False),  # whose is Quist?
        (["Will Quist"], False),  # a common word
        (["J. Moss"], False),
        (["José Moss"], False),
        (["Nan"], False),  # JSON as many write it has NaN
        ([], True),
    ],
)
def test_which_names_are_easy(names: list[str], *, easy: bool) -> None:
    people = People()
    for name in names:
        people.add(("NAME", name))
    assert people.easy is easy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"customer": {"id": 3, "name": "Nora Quist"}}', [("NAME", "Nora Quist")]),
        ('{"user": {"name": "nora_7", "city": "Bergen"}}', [("USER", "nora_7")]),
        ('{"CustomerName": "Nora", "GuestName": "Petra"}', [("NAME", "Nora"), ("NAME", "Petra")]),
        ('{"\u5ba2户": {"name": "张三"}}', [("NAME", "张三")]),
        ('{"hotel": {"name": "Nora Quist"}}', []),
        ('{"customer": {"address": {"city": "Bergen"}, "name": "Nora"}}', []),  # of whom, a pattern cannot say
    ],
)
def test_keys_tell_names(text: str, expected: list[tuple[str, str]]) -> None:
    assert names_in_json(text) == expected


def test_the_name_of_a_customer_object_is_replaced_wherever_it_is_said() -> None:
    text = '{"customer": {"id": 3, "name": "Nora Quist"}, "note": "nora asked twice"}'
    assert redact_text(text) == ('{"customer": {"id": 3, "name": "<NAME_1>"}, "note": "<NAME_1> asked twice"}', 2)
