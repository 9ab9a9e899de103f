"""The table of a day's findings by rule, and parameters written out as literals."""

from typing import Any

import pytest

from wow_flywheel.errors import QueryError
from wow_flywheel.queries import literal, parse
from wow_flywheel.rules.registry import load_rules
from wow_flywheel.rules.summary import by_rule
from wow_flywheel_tests.unit.inspection.talk import agent, user
from wow_flywheel_tests.unit.rules.talk import findings
from wow_flywheel_tests.unit.rules.test_engine import ANGRY


def test_each_rule_has_a_row_and_the_busiest_is_first() -> None:
    rows = by_rule(findings(ANGRY, [user("Hi"), agent("Hello.")]), conversations=2)
    assert rows.height == len(load_rules())
    assert rows.select("rule", "issue type", "severity", "findings", "conversations", "share").row(0) == (
        "blaming", "poor_empathy", "major", 2, 1, "50.0 %",
    )  # fmt: skip
    assert rows.select("findings", "share").row(-1) == (0, "0.0 %")


def test_a_day_without_conversations_has_a_table_too() -> None:
    assert by_rule(findings([]), conversations=0)["findings"].sum() == 0


@pytest.mark.parametrize(
    ("value", "written"),
    [("it's", "'it''s'"), (3, "3"), (0.9, "0.9::DOUBLE"), (True, "TRUE"), (None, "NULL"), (["a", 1], "['a', 1]")],
)
def test_a_parameter_is_written_as_duckdb_reads_it(value: Any, written: str) -> None:
    assert literal(value) == written


def test_parameters_are_written_out_save_in_strings_and_comments() -> None:
    text = "-- grain: one\n-- parameters: most = 4; word = \"it's $most\"\nSELECT $most, '$most', $word -- $most\n"
    assert parse("rules/x", text).text().splitlines()[2:] == ["SELECT 4, '$most', 'it''s $most' -- $most"]


def test_a_parameter_that_the_header_does_not_give_is_refused() -> None:
    with pytest.raises(QueryError, match=r"sql/rules/x\.sql uses \$most, which its header does not give"):
        parse("rules/x", "-- grain: one\nSELECT $most\n").text()
