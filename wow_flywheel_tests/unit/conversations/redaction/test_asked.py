"""Numbers that only the question before names; expectations written by hand."""

from typing import Any

import pytest

from wow_flywheel.conversations.redaction.asked import CUE_WORDS, asked_for
from wow_flywheel.conversations.redaction.rows import redact_row

ANSWERED = [
    ("What is your phone number?", "4155552671", "<PHONE_1>"),
    ("Could I have your mobile, please", "sure, it's 415 5552671.", "sure, it's <PHONE_1>."),
    ("I'll need your phone number.", "65686553", "<PHONE_1>"),
    ("Your passport number please?", "512345678", "<PASSPORT_1>"),
    ("Your passport number please?", "It is C01X00T47", "It is <PASSPORT_1>"),
    ("Your passport, please?", "It's 512345678, thanks", "It's <PASSPORT_1>, thanks"),
    ("您的护照号？", "AB1234567", "<PASSPORT_1>"),
    ("请提供一下您的手机号码", "好的，是65673663", "好的，是<PHONE_1>"),
    ("请问您的身份证号是多少", "110105194912310021", "<ID_1>"),
    ("What is your social security number?", "123 45 6789", "<ID_1>"),
    ("And your ID number?", "A1234567", "<ID_1>"),
    ("What's your driver's license number?", "D123-456-78-901-2", "<LICENCE_1>"),
    ("Can you give me your tax ID?", "12-3456789", "<TAX_1>"),
    ("Please read me the card number.", "4111 1111 1111 1112", "<CARD_1>"),
    ("请输入银行卡号", "6222020000000000001", "<CARD_1>"),
    ("When were you born?", "4 May 1990", "<BIRTH_1>"),
    ("您的出生日期？", "1990年5月4日", "<BIRTH_1>"),
    ("What is your password?", "hunter2aB", "<KEY_1>"),
    ("Name and phone number?", "Ann, ４１５５５５２６７１", "Ann, <PHONE_1>"),
]
NOT_ANSWERED = [
    ("What is your order number?", "4155552671"),
    ("We sell phones. What is your order number?", "4155552671"),
    ("What is your phone number?", "my order is 4155552671"),
    ("What is your phone number?", "it cost $1234567, on 2026-11-05"),
    ("What is your phone number?", "I have no phone, only 2 cats"),
    ("Is this about a passport?", "yes, 3 of them for 2026-11-05"),
    ("Your passport was sent on Monday.", "512345678"),
    ("What is your user id number?", "1234567"),
    ("What is your password?", "I forgot it 2 days ago"),
    ("Shall I charge the card?", "no, 4 of 5 were late"),
    ("您的订单号是多少？手机已发货。", "65673663"),
]


def said(role: str, content: str | None, arguments: str | None = None) -> dict[str, Any]:
    calls = [{"id": None, "name": "f", "arguments": arguments}] if arguments else None
    return {"role": role, "content": content, "tool_calls": calls}


def redacted(*messages: dict[str, Any]) -> list[str]:
    row = {"conversation_id": "c", "user_id": "u", "messages": list(messages), "feedback": None}
    return [each["content"] for each in redact_row(row)["messages"]]


@pytest.mark.parametrize(("question", "answer", "expected"), ANSWERED)
def test_a_number_that_answers_is_found_whoever_asked(question: str, answer: str, expected: str) -> None:
    assert redacted(said("assistant", question), said("user", answer)) == [question, expected]
    assert redacted(said("user", question), said("assistant", answer)) == [question, expected]
    assert redacted(said("user", answer))[0] == answer


@pytest.mark.parametrize(("question", "answer"), NOT_ANSWERED)
def test_other_numbers_stay(question: str, answer: str) -> None:
    assert redacted(said("assistant", question), said("user", answer)) == [question, answer]


def test_the_question_reaches_over_pieces_and_tools_but_not_over_another_turn() -> None:
    assert redacted(
        said("assistant", "Your phone number?"),
        said("assistant", "I need it to find you."),
        said("tool", '{"n": 4155552672}'),
        said("user", "Sure."),
        said("user", "4155552671"),
        said("assistant", "Thanks."),
        said("user", "Order 12, 4155552673"),
    )[2:] == ['{"n": 4155552672}', "Sure.", "<PHONE_1>", "Thanks.", "Order 12, 4155552673"]


def test_what_was_told_is_found_where_it_is_said_again() -> None:
    messages = [
        said("assistant", "Your passport number please?"),
        said("user", "512345678"),
        said("assistant", None, '{"q": "no 512345678", "n": 512345678, "m": 5123456789}'),
        said("assistant", "So it is 512345678?"),
        said("user", "Yes, 512345678, not 5123456789"),
    ]
    row = {"conversation_id": "c", "user_id": "u", "messages": messages, "feedback": {"comment": "took 512345678"}}
    done = redact_row(row)
    assert [each["content"] for each in done["messages"]][1:] == [
        "<PASSPORT_1>", None, "So it is <PASSPORT_1>?", "Yes, <PASSPORT_1>, not 5123456789",
    ]  # fmt: skip
    assert done["messages"][2]["tool_calls"][0]["arguments"] == '{"q": "no <PASSPORT_1>", "n": "<PASSPORT_1>", "m": 5123456789}'
    assert done["feedback"]["comment"] == "took <PASSPORT_1>"
    assert done["redactions"] == 6


@pytest.mark.parametrize("question", [question for question, _, _ in ANSWERED])
def test_every_question_has_a_word_that_the_screen_looks_for(question: str) -> None:
    assert asked_for(question)
    assert any(word in question.lower() for word in CUE_WORDS)
