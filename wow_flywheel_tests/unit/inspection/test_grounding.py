"""Numbers in their spellings, and what a conversation has established."""

import pytest

from wow_flywheel.inspection.grounding import Grounds, derivation, in_date_or_time, is_list_mark, numbers, plain, stated
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$5.00", "5"),
        ("1,200 dollars", "1200"),
        ("1,200.50 dollars", "1200.5"),
        ("a rate of 0.15", "15"),
        ("15%", "15"),
        ("order 007", "7"),
        ("twenty-five days", "25"),
        ("two hundred dollars", "200"),
        ("seventeen", "17"),
        ("one hundred and five", "105"),
        ("a hundred and twenty-five", "125"),
        ("三百五元", "350"),
        ("一千零五", "1005"),
        ("两万三千四百", "23400"),
        ("十二天", "12"),
        ("二〇二四年", "2024"),
        ("at 14:00", "2"),
        ("at 2 pm", "14"),
        ("下午3点", "15"),
        ("2020-05-15", "5"),
        ("5月15日", "15"),
    ],
)
def test_a_number_is_read_in_each_spelling(text: str, expected: str) -> None:
    assert expected in numbers(text)


@pytest.mark.parametrize(
    ("text", "other"), [("1,200", "200"), ("$54", "5"), ("order 1234", "123"), ("三百五", "305"), ("2 am", "14")]
)
def test_a_part_of_a_number_is_not_the_number(text: str, other: str) -> None:
    assert other not in numbers(text)


def test_only_numbers_that_carry_information_count_as_stated() -> None:
    assert stated("I found 2 options: $5 or 13 dollars, in 3 days") == ["5", "13", "3"]
    assert stated("退款45元，三天到账") == ["45", "三"]
    assert stated("I have one idea") == []


def test_plain_reads_written_numbers() -> None:
    assert [plain(text) for text in ("1,200.00", "007", "0", "三百五", "2.50")] == ["1200", "7", "0", "350", "2.5"]


def test_users_tools_and_calls_establish_numbers_from_the_next_turn_on_but_the_assistant_does_not() -> None:
    grounds = Grounds([user("order 12"), agent("order 77"), call("refund", order=34), tool(amount=56)], frozenset({"90"}))
    assert not grounds.knows("12", 0)
    assert grounds.knows("12", 1)
    assert not grounds.knows("77", 4)
    assert not grounds.knows("34", 2)
    assert grounds.knows("34", 3)
    assert not grounds.knows("56", 3)
    assert grounds.knows("56.00", 4)
    assert grounds.knows("90", 0)


def test_a_date_in_words_counts_only_when_a_user_gave_it_before() -> None:
    messages = [agent("tomorrow?"), user("next Friday"), agent("fine")]
    assert not Grounds(messages, frozenset()).time_in_words(1)
    assert Grounds(messages, frozenset()).time_in_words(2)
    assert Grounds([user("明天下午")], frozenset()).time_in_words(1)


def test_a_number_is_derived_from_two_known_ones_only() -> None:
    assert derivation("53", {"58", "5"}) == "58 - 5"
    assert derivation("63", {"58", "5"}) == "58 + 5"
    assert derivation("290", {"58", "5"}) == "58 × 5"
    assert derivation("54", {"58", "5"}) is None


def test_with_terms_given_one_of_the_two_has_to_be_among_them() -> None:
    assert derivation("53", {"58", "5"}, {"53", "5"}) == "58 - 5"
    assert derivation("53", {"58", "5"}, {"53", "7"}) is None


def test_dates_and_list_marks_are_told_from_amounts() -> None:
    assert in_date_or_time("15", "on 2020-05-15")
    assert in_date_or_time("15", "5月15日")
    assert not in_date_or_time("15", "on 2020-05-15 you pay 15 dollars")
    assert is_list_mark("10", "9. tea\n10. rice")
    assert not is_list_mark("10", "you pay 10. Fine?")
