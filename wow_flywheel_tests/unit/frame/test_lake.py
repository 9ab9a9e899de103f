"""The lake: one partition at a time, each version whole."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.contracts import SATISFACTION_DAILY
from wow_flywheel.errors import ContractError
from wow_flywheel.lake import Lake, contract

TABLE = "satisfaction_daily"
MONDAY, TUESDAY = dt.date(2026, 3, 2), dt.date(2026, 3, 3)


def day(date: dt.date, **conversations: int) -> pl.DataFrame:
    return pl.DataFrame({"dt": date, "scenario": list(conversations), "conversations": list(conversations.values())})


def content(lake: Lake, date: dt.date | None = None, version: int | None = None) -> set[tuple[dt.date, str, int]]:
    read = lake.read(TABLE, date, version=version)
    return set(read.select("dt", "scenario", "conversations").iter_rows())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.at(str(tmp_path / "lake"))


def test_a_table_never_written_has_no_rows_and_no_version(lake: Lake) -> None:
    assert lake.read(TABLE, MONDAY).equals(SATISFACTION_DAILY.empty())
    assert (lake.exists(TABLE), lake.version(TABLE)) == (False, None)


def test_replacing_a_day_leaves_the_others(lake: Lake) -> None:
    lake.replace(TABLE, day(MONDAY, refund=1, cancel=2), MONDAY)
    lake.replace(TABLE, day(TUESDAY, refund=3), TUESDAY)
    lake.replace(TABLE, day(MONDAY, reship=4), MONDAY)
    assert content(lake) == {(MONDAY, "reship", 4), (TUESDAY, "refund", 3)}
    assert content(lake, MONDAY) == {(MONDAY, "reship", 4)}


def test_no_rows_empty_the_day_and_only_it(lake: Lake) -> None:
    lake.replace(TABLE, day(MONDAY, refund=1), MONDAY)
    lake.replace(TABLE, day(TUESDAY, refund=3), TUESDAY)
    lake.replace(TABLE, SATISFACTION_DAILY.empty(), MONDAY)
    assert content(lake) == {(TUESDAY, "refund", 3)}


def test_a_day_without_rows_makes_the_table(lake: Lake) -> None:
    lake.replace(TABLE, SATISFACTION_DAILY.empty(), MONDAY)
    assert lake.exists(TABLE)
    assert lake.read(TABLE).equals(SATISFACTION_DAILY.empty())
    lake.replace(TABLE, day(MONDAY, refund=1), MONDAY)
    assert content(lake) == {(MONDAY, "refund", 1)}


def test_rows_of_another_day_are_refused_and_nothing_is_written(lake: Lake) -> None:
    with pytest.raises(ContractError, match=r"rows outside the partition dt=2026-03-02"):
        lake.replace(TABLE, pl.concat([day(MONDAY, refund=1), day(TUESDAY, cancel=1)]), MONDAY)
    assert not lake.exists(TABLE)


def test_versions_grow_and_old_ones_can_be_read(lake: Lake) -> None:
    first = lake.replace(TABLE, day(MONDAY, refund=1), MONDAY)
    second = lake.replace(TABLE, day(MONDAY, refund=2), MONDAY)
    assert (second > first, lake.version(TABLE)) == (True, second)
    assert content(lake, version=first) == {(MONDAY, "refund", 1)}
    assert content(lake) == {(MONDAY, "refund", 2)}


def test_a_cycle_is_a_partition_whatever_its_name(lake: Lake) -> None:
    def rows(cycle: str, n: int) -> pl.DataFrame:
        identity = {"cycle": cycle, "model": "m", "metric": "rr", "higher_is_better": False, "kind": "offline"}
        return pl.DataFrame([identity | {"n": n}])

    for cycle, n in (("it's", 1), ("b", 2), ("it's", 3)):
        lake.replace("evaluations", rows(cycle, n), cycle)
    assert set(lake.read("evaluations").select("cycle", "n").iter_rows()) == {("it's", 3), ("b", 2)}
    assert lake.read("evaluations", "it's")["n"].to_list() == [3]


def test_appending_keeps_what_was_there(lake: Lake) -> None:
    def decision(label: str) -> pl.DataFrame:
        noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
        who = {"dt": MONDAY, "conversation_id": "c", "decided_by": "ann", "decided_at": noon}
        return pl.DataFrame([who | {"label": label}])

    lake.append("decisions", decision("good"))
    lake.append("decisions", decision("bad"))
    assert sorted(lake.read("decisions")["label"]) == ["bad", "good"]
    with pytest.raises(ContractError, match="values of label"):
        lake.append("decisions", decision("fine"))


def test_only_known_tables_have_a_place(lake: Lake) -> None:
    assert lake.table_uri(TABLE).endswith("/lake/satisfaction_daily")
    with pytest.raises(ContractError, match="no table is called 'cats'"):
        contract("cats")
