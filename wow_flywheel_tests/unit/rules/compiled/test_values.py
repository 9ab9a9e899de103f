"""Casts, cases, JSON and plain text of any text are, compiled, what DuckDB and Polars make of it."""

import json

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.dialogue import normalised
from wow_flywheel.rules.compiled.letters import cased, plain
from wow_flywheel_tests.unit.rules.compiled.beside import compiled_rows, duckdb_rows

NUMBER = st.text(alphabet="0123456789", max_size=40)
NUMBERS = st.one_of(
    st.builds("{}{}.{}".format, st.sampled_from(["", "-", "+", " "]), NUMBER, NUMBER), NUMBER,
    st.text(alphabet="0123456789.+-eE_, xinfa\t٣", max_size=12),
)  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="ab/~", max_size=3), inner, max_size=3),
    max_leaves=6,
).map(json.dumps)
ODD_JSON = st.sampled_from([
    "", " {} ", '{"a": 1, "a": 2}', '{"a": 1,}', '{"a": NaN}', '{"a": -0}', '{"a": 1e400}', "{'a': 1}", '{"a": "\\ud83d"}',
    '{"a": "\\u4e2d"}', '{"a": 1.50}', '\ufeff{"a": 1}', '{"a": "\t"}', '[{"a": 1}]', '{"a": 12345678901234567890123}', "{",
])  # fmt: skip
EACH = """
SELECT
    try_cast(t AS DECIMAL(38, 4)), try_cast(t AS INTEGER), lower(t), upper(t), trim(t), length(t), strlen(t), left(t, 3),
    substr(t, 2, 2), t[2:3], string_split(t, ' '), regexp_extract_all(t, '\\d+'), regexp_extract(t, '(?i)[a-k]+'),
    regexp_replace(t, '[\\p{P}\\s]+', ' ', 'g'), regexp_matches(t, '\\bx|\\p{Han}$'), t || '!', t > 'm', strpos(t, 'a')
FROM texts
"""
KEYS = """
SELECT json_valid(t), CASE WHEN json_valid(t) THEN json_type(t) END, CASE WHEN json_valid(t) THEN json_keys(t) END,
    CASE WHEN json_valid(t) THEN json_extract_string(t, '/a') END
FROM texts
"""


def same(sql: str, texts: list[str]) -> None:
    frames = {"texts": pl.DataFrame({"t": texts}, schema={"t": pl.String})}
    assert compiled_rows(sql, frames) == duckdb_rows(sql, frames)


@given(texts=st.lists(st.text(max_size=12) | NUMBERS, min_size=30, max_size=60))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_any_text(texts: list[str]) -> None:
    same(EACH, texts)


@given(texts=st.lists(JSON | ODD_JSON, min_size=20, max_size=40))
@settings(max_examples=6, deadline=None, derandomize=True)
def test_any_json(texts: list[str]) -> None:
    same(KEYS, texts)


def test_odd_numbers_by_hand() -> None:
    texts = [
        "1e5", "1_000", " 12 ", "1.23455", "-1.23455", "1.", ".5", "-", "+7", "", "inf", "nan", "0x1F", "12e", "1e-5", "-0",
        "00012", "9" * 33, "9" * 34, "9" * 35, "0." + "9" * 60, "9" * 33 + ".99999", "٣", "1.2.3", "12345678901", "1\n",
    ]  # fmt: skip
    same(EACH, texts)


def test_the_case_of_every_letter() -> None:
    letters = [chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000]
    frames = {"texts": pl.DataFrame({"t": letters})}
    wrong = [
        letter
        for letter, small, large in duckdb_rows("SELECT t, lower(t), upper(t) FROM texts", frames)
        if (cased("lower")(letter), cased("upper")(letter)) != (small, large)
    ]
    assert wrong == []


def test_plain_text_of_every_letter() -> None:
    letters = [chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000]
    made = pl.select(normalised(pl.lit(pl.Series(letters)) + "B" + pl.lit(pl.Series(letters)))).to_series().to_list()
    assert [letter for letter, wanted in zip(letters, made, strict=True) if plain(f"{letter}B{letter}") != wanted] == []


@given(text=st.text(alphabet=st.sampled_from("aΣσß İ.,!？，中 \n\t\u00a0\u3000'-"), max_size=20))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_plain_text_of_several_letters(text: str) -> None:
    assert plain(text) == pl.select(normalised(pl.lit(text))).item()
