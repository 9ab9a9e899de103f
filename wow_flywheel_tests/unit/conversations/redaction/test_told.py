"""Answers that are said again are found as if each were searched for by itself; ten times as many are ten times the work."""

import re
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.conversations.redaction.asked import answers, take
from wow_flywheel.conversations.redaction.placeholders import Redactor
from wow_flywheel.conversations.redaction.screen import SIGNS, _compiled
from wow_flywheel.conversations.redaction.told import Told
from wow_flywheel_tests.effort import examples

ALL = "Your phone, passport, licence number, tax id, card number, ssn, date of birth and password, please?"


def telling(*values: str) -> Told:
    told = Told()
    for place, value in enumerate(values):
        told.add(value, f"KIND{place}")
    return told


def one_by_one(values: list[str], plain: str, taken: bytearray) -> list[tuple[int, int, str]]:
    found = []
    for place, value in enumerate(values):
        for match in re.finditer(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])", plain):
            if not any(taken[match.start() : match.end()]):
                found.append((*match.span(), f"KIND{place}"))
                taken[match.start() : match.end()] = b"\x01" * len(match[0])
    return found


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        (["123"], "123, a123, 1234, 中123号 (123)", [(0, 3, "KIND0"), (18, 21, "KIND0"), (24, 27, "KIND0")]),
        (["12 34", "34 56"], "12 34 56; 34 56", [(0, 5, "KIND0"), (10, 15, "KIND1")]),
        (["34 56", "12 34 56"], "12 34 56", [(3, 8, "KIND0")]),
        (["1-1-1"], "1-1-1-1-1-1-1", [(0, 5, "KIND0"), (6, 11, "KIND0")]),
        (["+(1) 2", "A1(2)"], "x+(1) 2 +(1) 2, A1(2)3, A1(2)", [(8, 14, "KIND0"), (24, 29, "KIND1")]),
    ],
)
def test_what_was_told_first_goes_first(values: list[str], text: str, expected: list[tuple[int, int, str]]) -> None:
    assert list(telling(*values).again(text, bytearray(len(text)))) == expected


def test_a_told_answer_may_be_within_a_longer_number() -> None:
    assert telling("+123").may_be_in("x+1234")
    assert not telling("+123").may_be_in("123")
    assert not Told().may_be_in("123")


few = st.text(st.sampled_from("12-(a 中"), max_size=7)
answered = few.filter(lambda value: re.search("[A-Za-z0-9]", value) is not None)


@settings(max_examples=examples(400), deadline=None)
@given(st.lists(answered, max_size=5, unique=True), st.lists(few, max_size=8).map("".join), st.lists(st.integers(0, 20)))
def test_many_are_found_as_one_by_one(values: list[str], text: str, marked: list[int]) -> None:
    taken = bytearray(place in marked for place in range(len(text)))
    expected = one_by_one(values, text, again := taken[:])
    assert list(telling(*values).again(text, taken)) == expected
    assert taken == again
    assert telling(*values).may_be_in(text) == any(value in text for value in values)


def test_a_part_is_taken_once() -> None:
    taken = bytearray(6)
    assert take(taken, 2, 4)
    assert not take(taken, 3, 6)
    assert take(taken, 4, 6)
    assert taken == b"\x00\x00\x01\x01\x01\x01"


def calls(run: Callable[[], object]) -> int:
    """How many functions are called and generators resumed, in Python and in C."""
    count = 0

    def counting(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counting)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def numbers(count: int) -> str:
    return ", ".join(f"{place:03d}5552{place:03d}" for place in range(count))


@pytest.mark.parametrize(
    "run",
    [
        lambda text: answers(text, ALL),
        lambda text: Redactor().redact(text, ALL),
        lambda text: telling(*text.split(", ")).may_be_in(text.replace("555", "444")),
        lambda text: list(telling(*text.split(", ")).again(text, bytearray(len(text)))),
    ],
    ids=["answers", "redact", "may be in", "again"],
)
def test_ten_times_the_numbers_are_about_ten_times_the_work(run: Callable[[str], object]) -> None:
    run(numbers(1))  # so that what is made once is not counted
    assert calls(lambda: run(numbers(900))) < 12 * calls(lambda: run(numbers(90)))


twice = [sign for _, first, more in SIGNS for sign in (first, *more) if ".*" in sign]
words = st.lists(
    st.sampled_from([*'1 2 3 4 5 ("\\n_. a号', "passport", "TAX", "<TAX_1>", " TIN ", "may", "dob", "1990", "我家"])
)


@settings(max_examples=examples(400), deadline=None)
@given(words.map("".join))
def test_a_sign_that_is_looked_for_once_is_found_as_before(text: str) -> None:
    assert twice
    for sign in twice:
        assert (_compiled(sign).search(text) is None) == (re.search(sign, text) is None)
