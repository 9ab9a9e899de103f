"""The suite sees what it should see, and shows no text."""

import dataclasses
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.conversations.expectations import ExpectationOutcome, Thresholds, suite, validate
from wow_flywheel.conversations.ingest import DayRead
from wow_flywheel_tests.unit.conversations.logs import line, read, record, write


def outcomes(day: DayRead, **changes: pl.Expr) -> dict[str, ExpectationOutcome]:
    found = validate(day.conversations.with_columns(**changes), day.counts)
    assert [(each.name, each.description, each.severity) for each in found] == suite()
    return {each.name: each for each in found}


def failed(day: DayRead, **changes: pl.Expr) -> dict[str, str]:
    return {name: each.severity for name, each in outcomes(day, **changes).items() if not each.passed}


@pytest.fixture
def day(tmp_path: Path) -> DayRead:
    write(tmp_path, b"\n".join(line(f"c-{number}") for number in range(3)))
    return read(tmp_path)


def test_a_good_day_passes(day: DayRead) -> None:
    found = outcomes(day)
    assert all(each.passed and each.unexpected_count == 0 for each in found.values())
    assert found["has_conversations"].observed == "3 conversations"
    assert found["few_lines_quarantined"].observed == "0.0% of the lines"


def test_an_empty_day_is_a_warning_in_words(tmp_path: Path) -> None:
    write(tmp_path, b"")
    found = outcomes(read(tmp_path))
    assert [name for name, each in found.items() if not each.passed] == ["has_conversations"]
    assert (found["has_conversations"].severity, found["has_conversations"].observed) == (
        "warn",
        "no conversations on this day",
    )


def test_a_day_with_every_line_broken_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, b"{\n" * 4)
    found = outcomes(read(tmp_path))
    assert {name: each.severity for name, each in found.items() if not each.passed} == {
        "has_conversations": "warn", "most_lines_readable": "error", "few_lines_quarantined": "warn",
    }  # fmt: skip
    assert found["most_lines_readable"].observed == "100.0% of the lines"


@pytest.mark.parametrize(
    ("earlier", "passed", "seen"),
    [
        ([], True, "too few earlier days to compare with"),
        ([90, 90], True, "too few earlier days to compare with"),
        ([3, 3, 90], True, "1 times the usual number"),
        ([6, 6, 6], True, "0.5 times the usual number"),
        ([7, 7, 7, 7], False, "0.43 times the usual number"),
        ([1, 1, 1], False, "3 times the usual number"),
    ],
)
def test_a_day_is_compared_with_those_before_it(day: DayRead, earlier: list[int], passed: bool, seen: str) -> None:
    found = {each.name: each for each in validate(day.conversations, day.counts, earlier=earlier)}["volume_usual"]
    assert (found.passed, found.severity, found.observed) == (passed, "warn", seen)


@pytest.mark.parametrize(("broken", "expected"), [
    (0, {}), (1, {"few_lines_quarantined": "warn"}), (10, {"few_lines_quarantined": "warn"}),
    (11, {"few_lines_quarantined": "warn", "most_lines_readable": "error"}),
])  # fmt: skip
def test_shares_of_quarantined_lines(tmp_path: Path, broken: int, expected: dict[str, str]) -> None:
    good = [line(f"c-{number}") for number in range(10)]
    write(tmp_path, b"\n".join([*good, *[b"{"] * broken]))
    assert failed(read(tmp_path)) == expected


def test_lines_that_do_not_add_up_are_an_error(day: DayRead) -> None:
    lost = dataclasses.replace(day, counts={**day.counts, "lines": 4})
    assert failed(lost) == {"every_line_accounted_for": "error"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"conversation_id": pl.lit("same")}, {"ids_unique": "error"}),
        ({"conversation_id": pl.lit(None, pl.String)}, {"ids_present": "error"}),
        ({"user_id": pl.lit(None, pl.String)}, {"customers_present": "error"}),
        ({"ended_at": pl.col("started_at") - timedelta(seconds=5)}, {"times_ordered": "error"}),
        ({"messages": pl.col("messages").list.reverse()}, {"messages_ordered": "warn"}),
        ({"messages": pl.col("messages").list.slice(1)}, {"user_speaks": "error"}),
        ({"messages": pl.col("messages").list.slice(0, 1)}, {"assistant_speaks": "warn"}),
        ({"scenario": pl.lit("unknown")}, {"scenario_known": "warn"}),
        (
            {"messages": pl.col("messages").list.eval(pl.element().struct.with_fields(role=pl.lit("robot")))},
            {"user_speaks": "error", "roles_known": "error", "assistant_speaks": "warn"},
        ),
    ],
)  # fmt: skip
def test_each_expectation_can_fail(day: DayRead, changes: dict[str, pl.Expr], expected: dict[str, str]) -> None:
    assert failed(day, **changes) == expected


def test_how_many_break_it_is_counted_without_showing_them(day: DayRead) -> None:
    late = pl.when(pl.col("conversation_id") == "c-1").then(pl.col("started_at") - timedelta(days=1))
    found = outcomes(day, ended_at=late.otherwise(pl.col("ended_at")))["times_ordered"]
    assert (found.passed, found.unexpected_count, found.observed) == (False, 1, "1 of 3 conversations break it")
    assert not any("c-1" in str(each) or record()["messages"][0]["content"] in str(each) for each in outcomes(day).values())


def test_thresholds_can_be_set(day: DayRead) -> None:
    strict = {each.name: each.passed for each in validate(day.conversations, day.counts, Thresholds(messages=1))}
    assert [name for name, passed in strict.items() if not passed] == ["length_plausible"]
