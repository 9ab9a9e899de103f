"""What is redacted, what is not, and that JSON stays JSON; expectations written by hand."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.conversations.redaction.json_text import redact_broken, redact_json, redact_text
from wow_flywheel.conversations.redaction.numbers import chinese_id, luhn
from wow_flywheel.conversations.redaction.placeholders import Redactor, pseudonym
from wow_flywheel_tests.effort import examples

PERSONAL = {
    "write to ann.lee+shop@mail.example.co.uk, please": "write to <EMAIL_1>, please",
    "我的邮箱是zhang_san@qq.com，谢谢": "我的邮箱是<EMAIL_1>，谢谢",
    "邮箱：ｌi＠qq.com": "邮箱：<EMAIL_1>",
    "jörg.müller@exämple.de": "<EMAIL_1>",
    "call +1 (415) 555-2671 or +14155552671": "call <PHONE_1> or <PHONE_1>",
    "(415) 555-2671": "<PHONE_1>",
    "415-555-2671 is my cell": "<PHONE_1> is my cell",
    "415.555.2671!": "<PHONE_1>!",
    "415 555 2671": "<PHONE_1>",
    "1-800-555-0199": "<PHONE_1>",
    "my number is 555-123-2002.": "my number is <PHONE_1>.",
    "Phone: 4155552671": "Phone: <PHONE_1>",
    "London +44 (0)20 7946 0958 100": "London <PHONE_1> 100",
    "Paris +33 1 42 68 53 00": "Paris <PHONE_1>",
    "0044 20 7946 0958": "<PHONE_1>",
    "手机13800138000": "手机<PHONE_1>",
    "请打138 0013 8000或138-0013-8000": "请打<PHONE_1>或<PHONE_1>",
    "+8613800138000，或者008613800138000": "<PHONE_1>，或者<PHONE_1>",
    "电话１３８００１３８０００": "电话<PHONE_1>",
    "座机010-62345678转8": "座机<PHONE_1>转8",
    "(0755) 8234 5678": "<PHONE_1>",
    "+86 10 6234 5678": "<PHONE_1>",
    "电话是65686553、65673663。": "电话是<PHONE_1>、<PHONE_2>。",
    "客服400-810-1234": "客服<PHONE_1>",
    "card 4111 1111 1111 1111 exp 12/27": "card <CARD_1> exp 12/27",
    "4111-1111-1111-1111": "<CARD_1>",
    "4111 1111 1111 1111 123": "<CARD_1> 123",
    "amex 378282246310005": "amex <CARD_1>",
    "3782 822463 10005": "<CARD_1>",
    "银联卡6222020000000000000": "银联卡<CARD_1>",
    "身份证11010519491231002X": "身份证<ID_1>",
    "身份证号：110105 19491231 002x": "身份证号：<ID_1>",
    "SSN 123-45-6789": "SSN <ID_1>",
    "my social security number is 123456789": "my social security number is <ID_1>",
    "a@b.com or A@B.com, not c@b.com": "<EMAIL_1> or <EMAIL_1>, not <EMAIL_2>",
    "13800138000-13900139000": "<PHONE_1>-<PHONE_2>",
}
ORDINARY = [
    "The balance is $122.22, it was 1,234,567.89 in 2020.",
    "on 2020-05-12 at 19:53:34, 12/12/2001, 05.12.2020 15:00",
    "2026-11-05T08:15:30.364854Z",
    "order 123456, then order 998877",
    "order number 1234567 of 20200512",
    "items 1008292230 and 9523456873",
    "reservation ZFA04Y, flight HAT271, user_id mia_li_3668",
    "credit_card_4082102 and gift_card_8541487",
    "#W2378156",
    "barcode 9931939443153",
    "tracking SF1380013800012345",
    "epoch 1589313214, in ms 1589313214000",
    "uuid 550e8400-e29b-41d4-a716-446655440000",
    "1.2345678 and +1.2345678 and 0.13800138000",
    "version 10.0.19045.3803, ip 127.0.0.1",
    "人均消费133元，评分4.8分，门票60元，5月1日至10月31日",
    "周一至周日 11:00-21:00，地址是朝阳区建国路93号院12号楼1508",
    "订单号123456，共3件，合计￥1299.00",
    "price 100 - 200 - 300, size 10 x 20 x 30",
    "1234 5678 9012 3456 fails the Luhn check",
    "110105194912310021 has a wrong check digit",
    "ISBN 978-7-111-40701-0",
    "call me at 2020-05-12 19:30",
    "meet @noon, see @all",
    "+3 000 000 points",
    "0012345678",
    "",
]


@pytest.mark.parametrize(("text", "expected"), PERSONAL.items())
def test_personal_values_are_replaced(text, expected):
    assert redact_text(text)[0] == expected


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_numbers_stay(text):
    assert redact_text(text) == (text, 0)


def test_the_count_is_of_replacements_not_of_values():
    assert redact_text("a@b.com, a@b.com and 13800138000") == ("<EMAIL_1>, <EMAIL_1> and <PHONE_1>", 3)


def test_one_conversation_shares_its_placeholders():
    redactor = Redactor()
    assert redactor.redact("it is +86 138 0013 8000") == "it is <PHONE_1>"
    assert redactor.redact("you said 13800138000, and 13900139000?") == "you said <PHONE_1>, and <PHONE_2>?"
    assert redact_json(redactor, '{"phone": 13800138000}') == '{"phone": "<PHONE_1>"}'
    assert redactor.count == 4


def test_checksums_known_to_be_right():
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
    assert chinese_id("11010519491231002X")
    assert not chinese_id("110105194912310021")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"to": "a@b.com", "n": 1.50, "ok": true}', '{"to": "<EMAIL_1>", "n": 1.50, "ok": true}'),
        ('{"to": "a\\u0040b.com"}', '{"to": "<EMAIL_1>"}'),
        ('{"note": "line\\n13800138000"}', '{"note": "line\\n<PHONE_1>"}'),
        ('{"phone_number": "4155552671", "order": "4155552671"}', '{"phone_number": "<PHONE_1>", "order": "4155552671"}'),
        ('{"phoneNumber":4155552671,"total":4155552671}', '{"phoneNumber":"<PHONE_1>","total":4155552671}'),
        ('{"phones": [13800138000, 13900139000]}', '{"phones": ["<PHONE_1>", "<PHONE_2>"]}'),
        ('{"inner": "{\\"mobile\\": 13800138000}"}', '{"inner": "{\\"mobile\\": \\"<PHONE_1>\\"}"}'),
        ('[4111111111111111, 110105194912310029]', '["<CARD_1>", 110105194912310029]'),
        ('{"a@b.com": 1}', '{"<EMAIL_1>": 1}'),
        ("13800138000", '"<PHONE_1>"'),
        ("{'phone': '13800138000'}", "{'phone': '<PHONE_1>'}"),
    ],
)  # fmt: skip
def test_json_stays_json_and_all_else_byte_for_byte(text, expected):
    assert redact_json(Redactor(), text) == expected


def test_numbers_of_a_tool_result_stay():
    text = '{"id": 13800138000, "at": 1589313214000, "amount": 123456789.5, "ids": [1008292230, 9523456873], "e": 1e30}'
    assert redact_json(Redactor(), text) == text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"content": "a\\u0040b.com", "x"', '{"content": "<EMAIL_1>", "x"'),
        (b"\xff\xfe caf\xe9@x.com 13800138000", "\ufffd\ufffd <EMAIL_1> <PHONE_1>"),
        ("mail a@b.com".encode("utf-16-le"), "mail <EMAIL_1>"),
        ("电话13800138000".encode("gbk"), "\ufffd绰<PHONE_1>"),
        (b"13800138000 " * 3, "<PHONE_1> <PHONE_1> <PHONE_1> "),
    ],
)
def test_broken_lines_are_redacted_too(data, expected):
    assert redact_broken(data, 1000).replace("\ufffd\ufffd\ufffd绰", "\ufffd绰")[-len(expected) :] == expected


def test_a_cut_leaves_no_part_of_a_number():
    line = b"x" * 80 + b" 4111 1111 1111 1111 and more"
    assert redact_broken(line, 95) == "x" * 80


def test_ids_that_are_personal_are_hashed_and_stay_distinct():
    redactor = Redactor()
    phone, other = pseudonym(redactor, "13800138000"), pseudonym(redactor, "13900139000")
    assert phone.startswith("anon-")
    assert phone != other
    assert phone == pseudonym(Redactor(), "13800138000")
    assert redactor.count == 2
    assert pseudonym(redactor, "u-9523456873") == "u-9523456873"


values = st.sampled_from(
    ["ann.lee@mail.example", "13800138000", "+1 415-555-2671", "4111 1111 1111 1111", "11010519491231002X", "123-45-6789"]
)
prose = st.text(st.characters(exclude_categories=["Cs", "Nd"], exclude_characters="@"), max_size=20)


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.tuples(prose, values), min_size=1, max_size=4), prose)
def test_no_planted_value_survives_in_prose(parts, tail):
    text = "".join(f"{before} {value} " for before, value in parts) + tail
    redacted, count = redact_text(text)
    assert count >= len(parts)
    assert not any(value in redacted for _, value in parts)


@settings(max_examples=examples(200), deadline=None)
@given(st.text(st.sampled_from('0123456789 -.()+@a中:,<>PHONE_{}[]"\\u'), max_size=60))
def test_redaction_is_idempotent(text):
    once, _ = redact_text(text)
    assert redact_text(once) == (once, 0)


nodes = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
    | values,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.just("phone") | values, inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=examples(200), deadline=None)
@given(nodes, st.booleans())
def test_json_stays_json(node, ascii_only):
    text = json.dumps(node, ensure_ascii=ascii_only)
    redactor = Redactor()
    redacted = redact_json(redactor, text)
    assert type(json.loads(redacted)) in {type(node), str}
    assert redactor.count or redacted == text
    assert redact_json(Redactor(), redacted) == redacted
