"""Where rewrites may be taken from."""

import datetime as dt

import polars as pl

from wow_flywheel.datasets.split import split_of
from wow_flywheel.defs.pairs.assets import good_conversations
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.cases.rows import a_case, cases, conversations

DAYS = [dt.date(2026, 3, day) for day in (1, 2, 3)]
TRAIN = next(f"user-{i}" for i in range(99) if split_of(f"user-{i}") == "train")
HELD_OUT = next(f"user-{i}" for i in range(99) if split_of(f"user-{i}") == "held_out")


def test_only_good_cases_of_recent_days_and_of_customers_on_the_training_side_serve_as_rewrites(lake: Lake) -> None:
    for day in DAYS:
        who = {"good": TRAIN, "bad": TRAIN, "secret": HELD_OUT}
        labels = {"good": "good", "bad": "bad", "secret": "good"}
        talks = pl.concat([conversations(f"{day}-{name}", user_id=user) for name, user in who.items()])
        lake.replace("conversations", talks.with_columns(dt=pl.lit(day)), day)
        labelled = cases(*(a_case(label, f"{day}-{name}") for name, label in labels.items()))
        lake.replace("cases", labelled.with_columns(dt=pl.lit(day)), day)
    found = good_conversations(lake, DAYS[2], days=2)
    assert found["conversation_id"].to_list() == ["2026-03-02-good", "2026-03-03-good"]
