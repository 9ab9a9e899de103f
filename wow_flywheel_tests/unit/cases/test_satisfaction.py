"""Satisfaction signals of one conversation, and USM 1, USM 2 and RR of a day, against values worked out by hand."""

import datetime as dt
from typing import Any

import polars as pl
import pytest

from wow_flywheel.cases.satisfaction import daily, signals
from wow_flywheel.contracts import CONVERSATIONS, SATISFACTION, SATISFACTION_DAILY
from wow_flywheel.dialogue import Message
from wow_flywheel_tests.unit.cases.rows import DAY, NOON, conversations, satisfaction
from wow_flywheel_tests.unit.cases.rows import signal as row_of
from wow_flywheel_tests.unit.inspection.talk import agent, tool, user

NOBODY = CONVERSATIONS.empty()
FLAGS = ("asked_for_human", "complained", "abandoned", "repeat_contact", "thanked")


def talk(*texts: str) -> list[Message]:
    """The user and the agent in turns."""
    return [user(text) if i % 2 == 0 else agent(text) for i, text in enumerate(texts)]


def signalled(*messages: Message, later: pl.DataFrame = NOBODY, **columns: Any) -> dict[str, Any]:
    """The signals of one conversation."""
    found = signals(conversations("a", messages=list(messages), **columns), later)
    assert found.height == 1
    return found.row(0, named=True)


def all_signalled(*talks: list[Message], **columns: Any) -> list[dict[str, Any]]:
    """The signals of conversations of one day, each of another customer."""
    days = [conversations(f"{i:03}", messages=messages, user_id=f"u{i}", **columns) for i, messages in enumerate(talks)]
    return signals(pl.concat(days), NOBODY).to_dicts()


def flags(row: dict[str, Any]) -> set[str]:
    return {name for name in FLAGS if row[name]}


def mood(row: dict[str, Any]) -> tuple[bool, bool, float]:
    return row["satisfied"], row["dissatisfied"], row["satisfied_score"]


LAST_WORDS = {
    "Thanks a lot!": {"thanked"},
    "Perfect.": {"thanked"},
    "太好了，谢谢。": {"thanked"},
    "That is all.": set(),
    "Is it greater than five?": set(),
    "谢绝推销。": set(),
    "不谢。": set(),
    "This is not terrible at all, thanks.": {"thanked"},
    "It isn't that bad, but stupid.": {"complained"},
    "I need a person to sign for it.": set(),
    "I want an agent.": {"asked_for_human"},
    "好的。": set(),
    "No thanks.": set(),
    "Thank you anyway.": set(),
    "不用谢谢。": set(),
    "Great, you broke it, useless!": {"complained"},
    "Thanks for nothing.": {"complained"},
    "This is ridiculous!": {"complained"},
    "I already told you.": {"complained"},
    "I am so angry.": {"complained"},
    "说了多少遍了！": {"complained"},
    "服务太差了。": {"complained"},
    "我要投诉，谢谢。": {"complained"},
    "Let me talk to a real person.": {"asked_for_human"},
    "Get me your manager, this is useless": {"asked_for_human", "complained"},
    "The manager was kind.": set(),
    "转人工。": {"asked_for_human"},
    "人工智能是什么意思我知道了": set(),
}
ENDS = {
    "And when?": {"abandoned"},
    "何时？": {"abandoned"},
    "Forget it.": {"abandoned"},
    "算了。": {"abandoned"},
    "Thanks, but it still doesn't work.": {"abandoned"},
    "谢谢，还是不行。": {"abandoned"},
    "Fine.": set(),
    "好。": set(),
    "Where? I see.": set(),
}


def test_what_the_customer_says_last_is_a_signal() -> None:
    rows = all_signalled(*(talk("Hello.", "Yes?", words, "Bye.") for words in LAST_WORDS))
    assert dict(zip(LAST_WORDS, map(flags, rows), strict=True)) == LAST_WORDS


def test_a_conversation_that_ends_on_an_open_question_or_a_refusal_is_abandoned() -> None:
    rows = all_signalled(*(talk("Hi.", "Yes?", words) for words in ENDS))
    assert dict(zip(ENDS, map(flags, rows), strict=True)) == ENDS


def test_a_question_or_a_refusal_with_an_answer_is_not_abandoned() -> None:
    rows = all_signalled(*(talk("Hi.", "Yes?", words, "On Monday.") for words in ENDS))
    assert [words for words, row in zip(ENDS, rows, strict=True) if row["abandoned"]] == []


