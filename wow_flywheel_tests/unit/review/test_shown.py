"""Texts in pieces: quotes marked where they stand, and nothing invisible."""

from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.review.shown import Piece, laid_out, pieces, pretty


def test_quotes_may_overlap() -> None:
    assert pieces("abcdef", {0: "bcd", 1: "de", 2: "zz"}) == [
        Piece("a"),
        Piece("bc", findings=(0,)),
        Piece("d", findings=(0, 1)),
        Piece("e", findings=(1,)),
        Piece("f"),
    ]


def test_what_cannot_be_seen_is_an_escape_and_an_emoji_stays_whole() -> None:
    assert pieces("a\u202eb\x1b\n", {}) == [
        Piece("a"),
        Piece("\\u202e", escape=True),
        Piece("b"),
        Piece("\\x1b", escape=True),
        Piece("\n"),
    ]
    assert pieces("👩\u200d🔧", {}) == [Piece("👩\u200d🔧")]


@given(st.text(), st.text(), st.text())
def test_no_text_is_lost(text: str, one: str, other: str) -> None:
    found = pieces(text, {0: one, 1: other})
    restored = "".join(each.text.encode().decode("unicode_escape") if each.escape else each.text for each in found)
    assert restored == text


def test_json_is_laid_out_unless_that_breaks_a_quote() -> None:
    assert pretty('{"a":"退款"}') == '{\n  "a": "退款"\n}'
    assert pretty("[1") == "[1"
    assert laid_out('{"a":1,"b":2}', ['"a":1,"b"']) == '{"a":1,"b":2}'
