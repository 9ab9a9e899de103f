"""A cycle without preference pairs: which labelled replies it may train on, and that its dialogues stay as they are."""

import datetime as dt
import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.contracts import DUPLICATES, SFT_DATASET, STALE_CASES
from wow_flywheel.datasets.build import Datasets, build_datasets
from wow_flywheel.datasets.contamination import TEXTS
from wow_flywheel.datasets.external import External
from wow_flywheel.datasets.files import write
from wow_flywheel.datasets.limits import Limits
from wow_flywheel.datasets.manifest import Manifest, Parents, counts_of, stage_of
from wow_flywheel.datasets.recipe import Recipe, read_recipe
from wow_flywheel.datasets.without_pairs import why_none
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
from wow_flywheel.training.rows import read_labelled
from wow_flywheel_tests.unit.cases.rows import DAY, frame
from wow_flywheel_tests.unit.datasets.bad_cases import TRAINED_ON, bad_talk, bad_talks, filled, good_talks
from wow_flywheel_tests.unit.datasets.good_cases import HELD_OUT_CUSTOMER, conversations, labels, pair, pairs
from wow_flywheel_tests.unit.datasets.test_leaks import talk, words

KTO = Recipe(without_pairs="kto")
NOTHING_LEFT_OUT = dict.fromkeys(
    ("duplicate", "held_out", "merged", "reserved_customer", "user_cap", "template_cap", "contaminated"), 0
)


def names(built: Datasets, label: str) -> set[str]:
    return set(built.labelled.filter(label=label)["conversation_id"])


def left_out(built: Datasets) -> dict[str, int]:
    return {why: count for why, count in built.left_out["labelled_dataset"].items() if count}


def with_bad(root: Path, *further: dict[str, Any]) -> Lake:
    return filled(root, good_talks(), [*bad_talks(), *further])


def test_last_replies_of_good_cases_and_turns_of_bad_ones_are_labelled(tmp_path: Path) -> None:
    built = build_datasets(filled(tmp_path, good_talks(), bad_talks()), "c1", [DAY], KTO)
    assert names(built, "good") == {f"g{n}" for n in range(12)} & set(built.sft.filter(split="train")["conversation_id"])
    assert names(built, "bad") == {f"b{n}" for n in range(12)}
    assert built.left_out["labelled_dataset"] == NOTHING_LEFT_OUT
    assert built.counts["labelled_train"] == built.labelled.height
    assert set(built.labelled["split"]) == {"train"}


def test_by_default_there_are_none_and_the_dialogues_are_the_same_either_way(tmp_path: Path) -> None:
    lake = with_bad(tmp_path, bad_talk("near g0", TRAINED_ON[30], words("g0")))
    without, asked = build_datasets(lake, "c1", [DAY]), build_datasets(lake, "c1", [DAY], KTO)
    assert asked.labelled.height > 0
    assert without.labelled.is_empty()
    assert (set(without.left_out), "labelled_train" in without.counts) == ({"sft_dataset", "preference_dataset"}, False)
    assert without.sft.equals(asked.sft)
    files = write(asked, tmp_path / "cycle")
    assert (tmp_path / "cycle" / "labelled.train.jsonl").is_file()
    assert files.pop("labelled.train.jsonl")
    assert write(without, tmp_path / "cycle") == files
    assert not (tmp_path / "cycle" / "labelled.train.jsonl").exists(), "of a cycle that is built again"


def test_a_cycle_that_trains_on_pairs_has_none(tmp_path: Path) -> None:
    lake = filled(tmp_path, good_talks(), bad_talks())
    lake.replace("preference_pairs", pairs(pair("b0#1", HELD_OUT_CUSTOMER)), DAY)
    assert build_datasets(lake, "c1", [DAY], KTO).labelled.height > 0, "a held-out pair is not trained on"
    lake.replace("preference_pairs", pairs(pair("b0#1", TRAINED_ON[12])), DAY)
    built = build_datasets(lake, "c1", [DAY], KTO)
    assert built.preferences.filter(split="train").height == 1
    assert (built.labelled.height, "labelled_dataset" in built.left_out) == (0, False)


def test_nobody_who_is_held_out_is_labelled_nor_what_nearly_repeats_them(tmp_path: Path) -> None:
    held, near, same = (bad_talk(*each) for each in (
        ("held", HELD_OUT_CUSTOMER), ("near", TRAINED_ON[30], words("held")), ("again", TRAINED_ON[30]),
    ))  # fmt: skip
    near["messages"] = held["messages"]
    built = build_datasets(with_bad(tmp_path, held, near, same), "c1", [DAY], KTO)
    assert names(built, "bad") == {f"b{n}" for n in range(12)}
    assert left_out(built) == {"held_out": 3}, "customer, words, and customer of the words"


