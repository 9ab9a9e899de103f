"""A frame is redacted exactly as its rows are, one by one, and the screen never leaves out a text that holds something."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.redaction.catalogue import KINDS
from wow_flywheel.conversations.redaction.frame import _Changes, redact_frame
from wow_flywheel.conversations.redaction.json_text import redact_content, redact_json
from wow_flywheel.conversations.redaction.kinds import narrow
from wow_flywheel.conversations.redaction.names import as_personal
from wow_flywheel.conversations.redaction.placeholders import Redactor
from wow_flywheel.conversations.redaction.rows import redact_row
from wow_flywheel.conversations.redaction.screen import SIGNS, signs_of, suspicious
from wow_flywheel_tests.effort import examples

COLUMNS = {
    name: dtype
    for name, dtype in CONVERSATIONS.columns.items()
    if name not in {"dt", "redactions", "source_file", "source_line"}
}
VALUES = [
    "ann.lee@mail.example", "ａｎｎ＠mail.example", "13800138000", "１３８００１３８０００", "+1 415-555-2671", "010-62345678",
    "4111 1111 1111 1111", "11010519491231002X", "123-45-6789", "DE89 3704 0044 0532 0130 00", "203.0.113.7", "2001:db8::1",
    "00:1A:2b:3C:4d:5E", "sk-aB3dE5gH7jK9mN2pQ4rS6tU8vW1x", "https://h.example/a?token=abc123xyz",
    "postgres://a:s3cret@h.example/x", "221B Baker Street", "1600 Pennsylvania Ave NW, Apt 4", "12 maple avenue",
    "P.O. Box 1234", "中关村大街27号3单元502室", "我家在朝阳区建国路93号院12号楼1508", "E12345678", "passport no. 512345678",
    "护照号 AB1234567", "driver's license D1234567", "驾驶证：110105194912", "tax ID 12-3456789", "税号91110108MA01ABCDE1",
    "京A12345", "粤BD12345", "born on 5 May 1990", "DOB: 04/04/1990", "1990年5月4日出生", "Bearer abcdefghijklmnopqrstuv",
    "phone 4155552671", "ssn 123456789", "Ann Lee", "ann", "张三", "张先生", "han_solo7", "Will", "电话65686553、65673663",
    "NORA QUIST", "nora's", "<nora", "Petra. Quist", "norah",
    "дима@почта.рф", "ann@例子.公司", "张三@qq.com", "glpat-aB3dE5gH7jK9mN2pQ4rS", "SG.aB3dE5gH7jK9mN2p.aB3dE5gH7jK9mN2pQ4",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEF\n-----END PRIVATE KEY-----",
    "password: hunter2", "密码是abcdef",
    "https://h.example/cb?code=aB3dE5gH7jK9mN2pQ4", "https://h.example/reset/0a1b2c3d4e5f60718293",
    "https://h.example/d/aB3dE5gH7jK9mN2pQ4rS6tU8vW", "身份证号110105491231002", "npm_aB3dE5gH7jK9mN2pQ4rS6tU8vW1xY0",
]  # fmt: skip
ASKED = ["Your phone number?", "护照号是多少", "Please give me your card number and passport.", "Your password?", "Born when?"]
GIVEN = ["512345678", "４１５５５５２６７１", "4155552671", "hunter2aB", "4 May 1990", '{"n": 512345678}', '"\\u003512345678"']
BY_FIELD = {
    "Ann Lee", "ann", "张三", "张先生", "han_solo7", "Will", "NORA QUIST", "nora's", "<nora", "Petra. Quist", "norah",
}  # fmt: skip
NAMES = [
    "Nora Quist",
    "nora",
    "Petra Quist",
    "Nan Quist",
    "Ann Lee",
    "张三",
    "Will Young",
    "han_solo7",
    "null",
    "José O'Brien-Smith",
    "司马相如",
]
KEYS = [
    "CustomerName",
    "customer_name",
    "phone",
    "dob",
    "passport_no",
    "tax_id",
    "shipping_address",
    "note",
    "name",
    "姓名",
    "用户名",
    "card_number",
    "password",
    "api_key",
]

loose = st.text(st.sampled_from('0123456789 -.()+@a中:/,<>PHONE_{}[]"\\u号室路护照born'), max_size=24) | st.text(max_size=8)
pieces = st.lists(st.sampled_from(VALUES) | st.sampled_from(NAMES) | loose, max_size=4)
prose = st.tuples(pieces, st.sampled_from([" ", "", ", ", "，", "\n", "\t"])).map(lambda drawn: drawn[1].join(drawn[0]))
leaves = prose | st.sampled_from([4155552671, 13800138000, 4111111111111111, 19900404, 1.5]) | st.none()
objects = st.recursive(
    st.dictionaries(st.sampled_from(KEYS) | prose, leaves, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from([*KEYS, "customer"]), inner | st.lists(inner, max_size=2), max_size=2),
    max_leaves=3,
)


@st.composite
def json_texts(draw: Any) -> str:
    text = json.dumps(draw(objects), ensure_ascii=draw(st.booleans()))
    if draw(st.booleans()):
        text = json.dumps({"note": text}, ensure_ascii=draw(st.booleans()))
    return text.replace("/", "\\/") if draw(st.booleans()) else text


texts = prose | json_texts()
labels = st.none() | st.sampled_from(["refund", "Nora", "nora quist", "call_13800138000", "mail_ann@x.example", "u-1"]) | texts
call_ids = st.none() | st.sampled_from(["call_1", "13800138000", "ann.lee@mail.example"])


@st.composite
def rows(draw: Any) -> dict[str, Any]:
    messages = []
    for _ in range(draw(st.integers(0, 4))):
        calls = st.lists(st.fixed_dictionaries({"id": call_ids, "name": st.just("f") | labels, "arguments": texts}), max_size=2)
        messages.append(
            {
                "role": draw(st.sampled_from(["user", "assistant", "tool"])),
                "content": draw(st.none() | texts | st.sampled_from([*ASKED, *GIVEN])),
                "created_at": None,
                "action": draw(labels),
                "tool_calls": draw(st.none() | calls),
                "tool_call_id": draw(call_ids),
                "usage": None,
            }
        )
    feedback = {"thumb": None, "score": 4.0, "comment": draw(st.none() | prose)}
    ids = st.sampled_from(["c1", "u-9523456873", "13800138000", "ann.lee@mail.example", "u（ａ＠b.com）"])
    return dict.fromkeys(COLUMNS) | {
        **{name: draw(labels) for name in ("channel", "scenario", "locale", "model")},
        "extra": draw(st.none() | json_texts()),
        "conversation_id": draw(ids),
        "user_id": draw(ids),
        "messages": messages,
        "feedback": draw(st.sampled_from([None, feedback])),
    }


@settings(max_examples=examples(80), deadline=None)
@given(st.lists(st.tuples(rows(), st.none() | st.lists(st.sampled_from(NAMES), max_size=2)), max_size=4))
def test_a_frame_is_redacted_as_its_rows_are(drawn: list[tuple[dict[str, Any], list[str] | None]]) -> None:
    expected, kept, kept_at_once = [], [], []
    for row, given_names in drawn:
        personal = [found for name in given_names or () if (found := as_personal(name))]
        expected.append(redact_row(row, personal, keep=lambda *each: kept.append(each)))
    frame = pl.DataFrame([row for row, _ in drawn], schema=COLUMNS)
    named = frame.with_columns(pl.Series("personal", [names for _, names in drawn], dtype=pl.List(pl.String)))
    redacted = redact_frame(named, keep=lambda *each: kept_at_once.append(each))
    assert redacted.schema == pl.Schema(COLUMNS | {"redactions": pl.Int64})
    assert redacted.to_dicts() == pl.DataFrame(expected, schema=redacted.schema).to_dicts()
    assert kept_at_once == kept
    assert redact_frame(named).equals(redacted)


SAID_AGAIN = [
    *ASKED, *GIVEN, "So 512345678, is it?", "Not hunter2aB", "4 May 1990!", "May 4, 1990", "1 2 3 4 5 6 7 8 and flat 22",
    "Flat 22.", "1 2 3 4 5 6 7 8", '{"n": 415, "m": [4155552671]}', "a4155552671", "(4155552671)", "Order 51234567 of 1990.",
    "１９９０ 4 May 1990",
]  # fmt: skip


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "tool"]), st.sampled_from(SAID_AGAIN)), max_size=8))
def test_an_answer_that_is_said_again_is_found_as_in_its_row(said: list[tuple[str, str]]) -> None:
    rest = dict.fromkeys(("created_at", "action", "tool_call_id", "usage", "tool_calls"))
    messages = [{"role": role, "content": content} | rest for role, content in said]
    row = dict.fromkeys(COLUMNS) | {"conversation_id": "c", "user_id": "u", "messages": messages}
    expected = redact_row(row)
    found = redact_frame(pl.DataFrame([row], schema=COLUMNS)).to_dicts()[0]
    assert [each["content"] for each in found["messages"]] == [each["content"] for each in expected["messages"]]
    assert found["redactions"] == expected["redactions"]


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(texts, max_size=6))
def test_a_text_that_changes_has_passed_the_screen(drawn: list[str]) -> None:
    passed = suspicious(pl.Series(drawn, dtype=pl.String)).to_list()
    for text, looked_at in zip(drawn, passed, strict=True):
        changed = redact_json(Redactor(), text) != text or redact_content(Redactor(), text) != text
        assert looked_at or not changed, text


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(prose, max_size=4))
def test_a_kind_that_is_found_has_left_its_sign(drawn: list[str]) -> None:
    assert {kind.sign for kind in KINDS} == {name for name, _, _ in SIGNS}
    for text in map(narrow, drawn):
        found = {kind.sign for kind in KINDS if any(map(kind.find, kind.pattern.finditer(text)))}
        assert found <= signs_of(text), text


@pytest.mark.parametrize("value", [value for value in VALUES if value not in BY_FIELD])
@pytest.mark.parametrize("frame", ["{}", "x {} y", "是{}，谢谢", "({})", "\n{}\n"])
def test_each_kind_passes_and_is_found(value: str, frame: str) -> None:
    text = frame.format(value)
    assert Redactor().redact(text) != text
    assert suspicious(pl.Series([text, json.dumps({"note": text}), json.dumps({"note": text}, ensure_ascii=False)])).all()


@pytest.mark.parametrize(
    "text", ["Hello, how can I help?", "at 10:30 on 2020-05-12 for 4 people, $12.50", "订单号123456，共3件", ""]
)
def test_the_screen_leaves_out_ordinary_texts(text: str) -> None:
    assert not suspicious(pl.Series([text])).any()


def test_a_frame_without_rows_keeps_its_columns() -> None:
    assert redact_frame(pl.DataFrame(schema=COLUMNS)).schema == pl.Schema(COLUMNS | {"redactions": pl.Int64})


def test_names_of_tool_results_are_redacted_everywhere_and_shared_by_the_parts() -> None:
    tool = {"role": "tool", "content": '{"customer_name": "Ann Lee", "status": "ok"}', "tool_calls": None}
    said = {"role": "user", "content": "I am Ann Lee, ann for short. An apple?", "tool_calls": None}
    rest = dict.fromkeys(("created_at", "action", "tool_call_id", "usage"))
    row = dict.fromkeys(COLUMNS) | {"conversation_id": "c", "user_id": "u", "messages": [said | rest, tool | rest]}
    redacted = redact_frame(pl.DataFrame([row], schema=COLUMNS)).to_dicts()[0]
    assert [each["content"] for each in redacted["messages"]] == [
        "I am <NAME_1>, <NAME_1> for short. An apple?",
        '{"customer_name": "<NAME_1>", "status": "ok"}',
    ]
    assert redacted["redactions"] == 3


def test_easy_names_are_replaced_in_all_texts_of_a_conversation_together() -> None:
    def said(role: str, content: str | None, arguments: str | None = None) -> dict[str, Any]:
        calls = [{"id": None, "name": "f", "arguments": arguments}] if arguments else None
        absent = dict.fromkeys(("created_at", "action", "tool_call_id", "usage"))
        return {"role": role, "content": content, "tool_calls": calls, **absent}

    messages = [
        said("user", "Petra"),
        said("assistant", "quist here", '{"CustomerName": "Nora Quist", "passenger": "Petra Holm"}'),
        said("tool", "Dear PETRA, nora.QUIST and norah"),
    ]
    row = dict.fromkeys(COLUMNS) | {"conversation_id": "c1", "user_id": "u1", "messages": messages}
    other = row | {"conversation_id": "c2", "messages": [said("user", "Nora Quist")]}
    redacted = redact_frame(pl.DataFrame([row, other], schema=COLUMNS))
    first, second = redacted["messages"].to_list()
    assert [each["content"] for each in first] == [
        "<NAME_1>",
        "<NAME_2> here",
        "Dear <NAME_1>, <NAME_2> and norah",
    ]
    assert first[1]["tool_calls"][0]["arguments"] == '{"CustomerName": "<NAME_2>", "passenger": "<NAME_1>"}'
    assert [each["content"] for each in second] == ["Nora Quist"]
    assert redacted["redactions"].to_list() == [6, 0]


def test_a_word_that_only_looks_odd_does_not_have_every_text_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = dict.fromkeys(("created_at", "action", "tool_call_id", "usage", "tool_calls"))
    messages = [{"role": "user", "content": "I am Nora Quist."} | rest, {"role": "assistant", "content": "Hello, Nora!"} | rest]
    row = dict.fromkeys(COLUMNS) | {"conversation_id": "c", "user_id": "u", "messages": messages, "personal": ["Nora Quist"]}
    frame = pl.DataFrame([row | {"model": "agent@human"}] * 3, schema=COLUMNS | {"personal": pl.List(pl.String)})
    told = frame.with_columns(model=pl.lit("ann.lee@mail.example"))
    assert redact_frame(told)["model"].to_list() == ["<EMAIL_1>"] * 3
    monkeypatch.setattr(_Changes, "redact", None)  # of one conversation, text by text: not needed here
    redacted = redact_frame(frame)
    assert redacted["model"].to_list() == ["agent@human"] * 3
    assert [each["content"] for each in redacted["messages"][2]] == ["I am <NAME_1>.", "Hello, <NAME_1>!"]


@pytest.mark.parametrize("known", [(), ("NAME", "Nora Quist")], ids=["values", "names alone"])
def test_what_is_nested_too_deep_to_be_parsed_may_hold_strings_that_are_none(known: tuple[str, str]) -> None:
    redactor = Redactor.knowing([known] if known else ())
    redactor.kinds = not known
    text = "[" * 100_000 + '"\\q Nora Quist ann@mail.example"'
    assert redact_content(redactor, text).endswith(' <NAME_1> ann@mail.example"' if known else ' Nora Quist <EMAIL_1>"')


@pytest.mark.parametrize("apart", ["", ";"], ids=["in one turn", "in many"])
def test_an_answer_among_many_numbers_is_found_again(apart: str) -> None:
    rest = dict.fromkeys(("created_at", "action", "tool_call_id", "usage", "tool_calls"))
    numbers = f", {apart}".join(["4155552671", *(f"{place} {place}" for place in range(100, 400))])
    given = numbers.split(apart) if apart else [numbers]
    said = [("assistant", ASKED[0]), *(("user", each) for each in given), ("assistant", "So 4155552671, is it?")]
    messages = [{"role": role, "content": content} | rest for role, content in said]
    row = dict.fromkeys(COLUMNS) | {"conversation_id": "c", "user_id": "u", "messages": messages}
    assert redact_frame(pl.DataFrame([row], schema=COLUMNS))["messages"][0][-1]["content"] == "So <PHONE_1>, is it?"
