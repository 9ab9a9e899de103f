"""The suite sees what it should see, and shows no text."""

import dataclasses
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.day_facts import Seen, earlier_days
from wow_flywheel.conversations.expectations import ExpectationOutcome, suite, validate
from wow_flywheel.conversations.ingest import DayRead
from wow_flywheel.conversations.thresholds import Thresholds
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.conversations.logs import DAY, line, read, record, write


def outcomes(day: DayRead, **changes: pl.Expr) -> dict[str, ExpectationOutcome]:
    found = validate(day.conversations.with_columns(**changes), day.counts)
    assert [(each.name, each.description, each.severity) for each in found] == suite()
    return {each.name: each for each in found}


def failed(day: DayRead, **changes: pl.Expr) -> dict[str, str]:
    return {name: each.severity for name, each in outcomes(day, **changes).items() if not each.passed}


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> DayRead:
    logs = tmp_path_factory.mktemp("logs")
    write(logs, b"\n".join(line(f"c-{number}") for number in range(3)))
    return read(logs)


def test_a_good_day_passes(day: DayRead) -> None:
    found = outcomes(day)
    assert all(each.passed and not each.unexpected_count for each in found.values())
    assert (found["times_ordered"].unexpected_count, found["few_duplicates"].unexpected_count) == (0, None)
    assert found["has_conversations"].observed == "3 conversations"
    assert found["few_lines_quarantined"].observed == "0.0% of the lines; at most 5% allowed"


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
    assert found["most_lines_readable"].observed == "100.0% of the lines; at most 50% allowed"