def test_what_another_cycle_held_out_is_not_labelled(tmp_path: Path) -> None:
    lake = filled(tmp_path, good_talks(), bad_talks())
    past = {"cycle": "c0", "dt": DAY, "conversation_id": "past", "user_id": TRAINED_ON[12], "scenario": "refund",
            "language": "en", "source": "good_case", "split": "held_out", "messages": []}  # fmt: skip
    lake.replace("sft_dataset", SFT_DATASET.conform(pl.DataFrame([past], schema_overrides=SFT_DATASET.columns)), "c0")
    built = build_datasets(lake, "c1", [DAY], KTO)
    assert names(built, "bad") == {f"b{n}" for n in range(1, 12)}
    assert left_out(built) == {"held_out": 1}


def test_what_hangs_together_with_both_sides_is_not_labelled(tmp_path: Path) -> None:
    """Its customer trains, and its words are those of a held-out conversation of a Good Case."""
    held = talk("held", HELD_OUT_CUSTOMER)
    both = bad_talk("both", TRAINED_ON[0])
    both["messages"] = held["messages"]
    built = build_datasets(filled(tmp_path, [*good_talks(), held], [*bad_talks(), both]), "c1", [DAY], KTO)
    assert "g0" in names(built, "good")
    assert left_out(built) == {"merged": 1}


def test_a_duplicate_is_not_labelled(tmp_path: Path) -> None:
    lake = filled(tmp_path, good_talks(), bad_talks())
    copied = {"conversation_id": "b3", "of_dt": DAY, "of_conversation_id": "b4", "kind": "exact", "similarity": 1.0}
    lake.replace("duplicates", frame(DUPLICATES, copied), DAY)
    built = build_datasets(lake, "c1", [DAY], KTO)
    assert names(built, "bad") == {f"b{n}" for n in range(12) if n != 3}
    assert left_out(built) == {"duplicate": 1}


def test_no_customer_has_more_than_their_share(tmp_path: Path) -> None:
    lake = with_bad(tmp_path, *(bad_talk(f"more{n}", TRAINED_ON[12]) for n in range(3)))
    capped = Recipe(without_pairs="kto", limits=Limits(per_user=2))
    built = build_datasets(lake, "c1", [DAY], capped)
    assert built.labelled.filter(user_id=TRAINED_ON[12]).height == 2
    assert left_out(built) == {"user_cap": 2}


def test_what_repeats_an_evaluation_set_is_left_out_by_name(tmp_path: Path) -> None:
    lake = filled(tmp_path, good_talks(), bad_talks())
    sets = pl.DataFrame([("exam", "line 1", words("b5"), None)], schema=TEXTS, orient="row")
    built = build_datasets(lake, "c1", [DAY], KTO, External(evaluation=sets))
    assert names(built, "bad") == {f"b{n}" for n in range(12) if n != 5}
    assert left_out(built) == {"contaminated": 1}
    found = built.contaminated.filter(table="labelled_dataset")
    assert set(found.select("row", "set", "of_row").rows()) == {("b5#1", "exam", "line 1")}


@pytest.mark.parametrize(("good", "bad"), [(12, 9), (12, 0)])
def test_too_few_of_a_label_are_none_and_are_counted(tmp_path: Path, good: int, bad: int) -> None:
    built = build_datasets(filled(tmp_path, good_talks(good), bad_talks(bad)), "c1", [DAY], KTO)
    there = built.sft.filter(split="train").height
    assert built.labelled.is_empty()
    assert left_out(built) == {why: n for why, n in (("too_few_good", there), ("too_few_bad", bad)) if n}
    assert built.counts["labelled_train"] == 0
    assert why_none(manifest(built)) == (
        f"{there} good and {bad} bad replies may be trained on, 10 of each are needed: its SFT model is the candidate"
    )


def manifest(built: Datasets, **more: Any) -> Manifest:
    counts = counts_of(built.sft, built.preferences, built.labelled)
    left = {f"{name}.left_out": dict(by) for name, by in built.left_out.items()}
    given = {"table_versions": {}, "files": {}, "recipe": built.recipe.to_mapping(), "candidate": stage_of(counts)} | more
    at = dt.datetime(2026, 3, 4, tzinfo=dt.UTC)
    return Manifest(
        cycle="c1", created_at=at, source_partitions=(DAY,), counts=counts | left, parents=Parents(base_model="m"), **given
    )


