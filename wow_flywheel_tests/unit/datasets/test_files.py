"""The files of a cycle: what a line holds, and that equal rows give equal bytes whose hashes the manifest keeps."""

import datetime as dt
import json
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.datasets.build import Datasets
from wow_flywheel.datasets.files import write
from wow_flywheel.datasets.manifest import Manifest, Parents
from wow_flywheel.datasets.rows import preference_rows, sft_rows
from wow_flywheel.datasets.split import split_of
from wow_flywheel.errors import TrainingError
from wow_flywheel.training.rows import Pair, read_dialogues, read_pairs
from wow_flywheel_tests.unit.cases.rows import DAY
from wow_flywheel_tests.unit.datasets.good_cases import (
    ASK,
    DONE,
    HELD_OUT_CUSTOMER,
    conversation,
    conversations,
    labels,
    next_day,
    pair,
    pairs,
)
from wow_flywheel_tests.unit.inspection.talk import agent, user

FILES = ["preferences.held_out.jsonl", "preferences.train.jsonl", "sft.held_out.jsonl", "sft.train.jsonl"]
CHINESE = [user("多少钱？"), agent("58 元。\u2028含税。")]


def datasets(*users: str, shuffled: int | None = None) -> Datasets:
    """A Good Case and a pair of each customer, on two days; the source rows in order or shuffled."""
    rows = [conversation(f"c-{name}", name, CHINESE, dt=next_day(i % 2)) for i, name in enumerate(users)]
    found = [pair(f"p-{name}#1", name, dt=next_day(i % 2)) for i, name in enumerate(users)]
    frames = [labels("good", *rows), conversations(*rows), pairs(*found)]
    if shuffled is not None:
        frames = [frame.sample(fraction=1, shuffle=True, seed=shuffled) for frame in frames]
    sft, preferences = sft_rows(frames[0], frames[1], "c1"), preference_rows(frames[2], "c1")
    return Datasets(sft, preferences, (DAY, next_day()), {"cases": 3}, {}, {})


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def test_each_dataset_and_split_gets_a_file(tmp_path: Path) -> None:
    hashes = write(datasets("ada", "bo", HELD_OUT_CUSTOMER), tmp_path / "cycle" / "c1")
    assert sorted(path.name for path in (tmp_path / "cycle" / "c1").iterdir()) == sorted(hashes) == FILES
    assert {name: len(lines(tmp_path / "cycle" / "c1" / name)) for name in FILES} == {
        "preferences.held_out.jsonl": 1, "preferences.train.jsonl": 2, "sft.held_out.jsonl": 1, "sft.train.jsonl": 2,
    }  # fmt: skip


def test_a_line_of_dialogue_says_where_it_comes_from_and_keeps_its_text_as_it_is(tmp_path: Path) -> None:
    write(datasets("ada"), tmp_path)
    answer = '{"knowledge":[],"reply":"58 元。\u2028含税。","action":null}'
    messages = [{"role": "user", "content": "多少钱？"}, {"role": "assistant", "content": answer}]
    assert lines(tmp_path / "sft.train.jsonl") == [
        {"messages": messages, "conversation_id": "c-ada", "user_id": "ada", "scenario": "refund", "source": "good_case"}
    ]
    assert "多少钱？" in (tmp_path / "sft.train.jsonl").read_text("utf-8")


def test_a_line_of_preference_has_a_prompt_and_two_answers(tmp_path: Path) -> None:
    write(datasets("ada"), tmp_path)
    assert lines(tmp_path / "preferences.train.jsonl") == [
        {
            "prompt": [{"role": "user", "content": "Refund, please."}],
            "chosen": [{"role": "assistant", "content": ASK}],
            "rejected": [{"role": "assistant", "content": DONE}],
            "issue_type": "unclarified_demand",
            "conversation_id": "p-ada",
            "pair_id": "p-ada#1",
            "user_id": "ada",
        }
    ]


def test_the_trainers_read_what_is_written(tmp_path: Path) -> None:
    built = datasets("ada", "bo")
    write(built, tmp_path)
    assert read_dialogues(tmp_path / "sft.train.jsonl") == built.sft["messages"].to_list()
    assert (
        read_pairs(tmp_path / "preferences.train.jsonl")
        == [Pair([{"role": "user", "content": "Refund, please."}], ASK, DONE, "unclarified_demand")] * 2
    )


def test_a_split_without_rows_is_an_empty_file_that_trainers_refuse_in_plain_words(tmp_path: Path) -> None:
    hashes = write(datasets("ada"), tmp_path)
    assert (tmp_path / "sft.held_out.jsonl").read_bytes() == b""
    assert hashes["sft.held_out.jsonl"] == sha256(b"").hexdigest()
    with pytest.raises(TrainingError, match="has no rows → build the dataset again"):
        read_dialogues(tmp_path / "sft.held_out.jsonl")


def test_the_manifest_holds_the_files_own_hashes(tmp_path: Path) -> None:
    built = datasets("ada", "bo", HELD_OUT_CUSTOMER)
    Manifest(
        cycle="c1", created_at=dt.datetime(2026, 3, 4, tzinfo=dt.UTC), source_partitions=built.days,
        table_versions=dict(built.versions), files=write(built, tmp_path), counts={}, parents=Parents(base_model="tiny"),
    ).save(tmp_path / "manifest.json")  # fmt: skip
    kept = Manifest.load(tmp_path / "manifest.json").files
    assert kept == {name: sha256((tmp_path / name).read_bytes()).hexdigest() for name in FILES}
    assert len(set(kept.values())) == 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_rows_give_the_same_bytes_whatever_the_input_order(tmp_path: Path, seed: int) -> None:
    users = [f"customer-{number}" for number in range(60)]
    hashes = write(datasets(*users), tmp_path / "one")
    assert write(datasets(*users, shuffled=seed), tmp_path / "other") == hashes
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes() != b""


def test_other_rows_give_other_bytes_and_replace_the_files(tmp_path: Path) -> None:
    before = write(datasets("ada", "bo", "cy"), tmp_path)
    after = write(datasets("ada", "bo"), tmp_path)
    assert {name for name in FILES if before[name] != after[name]} == {"sft.train.jsonl", "preferences.train.jsonl"}
    assert len(lines(tmp_path / "sft.train.jsonl")) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def test_nothing_of_a_held_out_customer_is_written_to_a_training_file(tmp_path: Path) -> None:
    users = [f"customer-{number}" for number in range(60)]
    write(datasets(*users), tmp_path)
    held_out = {name for name in users if split_of(name) == "held_out"}
    assert {row["user_id"] for row in lines(tmp_path / "sft.held_out.jsonl")} == held_out
    written = (tmp_path / "sft.train.jsonl").read_text("utf-8")
    assert [name for name in users if f'"{name}"' not in written] == [name for name in users if name in held_out]


def test_rows_keep_the_order_of_the_dataset(tmp_path: Path) -> None:
    built = datasets("cy", "ada", "bo")
    write(built, tmp_path)
    order = built.sft.filter(pl.col("split") == "train")["conversation_id"].to_list()
    assert order == ["c-bo", "c-cy", "c-ada"]
    assert [row["conversation_id"] for row in lines(tmp_path / "sft.train.jsonl")] == order
