"""Duplicates and caps: what a dataset leaves out, why, and that it is always the same."""

from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.contracts import DUPLICATES, FINGERPRINTS, STALE_CASES
from wow_flywheel.datasets.build import build_datasets
from wow_flywheel.datasets.limits import Limits, limited
from wow_flywheel.datasets.recipe import Recipe
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.cases.rows import DAY, NOON, frame
from wow_flywheel_tests.unit.datasets.good_cases import TRAINED_ON, conversation, conversations, labels, next_day, pair, pairs
from wow_flywheel_tests.unit.inspection.talk import agent, user


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def rows(*users: str) -> pl.DataFrame:
    """A row of each user, in order, ids r0, r1, …"""
    ids = [f"r{number}" for number in range(len(users))]
    return pl.DataFrame({"dt": [DAY] * len(users), "conversation_id": ids, "user_id": users, "split": ["train"] * len(users)})


def templates(*names: str) -> pl.DataFrame:
    ids = [f"r{number}" for number in range(len(names))]
    found = {"dt": [DAY] * len(names), "conversation_id": ids, "template_hash": names}
    return pl.DataFrame(found, schema={"dt": pl.Date, "conversation_id": pl.String, "template_hash": pl.String})


def fingerprint(conversation_id: str, template: str = "t", dt=DAY) -> dict[str, object]:
    return {
        "dt": dt, "conversation_id": conversation_id, "started_at": NOON, "algorithm": "a", "exact_hash": conversation_id,
        "template_hash": template,
    }  # fmt: skip


def duplicate(conversation_id: str, of: str, dt=DAY) -> dict[str, object]:
    return {
        "dt": dt,
        "conversation_id": conversation_id,
        "kind": "exact",
        "of_dt": DAY,
        "of_conversation_id": of,
        "similarity": 1.0,
    }


def test_a_customer_has_no_more_rows_than_the_cap() -> None:
    kept, left_out = limited(rows(*"aaaab"), "conversation_id", templates(), Limits(per_user=2))
    assert kept["user_id"].to_list() == ["a", "a", "b"]
    assert left_out == {"user_cap": 2, "template_cap": 0}


def test_a_script_has_no_more_rows_than_the_cap_on_each_side() -> None:
    both = rows(*"abcdefg").with_columns(split=pl.Series(["train"] * 4 + ["held_out"] * 3))
    kept, left_out = limited(both, "conversation_id", templates(*"ssssss"), Limits(per_template=1))
    assert kept["split"].to_list() == ["train", "held_out", "held_out"]
    assert kept["conversation_id"].to_list()[-1] == "r6", "it has no fingerprint, so it is under no cap"
    assert left_out == {"user_cap": 0, "template_cap": 4}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_draw_does_not_depend_on_the_order(seed: int) -> None:
    all_rows = rows(*"aaaaaabbbbbbcccccc")
    scripts = templates(*"xxyyxyxyxyyxxxyxyy")
    limits = Limits(per_user=4, per_template=5)
    expected, _ = limited(all_rows, "conversation_id", scripts, limits)
    shuffled = all_rows.sample(fraction=1, shuffle=True, seed=seed)
    kept, _ = limited(shuffled, "conversation_id", scripts.sample(fraction=1, shuffle=True, seed=9), limits)
    assert kept.sort("conversation_id").equals(expected.sort("conversation_id"))
    assert 5 < expected.height <= 10


def test_the_draw_is_not_the_first_rows_alone() -> None:
    kept, _ = limited(rows(*["a"] * 40), "conversation_id", templates(), Limits(per_user=10))
    assert kept["conversation_id"].to_list() != [f"r{number}" for number in range(10)]


def fill(lake: Lake) -> None:
    """Three Good Cases and their pairs: b repeats a, c repeats something that is no longer there."""
    talks = [conversation(name, user_id) for name, user_id in zip("abc", TRAINED_ON, strict=True)]
    lake.replace("conversations", conversations(*talks), DAY)
    lake.replace("cases", labels("good", *talks), DAY)
    lake.replace(
        "preference_pairs", pairs(*(pair(f"{name}#1", user) for name, user in zip("abc", TRAINED_ON, strict=True))), DAY
    )
    lake.replace("fingerprints", frame(FINGERPRINTS, *(fingerprint(name) for name in "abc")), DAY)
    lake.replace("duplicates", frame(DUPLICATES, duplicate("b", "a"), duplicate("c", "gone")), DAY)


