"""What a contract does to a frame: filled, cast, put in order, or refused with the table and the column named."""

import datetime as dt

import polars as pl
import pytest

from wow_flywheel.contracts import TABLES, Contract, Drift
from wow_flywheel.errors import ContractError

DAY = dt.date(2026, 3, 2)


def visits(drift: Drift = Drift.FREEZE) -> Contract:
    return Contract(
        name="visits",
        version=3,
        grain="one visit",
        columns={"dt": pl.Date, "visit": pl.String, "mood": pl.String, "minutes": pl.Int64, "tags": pl.List(pl.String)},
        required=("dt", "visit"),
        key=("visit",),
        drift=drift,
        pattern={"mood": ("calm", "angry")},
    )


def rows(**changes: object) -> pl.DataFrame:
    return pl.DataFrame({"minutes": [5, 7], "visit": ["a", "b"], "dt": [DAY, DAY], "mood": ["calm", None]} | changes)


def test_columns_come_in_order_cast_and_missing_nullable_ones_as_nulls() -> None:
    shaped = visits().conform(rows(minutes=pl.Series([5, 7], dtype=pl.Int8)))
    assert dict(shaped.schema) == visits().columns
    assert shaped.columns == ["dt", "visit", "mood", "minutes", "tags"]
    assert shaped.rows() == [(DAY, "a", "calm", 5, None), (DAY, "b", None, 7, None)]


def test_no_rows_need_no_columns() -> None:
    assert visits().conform(pl.DataFrame()).equals(visits().empty())


def test_an_unknown_column_is_refused_dropped_or_kept() -> None:
    frame = rows(weather=["dry", "wet"])
    with pytest.raises(ContractError, match=r"table visits v3 does not know the columns \['weather'\]"):
        visits().conform(frame)
    assert "weather" not in visits(Drift.DISCARD).conform(frame).columns
    evolved = visits(Drift.EVOLVE).conform(frame)
    assert evolved.columns == ["dt", "visit", "mood", "minutes", "tags", "weather"]
    assert evolved["weather"].to_list() == ["dry", "wet"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"visit": ["a", None]}, r"visits v3: nulls in required columns \['visit'\]"),
        ({"mood": ["calm", "sad"]}, r"visits v3: 1 values of mood are not among \['calm', 'angry'\]"),
        ({"visit": ["a", "a"]}, r"visits v3: the key \['visit'\] repeats"),
        ({"minutes": ["5", "secret"]}, "visits v3: a column has the wrong type"),
        ({"tags": ["x", "y"], "minutes": [["x"], ["y"]]}, "visits v3: a column has the wrong type"),
    ],
    ids=["null", "closed set", "key", "value", "type"],
)
def test_what_breaks_the_contract_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ContractError, match=message) as refused:
        visits().conform(rows(**changes))
    assert refused.value.hint
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None, "the cause would show rows in the log of a run"


def test_a_missing_required_column_is_refused() -> None:
    with pytest.raises(ContractError, match=r"nulls in required columns \['visit'\]"):
        visits().conform(rows().drop("visit"))


def test_a_key_may_repeat_in_another_partition() -> None:
    assert visits().conform(rows(visit=["a", "a"], dt=[DAY, dt.date(2026, 3, 3)])).height == 2


@pytest.mark.parametrize("contract", TABLES.values(), ids=TABLES)
def test_every_table_promises_only_columns_that_it_has(contract: Contract) -> None:
    named = {*contract.required, *contract.key, contract.partition, *contract.pattern}
    assert named <= set(contract.columns)
    assert {*contract.key, contract.partition} <= set(contract.required)
    assert contract.conform(contract.empty()).schema == contract.empty().schema