def test_thanks_count_at_the_end_only_and_anger_anywhere() -> None:
    assert flags(signalled(*talk("Thanks in advance.", "Yes?", "Refund it.", "Done."))) == set()
    assert flags(signalled(*talk("This is awful.", "Sorry.", "Refund it.", "Done."))) == {"complained"}


def test_only_the_customers_words_count() -> None:
    messages = [user("Refund it."), agent("This is useless, thank you, talk to a human?"), tool(note="terrible")]
    assert flags(signalled(*messages)) == set()


@pytest.mark.parametrize(
    ("texts", "expected", "reasons"),
    [
        (("Hi.", "Yes?", "Thanks.", "Bye."), (True, False, 0.85), ["thanked at the end"]),
        (("Hi.", "Yes?", "Fine.", "Bye."), (False, False, 0.5), []),
        (("Useless.", "Sorry."), (False, True, 0.15), ["complained"]),
        (("Get me a human.", "Why?", "OK."), (False, True, 0.15), ["asked for a human"]),
        (("Get me a human!", "No.", "Useless."), (False, True, 0.05), ["asked for a human", "complained"]),
        (("Hi.", "Yes?", "When?"), (False, True, 0.25), ["left with an open question"]),
        (("Useless.", "Sorry.", "Thanks.", "Bye."), (False, True, 0.2), ["complained", "thanked at the end"]),
        (("Hi.", "Yes?", "Useless, when?"), (False, True, 0.05), ["complained", "left with an open question"]),
    ],
)
def test_implicit_signals_make_the_score(
    texts: tuple[str, ...], expected: tuple[bool, bool, float], reasons: list[str]
) -> None:
    row = signalled(*talk(*texts))
    assert mood(row) == (*expected[:2], pytest.approx(expected[2]))
    assert (row["explicit"], row["reasons"]) == (False, reasons)


@pytest.mark.parametrize(
    ("thumb", "score", "expected", "reasons"),
    [
        ("up", None, (True, False, 1.0), ["thumb up"]),
        ("down", None, (False, True, 0.0), ["thumb down"]),
        (None, 5.0, (True, False, 1.0), ["rated 5.0 of 5"]),
        (None, 4.0, (True, False, 1.0), ["rated 4.0 of 5"]),
        (None, 3.9, (False, False, 0.5), ["rated 3.9 of 5"]),
        (None, 2.1, (False, False, 0.5), ["rated 2.1 of 5"]),
        (None, 2.0, (False, True, 0.0), ["rated 2.0 of 5"]),
        ("up", 1.0, (False, True, 0.0), ["thumb up", "rated 1.0 of 5"]),
        ("down", 5.0, (False, True, 0.0), ["thumb down", "rated 5.0 of 5"]),
    ],
)
def test_a_rating_decides_whatever_the_words_say(
    thumb: str | None, score: float | None, expected: tuple[bool, bool, float], reasons: list[str]
) -> None:
    talks = [talk("Hi.", "Yes?", words, "Bye.") for words in ("Thanks!", "太差了！")]
    happy, angry = all_signalled(*talks, feedback={"thumb": thumb, "score": score, "comment": None})
    assert (mood(happy), mood(angry)) == (expected, expected)
    assert (happy["explicit"], happy["reasons"]) == (True, [*reasons, "thanked at the end"])
    assert (angry["explicit"], angry["reasons"]) == (True, [*reasons, "complained"])


def test_a_comment_without_a_rating_is_no_rating() -> None:
    row = signalled(*talk("Hi.", "Yes?", "Thanks.", "Bye."), feedback={"thumb": None, "score": None, "comment": "so so"})
    assert (row["explicit"], mood(row)) == (False, (True, False, 0.85))


def came_back(hours: float, *ids: str, **columns: Any) -> pl.DataFrame:
    """Conversations that start that many hours after noon."""
    at = NOON + dt.timedelta(hours=hours)
    return conversations(*(ids or ("b",)), started_at=at, ended_at=at, **columns)


def test_the_same_customer_with_the_same_scenario_within_a_day_is_a_repeat_contact() -> None:
    row = signalled(*talk("Refund.", "Done."), later=came_back(24))
    assert (flags(row), row["reasons"]) == ({"repeat_contact"}, ["came back within 24 hours"])
    assert mood(row) == (False, True, pytest.approx(0.25))


@pytest.mark.parametrize(
    "later",
    [
        came_back(24.1),
        came_back(2, user_id="u2"),
        came_back(2, scenario="hotel"),
        came_back(-2),
        came_back(2, "b", "c", "d"),
    ],
    ids=["too late", "another customer", "another scenario", "before", "too many contacts for a person"],
)
def test_other_contacts_are_no_repeat(later: pl.DataFrame) -> None:
    assert flags(signalled(*talk("Refund.", "Done."), later=later)) == set()