def test_duplicates_are_in_neither_dataset_unless_their_original_is_gone(lake: Lake) -> None:
    fill(lake)
    built = build_datasets(lake, "c1", [DAY])
    assert built.sft["conversation_id"].to_list() == ["a", "c"]
    assert built.preferences["pair_id"].to_list() == ["a#1", "c#1"]
    assert {name: {why: n for why, n in by.items() if n} for name, by in built.left_out.items()} == {
        "sft_dataset": {"duplicate": 1}, "preference_dataset": {"duplicate": 1},
    }  # fmt: skip
    assert {"duplicates", "fingerprints"} < set(built.versions)


def test_an_original_outside_of_the_cycles_days_counts(lake: Lake) -> None:
    fill(lake)
    copy = conversation("d", "ada", dt=next_day())
    other = conversation("e", "bo", dt=next_day())
    lake.replace("conversations", conversations(copy, other), next_day())
    lake.replace("cases", labels("good", copy, other), next_day())
    lake.replace("duplicates", frame(DUPLICATES, duplicate("d", "a", next_day())), next_day())
    assert build_datasets(lake, "c1", [next_day()]).sft["conversation_id"].to_list() == ["e"]


def test_the_caps_hold_for_pairs_as_well(lake: Lake) -> None:
    fill(lake)
    lake.replace("preference_pairs", pairs(*(pair(f"x#{turn}", "ada") for turn in range(9))), DAY)
    built = build_datasets(lake, "c1", [DAY], Recipe(limits=Limits(per_user=3)))
    assert built.preferences.height == 3
    assert {why: n for why, n in built.left_out["preference_dataset"].items() if n} == {"user_cap": 6}


def test_what_a_changed_policy_made_stale_is_in_neither_dataset_and_counted(lake: Lake) -> None:
    fill(lake)
    mark = {"conversation_id": "c", "policy_id": "late", "why": "changed", "marked_at": NOON}
    lake.replace("stale_cases", frame(STALE_CASES, mark), DAY)
    built = build_datasets(lake, "c1", [DAY])
    assert built.sft["conversation_id"].to_list() == ["a"]
    assert built.preferences["pair_id"].to_list() == ["a#1"]
    assert {name: by["stale"] for name, by in built.left_out.items()} == {"sft_dataset": 1, "preference_dataset": 1}
    assert built.versions["stale_cases"] == 1, "a rebuild leaves out the same"
    lake.replace("stale_cases", STALE_CASES.empty(), DAY)
    assert build_datasets(lake, "c1", [DAY]).sft["conversation_id"].to_list() == ["a", "c"]


def test_what_an_earlier_cycle_trained_on_is_not_replayed_while_it_is_stale(lake: Lake) -> None:
    fill(lake)
    lake.replace("sft_dataset", build_datasets(lake, "c0", [DAY]).sft, "c0")
    lake.replace("preference_dataset", build_datasets(lake, "c0", [DAY]).preferences, "c0")
    copies = [
        conversation(f"n{i}", "ada", dt=next_day(), messages=[user(f"Where is order {i}?"), agent("Here.")]) for i in range(9)
    ]
    lake.replace("conversations", conversations(*copies), next_day())
    lake.replace("cases", labels("good", *copies), next_day())
    recipe = Recipe(replay_share=1.0, limits=Limits(per_user=99, per_template=99))
    replayed = build_datasets(lake, "c1", [next_day()], recipe).sft.filter(pl.col("from_cycle").is_not_null())
    assert "a" in replayed["conversation_id"].to_list()
    mark = {"conversation_id": "a", "policy_id": "late", "why": "changed", "marked_at": NOON}
    lake.replace("stale_cases", frame(STALE_CASES, mark), DAY)
    replayed = build_datasets(lake, "c1", [next_day()], recipe).sft.filter(pl.col("from_cycle").is_not_null())
    assert "a" not in replayed["conversation_id"].to_list()
