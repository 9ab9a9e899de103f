"""Every column is explained, once, and the page of the tables is the code's."""

from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.columns import ELSEWHERE, MEANING, as_markdown, meaning, type_name
from wow_flywheel.contracts import MESSAGE, TABLES

PAGE = Path(__file__).parents[3] / "docs" / "tables.md"


def test_every_column_has_a_meaning_and_no_meaning_is_left_over() -> None:
    columns = {(table.name, column) for table in TABLES.values() for column in table.columns}
    assert {column for _, column in columns} == set(MEANING)
    assert set(ELSEWHERE) <= columns


def test_a_word_may_mean_something_else_in_one_table() -> None:
    assert meaning("conversations", "model") == "the model that replied"
    assert meaning("evaluations", "model") == "the model that was evaluated"


@pytest.mark.parametrize(
    ("dtype", "name"),
    [(pl.String, "String"), (pl.List(pl.String), "List(String)"), (MESSAGE, "record"), (pl.List(MESSAGE), "list of records")],
)
def test_types_are_short(dtype: object, name: str) -> None:
    assert type_name(dtype) == name


def test_the_page_is_as_the_contracts_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), "run: python -m wow_flywheel.columns > docs/tables.md"