def test_who_thanked_did_not_come_back_because_it_failed() -> None:
    assert flags(signalled(*talk("Refund.", "Done.", "谢谢。", "再见。"), later=came_back(2))) == {"thanked"}


def test_the_day_is_counted_from_the_end_of_the_conversation() -> None:
    long_talk = {"started_at": NOON - dt.timedelta(hours=3), "ended_at": NOON}
    row = signalled(*talk("Refund.", "Done."), later=came_back(23), **long_talk)
    assert flags(row) == {"repeat_contact"}


def test_contacts_that_start_at_the_same_moment_are_no_repeat() -> None:
    day = pl.concat([conversations(name, messages=talk("Refund.", "Done.")) for name in ("a", "b")])
    assert not signals(day, NOBODY)["repeat_contact"].any()
    assert not signals(day.reverse(), NOBODY)["repeat_contact"].any()


def test_a_repeat_on_the_same_day_marks_the_earlier_conversation_only() -> None:
    day = pl.concat([conversations("a", messages=talk("Refund.", "Done.")), came_back(3, messages=talk("Refund.", "Done."))])
    found = signals(day, NOBODY)
    assert found.select("conversation_id", "repeat_contact").rows() == [("a", True), ("b", False)]


@pytest.mark.parametrize(
    ("first", "second", "repeated"),
    [
        ("Which order is it?", "Which order is it?", True),
        ("Which order is it?", "which order is it", True),
        ("Your refund of ten dollars is on its way.", "Your refund of two dollars is on its way.", True),
        ("Which order is it?", "Which card is it for?", False),
        ("The order 1234 has left our house today.", "The order 1235 has left our house today.", False),
        ("请问您的订单号是多少？", "请问您的订单号是多少", True),
        ("请问您的订单号是多少？", "请问退到哪张卡？", False),
    ],
)
def test_a_reply_that_is_nearly_an_earlier_one_is_a_repeated_reply(first: str, second: str, repeated: bool) -> None:
    row = signalled(*talk("Refund.", first, "What?", second))
    assert row["repeated_reply"] is repeated
    assert mood(row) == (False, False, 0.5)


def test_a_day_of_two_scenarios_by_hand() -> None:
    again = talk("Refund.", "Which order?", "Seven.", "Which order?")
    thankful = [user("Thanks."), agent("Bye.")]
    day = pl.concat(
        [
            conversations("a", "b", messages=[*talk("Refund.", "Done."), *thankful], scenario="refund"),
            conversations("c", messages=again, scenario="refund"),
            conversations("d", messages=talk("退款，太差了。", "抱歉。"), scenario="refund"),
            conversations("e", messages=[*again, user("Useless!")], scenario="hotel"),
        ]
    ).with_columns(user_id="conversation_id")
    found = daily(signals(day, NOBODY))
    assert found.rows() == [
        (DAY, "*", 5, pytest.approx(2 / 5), pytest.approx(2 / 5), pytest.approx(2 / 5)),
        (DAY, "hotel", 1, 1.0, 0.0, 1.0),
        (DAY, "refund", 4, 0.25, 0.5, 0.25),
    ]


def test_each_day_is_counted_alone() -> None:
    other = DAY + dt.timedelta(days=1)
    rows = satisfaction(row_of(1.0), row_of(0.0, conversation_id="b"), row_of(1.0, dt=other))
    assert daily(rows).select("dt", "scenario", "conversations", "usm1", "usm2", "rr").rows() == [
        (DAY, "*", 2, 0.5, 0.5, 0.0),
        (DAY, "refund", 2, 0.5, 0.5, 0.0),
        (other, "*", 1, 0.0, 1.0, 0.0),
        (other, "refund", 1, 0.0, 1.0, 0.0),
    ]


def test_a_day_without_conversations_has_no_signals_and_no_metrics() -> None:
    assert signals(NOBODY, came_back(2)).equals(SATISFACTION.empty())
    assert daily(SATISFACTION.empty()).equals(SATISFACTION_DAILY.empty())


def test_every_conversation_has_one_row_even_where_nobody_spoke() -> None:
    day = pl.concat([conversations("b", user_id="u9"), conversations("a", user_id="u8")])
    found = signals(day, came_back(1, "c", "d", user_id="u7"))
    assert found.select("conversation_id", "satisfied_score", "repeated_reply").rows() == [("a", 0.5, False), ("b", 0.5, False)]
    assert SATISFACTION.conform(found).equals(found)