def test_the_manifest_counts_labels_and_issue_types_and_names_the_trainer(tmp_path: Path) -> None:
    lake = filled(tmp_path, good_talks(), bad_talks())
    asked = manifest(build_datasets(lake, "c1", [DAY], KTO))
    assert asked.counts["labelled_dataset.label"] == {"bad": 12, "good": asked.counts["sft_dataset.split"]["train"]}
    assert asked.counts["labelled_dataset.issue_type"] == {"hallucination": 6, "poor_empathy": 6}
    assert (asked.stage, asked.candidate, why_none(asked)) == ("kto", "kto", None)
    without = manifest(build_datasets(lake, "c1", [DAY]))
    assert not any(key.startswith("labelled") for key in without.counts)
    assert (without.stage, why_none(without)) == (
        "sft", "without preference pairs its SFT model is the candidate (WOW_WITHOUT_PAIRS=sft)",
    )  # fmt: skip


@pytest.mark.parametrize(("pairs", "stage"), [({"train": 3, "held_out": 1}, "dpo"), ({"held_out": 1}, "sft"), ({}, "sft")])
def test_a_manifest_from_before_kto_is_still_read(tmp_path: Path, pairs: dict[str, int], stage: str) -> None:
    old = {
        "cycle": "c1", "created_at": "2026-03-04T00:00:00Z", "source_partitions": ["2026-03-02"],
        "table_versions": {"cases": 3}, "files": {"sft.train.jsonl": "12ab"}, "algorithm": 3,
        "counts": {"preference_dataset.split": pairs},
        "recipe": {"limits": {"per_user": 50, "per_template": 50}, "general_share": 0.8, "knowledge_share": 0.1,
                   "replay_share": 0.25, "replay_decay": 0.5, "split_similarity": 0.8, "validation_share": 0},
        "parents": {"base_model": "m", "previous_release": None},
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(old))
    loaded = Manifest.load(tmp_path / "manifest.json")
    assert (loaded.candidate, loaded.stage) == (None, stage)
    assert Recipe.from_mapping(loaded.recipe) == Recipe(without_pairs="sft")


def test_the_setting_is_part_of_the_recipe() -> None:
    for value, expected in (("", "sft"), ("sft", "sft"), ("kto", "kto")):
        env = {"WOW_WITHOUT_PAIRS": value}
        assert read_recipe(env, Settings.from_env(env)).without_pairs == expected
    assert Recipe.from_mapping(KTO.to_mapping()) == KTO


def test_the_trainer_reads_the_file_whose_lines_name_the_customer(tmp_path: Path) -> None:
    built = build_datasets(filled(tmp_path, good_talks(), bad_talks()), "c1", [DAY], KTO)
    write(built, tmp_path)
    file, good = tmp_path / "labelled.train.jsonl", built.labelled["label"] == "good"
    assert [reply.good for reply in read_labelled(file)] == good.to_list()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert next(line for line in lines if line["conversation_id"] == "b0") == {
        "prompt": [{"role": "user", "content": words("b0")}],
        "completion": [{"role": "assistant", "content": f'{{"knowledge":[],"reply":"No. {words("b0", 4)}","action":null}}'}],
        "label": False, "issue_type": "hallucination", "conversation_id": "b0", "reply_id": "b0#1", "user_id": TRAINED_ON[12],
    }  # fmt: skip
    assert {line["issue_type"] for line in lines if line["label"]} == {""}


def test_the_same_rows_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    good, bad = good_talks(), bad_talks()
    first = write(build_datasets(filled(tmp_path / "a", good, bad), "c1", [DAY], KTO), tmp_path / "one")
    lake = filled(tmp_path / "b", good, bad)
    for name in ("conversations", "cases", "inspections"):
        rows = lake.read(name, DAY)
        lake.replace(name, rows.sample(fraction=1, shuffle=True, seed=random.Random(name).randrange(99)), DAY)
    assert write(build_datasets(lake, "c1", [DAY], KTO), tmp_path / "other") == first
    assert "labelled.train.jsonl" in first


def test_a_label_that_a_changed_policy_made_stale_is_not_used(tmp_path: Path) -> None:
    lake = filled(tmp_path, good_talks(), bad_talks())
    at = dt.datetime(2026, 3, 3, tzinfo=dt.UTC)
    lake.append("stale_cases", frame(STALE_CASES, {"conversation_id": "b7", "policy_id": "p", "why": "gone", "marked_at": at}))
    assert names(build_datasets(lake, "c1", [DAY], KTO), "bad") == {f"b{n}" for n in range(12) if n != 7}


def test_without_bad_cases_nothing_fails(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    lake.replace("conversations", conversations(*good_talks()), DAY)
    lake.replace("cases", labels("good", *good_talks()), DAY)
    built = build_datasets(lake, "c1", [DAY], KTO)
    assert left_out(built) == {"too_few_good": built.sft.filter(split="train").height}