@pytest.mark.parametrize(
    ("earlier", "passed", "seen"),
    [
        ([], True, "too few earlier days to compare with"),
        ([90, 90], True, "too few earlier days to compare with"),
        ([3, 3, 90], True, "1 times the usual number; allowed 0.5 to 2"),
        ([6, 6, 6], True, "0.5 times the usual number; allowed 0.5 to 2"),
        ([7, 7, 7, 7], False, "0.43 times the usual number; allowed 0.5 to 2"),
        ([1, 1, 1], False, "3 times the usual number; allowed 0.5 to 2"),
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


NONE = "100.0% of the conversations have none; at most 50% allowed"
ONE_UNKNOWN = pl.when(pl.col("conversation_id") == "c-1").then(pl.lit("unknown")).otherwise("scenario")


@pytest.mark.parametrize(
    ("changes", "limit", "name", "seen"),
    [
        ({"channel": pl.lit(None, pl.String)}, {"null_channel": 0.5}, "channel_filled", NONE),
        ({}, {"null_locale": 0.5}, "locale_filled", NONE),
        ({"model": pl.lit(None, pl.String)}, {}, "model_filled", NONE),
        ({}, {"null_thumb": 0.5}, "thumb_filled", NONE),
        ({}, {"null_score": 0.5}, "score_filled", NONE),
        ({}, {"null_comment": 0.5}, "comment_filled", NONE),
        (
            {"scenario": ONE_UNKNOWN},
            {"unknown_scenario": 0.3},
            "scenario_known",
            "33.3% of the conversations; at most 30% allowed",
        ),
        (
            {"user_id": pl.lit("anonymous-c-1")},
            {},
            "customers_known",
            "100.0% of the conversations; at most 50% allowed",
        ),
        (
            {"user_id": pl.when(pl.col("conversation_id") == "c-1").then(pl.lit("anonymous-c-1")).otherwise("user_id")},
            {"anonymous": 0.3},
            "customers_known",
            "33.3% of the conversations; at most 30% allowed",
        ),
        ({}, {"messages": 1}, "length_plausible", "2 messages in the longest conversation; at most 1 allowed"),
    ],
)
def test_what_is_above_its_threshold_warns(
    day: DayRead, changes: dict[str, pl.Expr], limit: dict[str, float], name: str, seen: str
) -> None:
    found = validate(day.conversations.with_columns(**changes), day.counts, Thresholds(**limit))
    broken = {each.name: (each.severity, each.observed, each.unexpected_count) for each in found if not each.passed}
    assert broken == {name: ("warn", seen, None)}


@pytest.mark.parametrize(
    ("roles", "alternates"),
    [
        ("user assistant user assistant", True),
        ("system user assistant tool assistant user", True),
        ("user user assistant", False),
        ("user assistant assistant", False),
        ("system system user assistant tool tool assistant", True),
        ("user tool user system user", True),
    ],
)
def test_turns_of_the_same_role_in_a_row(day: DayRead, roles: str, alternates: bool) -> None:
    first = day.conversations["messages"][0][0]
    messages = [first | {"role": role, "created_at": None} for role in roles.split()]
    frame = day.conversations.with_columns(messages=pl.lit(messages, CONVERSATIONS.columns["messages"]))
    found = {each.name: each for each in validate(frame, day.counts)}["roles_alternate"]
    assert found.passed == alternates
    assert found.observed.startswith("0.0%" if alternates else "100.0%")


def test_scenarios_that_the_days_before_did_not_have(day: DayRead) -> None:
    def new(*scenarios: str, earlier: int = 3) -> tuple[bool, str]:
        found = validate(day.conversations, day.counts, earlier=[3] * earlier, scenarios=scenarios)
        return next((each.passed, each.observed) for each in found if each.name == "scenarios_seen_before")

    assert new("refund", "delivery") == (True, "0 new scenarios; at most 0 allowed")
    assert new("delivery") == (False, "1 new scenarios; at most 0 allowed")
    assert new("delivery", earlier=2) == (True, "too few earlier days to compare with")


def test_many_duplicates_warn(day: DayRead) -> None:
    twice = {**day.counts, "lines": 7, "duplicates": 4}
    found = [each for each in validate(day.conversations, twice) if not each.passed]
    assert [(each.name, each.observed) for each in found] == [("few_duplicates", "57.1% of the lines; at most 50% allowed")]
    ignored = {**day.counts, "lines": 5, "ignored": 2}
    assert all(each.passed for each in validate(day.conversations, ignored))


def test_conversations_counted_as_they_pass_give_the_same(day: DayRead) -> None:
    broken = day.conversations.with_columns(ended_at=pl.col("started_at") - timedelta(days=1), user_id=pl.lit(None, pl.String))
    doubled = pl.concat([broken, broken.head(1)])
    seen = Seen()
    for _ in range(2):
        passed = list(seen.passing(doubled.slice(place, 1) for place in range(doubled.height)))
    assert pl.concat(passed).equals(doubled)
    assert seen.id_repeats() == 1
    assert validate(seen, day.counts) == validate(doubled, day.counts)


def test_a_severity_can_be_set(day: DayRead) -> None:
    limits = Thresholds(severity={"volume_usual": "error", "ids_unique": "warn"})
    severities = {name: severity for name, _, severity in suite(limits)}
    assert (severities["volume_usual"], severities["ids_unique"], severities["times_ordered"]) == ("error", "warn", "error")
    found = {each.name: each.severity for each in validate(day.conversations, day.counts, limits)}
    assert found == severities


def test_what_the_days_before_had(day: DayRead, tmp_path: Path) -> None:
    lake = Lake.at(str(tmp_path / "lake"))
    assert earlier_days(lake, DAY) == ([], set())
    for before, rows in ((1, 3), (2, 2), (7, 1), (8, 3), (0, 3)):
        past = DAY - timedelta(days=before)
        frame = day.conversations.head(rows).with_columns(dt=past, scenario=pl.lit(f"s{before}"))
        lake.replace("conversations", frame, past)
    volumes, scenarios = earlier_days(lake, DAY)
    assert (sorted(volumes), scenarios) == ([1, 2, 3], {"s1", "s2", "s7"})


def test_thresholds_can_be_set(day: DayRead) -> None:
    strict = {each.name: each.passed for each in validate(day.conversations, day.counts, Thresholds(messages=1))}
    assert [name for name, passed in strict.items() if not passed] == ["length_plausible"]
