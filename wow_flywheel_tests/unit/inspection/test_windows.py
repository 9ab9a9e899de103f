"""Long conversations in windows: nothing is left out, nothing is too long."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.inspection.windows import windows
from wow_flywheel.llm.settings import estimated_tokens
from wow_flywheel_tests.unit.inspection.talk import agent, call, user

TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=400), min_size=1, max_size=12)


def test_what_fits_is_one_window() -> None:
    talk = [user("Where is it?"), agent("On its way.")]
    (window,) = windows(talk, 500)
    assert [json.loads(row) for row in window.text.splitlines()] == [
        {"turn": 0, "role": "user", "content": "Where is it?"},
        {"turn": 1, "role": "assistant", "content": "On its way."},
    ]


def test_a_window_begins_with_the_last_turns_of_the_one_before() -> None:
    shown = windows([user(f"turn {i}") for i in range(30)], 200)
    assert len(shown) > 2
    for before, after in itertools.pairwise(shown):
        assert max(before.turns) in after.turns
        assert min(after.turns) > min(before.turns)


def test_a_turn_is_withheld_with_its_calls() -> None:
    (window,) = windows([user("Refund it."), call("refund", order=7), agent("Done.")], 500)
    assert [json.loads(row) for row in window.without(1).splitlines()] == [
        {"turn": 0, "role": "user", "content": "Refund it."},
        {"turn": 1, "content": "[withheld]", "role": "assistant"},
        {"turn": 2, "role": "assistant", "content": "Done."},
    ]


@pytest.mark.parametrize("most", [120, 300])
@given(texts=TEXTS)
def test_every_character_of_every_turn_is_shown_and_no_window_is_too_long(most: int, texts: list[str]) -> None:
    shown = windows([user(text) for text in texts], most)
    for window in shown:
        assert estimated_tokens(window.text) <= most + window.text.count("\n")
    said: dict[int, list[str]] = {}
    seen: set[tuple[int, str]] = set()
    for window in shown:
        for row in map(json.loads, window.text.split("\n")):
            if (row["turn"], row.get("part", "")) not in seen:
                seen.add((row["turn"], row.get("part", "")))
                said.setdefault(row["turn"], []).append(row["content"])
    assert ["".join(said[turn]) for turn in range(len(texts))] == texts
