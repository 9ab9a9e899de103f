"""Two days of the closed world as a cycle: what holds for every training row and every file."""

import datetime as dt
import gzip
import json
import random
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.closed_world.agents import PERFECT, FaultRates, ScriptedAgent
from wow_flywheel.closed_world.environment import ClosedWorld
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.datasets.build import Datasets, build_datasets
from wow_flywheel.datasets.files import write
from wow_flywheel.datasets.split import split_of
from wow_flywheel.dialogue import DialogueAction, assistant_actions
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.datasets.good_cases import conversation, conversations, labels, pair, pairs
from wow_flywheel_tests.unit.inspection.talk import agent, user

DAYS = (dt.date(2026, 3, 2), dt.date(2026, 3, 3))
COUNT = 80


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Conversations of two days, those of the first all good; a pair at the second turn of each of the second day's."""
    root = tmp_path_factory.mktemp("cycle")
    lake = Lake(str(root / "lake"))
    for day, rates, label in zip(DAYS, (PERFECT, FaultRates()), ("good", "bad"), strict=True):
        world = ClosedWorld(day)
        records = world.logs(ScriptedAgent(rates, random.Random(1)), world.episodes(COUNT, seed=1), "people")
        file = root / "logs" / f"dt={day}" / "conversations.jsonl.gz"
        file.parent.mkdir(parents=True)
        file.write_bytes(gzip.compress("".join(json.dumps(record) + "\n" for record in records).encode()))
        talks = read_day(LogSource.at(str(root / "logs")), day).conversations
        lake.replace("conversations", talks, day)
        lake.replace("cases", labels(label, *talks.to_dicts()), day)
    lake.replace("preference_pairs", pairs(*(second_turn(row) for row in talks.to_dicts())), DAYS[1])
    return lake


def second_turn(row: dict[str, Any]) -> dict[str, Any]:
    said = assistant_actions(row["messages"][1])[0]
    chosen = DialogueAction(reply="I am sorry. Which order is it?")
    shared = {name: row[name] for name in ("dt", "scenario")}
    sides = {"chosen": chosen.to_json(), "rejected": said.to_json()}
    return pair(f"{row['conversation_id']}#1", row["user_id"], row["messages"][:1], **shared, **sides)


@pytest.fixture(scope="module")
def built(lake: Lake) -> Datasets:
    return build_datasets(lake, "c1", DAYS)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_every_good_case_is_in_and_every_pair_but_those_that_repeat_a_held_out_one(built: Datasets) -> None:
    copied = built.left_out["preference_dataset"]["contaminated"]
    assert (built.sft.height, built.preferences.height) == (COUNT, COUNT - copied)
    assert 0 < copied < 10
    assert sum(built.counts.values()) == 2 * COUNT - copied
    assert min(built.counts.values()) > 5


def test_every_target_is_one_canonical_dialogue_action(built: Datasets) -> None:
    targets = [m["content"] for talk in built.sft["messages"] for m in talk if m["role"] == "assistant"]
    targets += [*built.preferences["chosen"], *built.preferences["rejected"]]
    assert len(targets) > 6 * COUNT
    for text in targets:
        parsed = DialogueAction.from_json(text)
        assert parsed is not None
        assert parsed.to_json() == text
        assert list(json.loads(text)) == ["knowledge", "reply", "action"]


def test_every_dialogue_ends_with_a_target_and_every_prompt_without(built: Datasets) -> None:
    assert {talk[-1]["role"] for talk in built.sft["messages"]} == {"assistant"}
    assert {prompt[-1]["role"] for prompt in built.preferences["prompt"]} <= {"user", "tool"}


def test_what_a_dialogue_says_and_does_is_what_was_logged(lake: Lake, built: Datasets) -> None:
    logged = {row["conversation_id"]: row["messages"] for row in lake.read("conversations", DAYS[0]).iter_rows(named=True)}
    for row in built.sft.iter_rows(named=True):
        told = [output for m in logged[row["conversation_id"]] if m["role"] == "assistant" for output in assistant_actions(m)]
        learnt = [DialogueAction.from_json(m["content"]) for m in row["messages"] if m["role"] == "assistant"]
        assert learnt == told
        heard = [m["content"] for m in logged[row["conversation_id"]] if m["role"] != "assistant"]
        assert [m["content"] for m in row["messages"] if m["role"] != "assistant"] == heard[: len(row["messages"]) - len(told)]


def test_no_customer_and_no_conversation_is_on_both_sides(built: Datasets) -> None:
    rows = pl.concat([frame.select("user_id", "conversation_id", "split") for frame in (built.sft, built.preferences)])
    train, held_out = (rows.filter(split=split) for split in ("train", "held_out"))
    for column in ("user_id", "conversation_id"):
        assert set(train[column]).isdisjoint(held_out[column])
    assert {split_of(user) for user in train["user_id"]} == {"train"}
    assert {split_of(user) for user in held_out["user_id"]} == {"held_out"}


def test_the_files_hold_the_rows_and_nothing_of_the_other_side(built: Datasets, tmp_path: Path) -> None:
    write(built, tmp_path)
    for name, frame in (("sft", built.sft), ("preferences", built.preferences)):
        for split in ("train", "held_out"):
            assert len(lines(tmp_path / f"{name}.{split}.jsonl")) == frame.filter(split=split).height
    text = (tmp_path / "sft.train.jsonl").read_text("utf-8")
    secret = built.sft.filter(split="held_out")
    assert not any(f'"{word}"' in text for column in ("user_id", "conversation_id") for word in secret[column])


def test_building_and_writing_again_gives_the_same_bytes_and_their_hashes(lake: Lake, built: Datasets, tmp_path: Path) -> None:
    hashes = write(built, tmp_path / "one")
    assert write(build_datasets(lake, "c1", DAYS[::-1]), tmp_path / "other") == hashes
    for name, digest in hashes.items():
        data = (tmp_path / "one" / name).read_bytes()
        assert (tmp_path / "other" / name).read_bytes() == data
        assert sha256(data).hexdigest() == digest


def test_the_versions_name_the_tables_that_the_rows_came_from(lake: Lake, built: Datasets) -> None:
    assert set(built.versions) == {"conversations", "cases", "preference_pairs"}
    then = {name: lake.read(name, version=version) for name, version in built.versions.items()}
    assert set(then["preference_pairs"]["pair_id"]) == {*built.preferences["pair_id"], *built.contaminated["row"]}
    good = then["cases"].filter(label="good")
    assert sorted(good["conversation_id"]) == sorted(built.sft["conversation_id"])


def test_a_talk_in_which_only_customers_speak_teaches_nothing(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    silent = conversation("a", "ada", [user("Hello?"), user("Anybody there?"), user("Bye.")])
    short = conversation("b", "ada", [user("Hello?"), agent("Yes?")])
    lake.replace("conversations", conversations(silent, short), DAYS[0])
    lake.replace("cases", labels("good", silent, short), DAYS[0])
    assert build_datasets(lake, "c1", DAYS[:1]).sft["conversation_id"].to_list() == ["b"]
