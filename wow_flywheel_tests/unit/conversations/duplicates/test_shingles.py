"""Words and shingles: English by words, Chinese by characters, and hashes that stay what they are."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.conversations.duplicates import shingles as module
from wow_flywheel.conversations.duplicates.shingles import shingles, words


def cut(text: str) -> list[str]:
    data = text.encode()
    starts, ends = words(np.frombuffer(data, np.uint8))
    return [data[start:end].decode() for start, end in zip(starts, ends, strict=True)]


def shingled(*texts: str) -> list[list[int]]:
    found = []
    for hashes, begins in shingles(pl.Series(texts, dtype=pl.String)):
        found += [hashes[begin:end].tolist() for begin, end in pairwise(begins)]
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x03Where is my order_7?\x04<EMAIL_1>, 12.50!", ["Where", "is", "my", "order_7", "EMAIL_1", "12", "50"]),
        ("我要退款，谢谢。", ["我", "要", "退", "款", "谢", "谢"]),
        ("退 iPhone15款", ["退", "iPhone15", "款"]),
        ("Überweisung für Zoë — привет", ["Überweisung", "für", "Zoë", "привет"]),
        ("ありがとう 감사합니다 😀ok", [*"ありがとう", *"감사합니다", "😀", "ok"]),
        ("", []),
        ("...", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_a_text_of_n_words_has_n_shingles_of_three() -> None:
    one, other = shingled("\x03a b c d", "\x03x b c d")
    assert len(one) == len(other) == 4
    assert one[1:] == other[1:]
    assert one[0] != other[0]


def test_case_of_ascii_and_punctuation_do_not_count_and_the_order_of_words_does() -> None:
    plain, loud, turned = shingled(
        "\x03please refund order seven", "\x03PLEASE refund, Order seven!", "\x03order refund please seven"
    )
    assert plain == loud
    assert set(plain).isdisjoint(turned[:2])


def test_texts_do_not_run_into_each_other() -> None:
    assert shingled("\x03a b", "\x03c d", "", "\x03e") == [*shingled("\x03a b"), *shingled("\x03c d"), [], *shingled("\x03e")]


@given(st.lists(st.text(st.sampled_from("ab1_ .\x04é退款，。😀"), max_size=12).map("\x03{}".format), min_size=1, max_size=6))
def test_a_batch_gives_what_each_text_gives_alone(texts: list[str]) -> None:
    assert shingled(*texts) == [each for text in texts for each in shingled(text)]


@given(st.text(st.characters(max_codepoint=0x7FF, exclude_categories=["Cs"])))
def test_the_short_way_cuts_as_the_general_way(text: str) -> None:
    general = cut(f"退 {text}")[1:]
    assert cut(f" {text}") == general


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_is_cut_into_whole_characters(text: str) -> None:
    assert all(word in text for word in cut(text))


def test_small_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"\x03the order {number} 退款 is late" for number in range(40)]
    expected = shingled(*texts)
    monkeypatch.setattr(module, "BATCH_BYTES", 64)
    assert shingled(*texts) == expected


def test_stored_hashes_never_change() -> None:
    """Fingerprints of earlier days hang on these: another value needs another `VERSION`."""
    assert module.VERSION == 1
    assert shingled("\x03Where is my order?", "\x03退款") == STORED


STORED = [
    [16862977499407321826, 2421240392364181630, 16483490648280087880, 13674894748795002750],
    [17819706746651439041, 14110191506632578900],
]
