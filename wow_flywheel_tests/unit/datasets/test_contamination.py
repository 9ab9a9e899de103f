"""That every training set is scanned against all that is evaluated, however often a text leaked."""

import dataclasses
import json
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.datasets.build import build_datasets
from wow_flywheel.datasets.contamination import scan
from wow_flywheel.datasets.evaluated import SITES, read_evaluation_sets, site_texts
from wow_flywheel.datasets.external import read_external
from wow_flywheel.datasets.files import GENERAL_HELD_OUT, write
from wow_flywheel.datasets.recipe import Recipe, read_folders
from wow_flywheel.datasets.stored import stored_scan
from wow_flywheel.datasets.tables import Tables
from wow_flywheel.defs.evaluation.judge import general_texts
from wow_flywheel.errors import DatasetError
from wow_flywheel.evaluation.general import read_texts
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
from wow_flywheel_tests.unit.cases.rows import DAY, claim, inspections
from wow_flywheel_tests.unit.datasets.good_cases import HELD_OUT_CUSTOMER, conversation, conversations, labels
from wow_flywheel_tests.unit.datasets.test_leaks import rows, talk, words
from wow_flywheel_tests.unit.inspection.talk import agent, user


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    talks = [talk("a", "ada"), talk("b", "bo"), talk("e", HELD_OUT_CUSTOMER)]
    lake.replace("conversations", conversations(*talks), DAY)
    lake.replace("cases", labels("good", *talks), DAY)
    return lake


@pytest.mark.parametrize("copies", [1, 9, 10, 11, 30])
def test_a_text_that_leaked_is_found_however_many_training_rows_hold_it(copies: int) -> None:
    aside = words("aside", 200)
    training = rows(*(f"{words(f'p{i}', 200)} {aside} {words(f'q{i}', 200)}" for i in range(copies)), name="t")
    found = scan(training, rows(aside, name="e"), 0.8)
    assert set(found["row"]) == {f"t{i}" for i in range(copies)}
    assert set(found.select("set", "of_row", "similarity").iter_rows()) == {("e", "e0", 1.0)}


def test_a_text_that_leaked_is_found_though_several_rows_of_its_customer_are_evaluated() -> None:
    aside = words("aside", 200)
    evaluated = rows(*[aside] * 4, name="e").with_columns(customer=pl.lit("eli"))
    training = rows(*(f"{words(f'p{i}', 200)} {aside}" for i in range(30)), name="t")
    assert scan(training, evaluated, 0.8)["row"].n_unique() == 30


def test_what_several_customers_hear_is_a_script_only_where_training_is_full_of_it() -> None:
    """Nearly all of each talk is the script of 60 words: as a copy it would score 0.9."""
    script = words("script", 60)
    evaluated = rows(*(f"{script} {words(f'e{i}', 5)}" for i in range(3)), name="e")
    many, few = (rows(*(f"{script} {words(f't{i}', 5)}" for i in range(n)), name="t") for n in (30, 10))
    assert scan(many, evaluated, 0.8).filter(rule="runs").is_empty()
    assert scan(few, evaluated, 0.8).filter(rule="runs").height == 10
    assert scan(many, evaluated.head(2), 0.8).filter(rule="runs").height == 30


def general(root: Path) -> dict[str, str]:
    """Sixty rows of general data, and a set of the first twenty answers that general ability is measured on."""
    (root / "general").mkdir()
    answers = [words(f"g{i}", 40) for i in range(60)]
    lines = [json.dumps({"question": f"say {i}", "answer": text}) for i, text in enumerate(answers)]
    (root / "general" / "a.jsonl").write_text("\n".join(lines))
    (root / "set.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in answers[:20]))
    return {"WOW_LAKE_URI": str(root / "lake"), "WOW_GENERAL_URI": str(root / "general")}


def test_texts_of_the_general_set_are_not_trained_on_and_the_stored_scan_names_them(lake: Lake, tmp_path: Path) -> None:
    env = general(tmp_path) | {"WOW_GENERAL_SET": str(tmp_path / "set.jsonl")}
    settings = Settings.from_env(env)
    folders, recipe = read_folders(env, settings), Recipe(general_share=0.99)
    external = read_external(lake, settings, folders)
    built = build_datasets(lake, "c1", [DAY], recipe, external)
    train = built.sft.filter(split="train", source="general")
    texts = read_texts(tmp_path / "set.jsonl", 20)
    assert train.height > 30
    assert not any(text in str(train["messages"].to_list()) for text in texts)
    named = built.contaminated.filter(set="WOW_GENERAL_SET")
    assert (named["row"].n_unique(), set(named["of_row"]) <= {f"line {i}" for i in range(1, 21)}) == (
        built.left_out["sft_dataset"]["contaminated"], True,
    )  # fmt: skip
    without = dataclasses.replace(folders, general_set=None)
    unaware = build_datasets(lake, "c1", [DAY], recipe, read_external(lake, settings, without))
    lake.replace("sft_dataset", unaware.sft, "c1")
    found = stored_scan(lake, "c1", "sft_dataset", read_evaluation_sets(folders), 0.8)
    assert found.sets["WOW_GENERAL_SET"] == 20
    assert found.found["row"].n_unique() == named["row"].n_unique() > 10


def test_a_general_set_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    env = {"WOW_GENERAL_SET": str(tmp_path / "none.jsonl")}
    with pytest.raises(DatasetError, match=r"WOW_GENERAL_SET: .*none\.jsonl cannot be read"):
        read_evaluation_sets(read_folders(env, Settings.from_env(env)))


def test_general_data_kept_aside_are_what_general_ability_is_measured_on(lake: Lake, tmp_path: Path) -> None:
    env = general(tmp_path)
    settings = Settings.from_env(env)
    assert general_texts(settings, tmp_path / "c1") is None
    built = build_datasets(lake, "c1", [DAY], Recipe(), read_external(lake, settings, read_folders(env, settings)))
    write(built, tmp_path / "c1")
    place = general_texts(settings, tmp_path / "c1")
    assert place == str(tmp_path / "c1" / GENERAL_HELD_OUT)
    aside = built.sft.filter(source="general", split="held_out")
    texts = read_texts(Path(place), 100)
    assert len(texts) == aside.height > 0
    number = aside["messages"][0][0]["content"].removeprefix("say ")
    assert texts[0] == f"say {number}\n\n{words(f'g{number}', 40)}"
    named = Settings.from_env(env | {"WOW_GENERAL_SET": "mine.jsonl"})
    assert general_texts(named, tmp_path / "c1") == "mine.jsonl"


def test_the_prompt_of_a_held_out_bad_case_is_not_trained_on(lake: Lake) -> None:
    """Customer eli's Bad Case x went wrong at turn 3; ada's Good Case has the same turns before it, and others after it."""
    same = [user(words("same", 80)), agent(f"It is on its way. {words('said', 40)}"), user(words("then", 30))]
    bad = conversation("x", HELD_OUT_CUSTOMER, [*same, agent("It costs 45.")])
    good = conversation("a", "ada", [*same, agent(words("more", 200))])
    others = [talk("b", "bo"), talk("e", HELD_OUT_CUSTOMER)]
    lake.replace("conversations", conversations(bad, good, *others), DAY)
    lake.replace("cases", pl.concat([labels("good", good, *others), labels("bad", bad)]), DAY)
    lake.replace("inspections", inspections(claim("hallucination", "major", 3, conversation_id="x")), DAY)
    built = build_datasets(lake, "c1", [DAY])
    assert sorted(built.sft["conversation_id"]) == ["b", "e"]
    assert set(built.contaminated.select("row", "set", "of_row").iter_rows()) == {("a", SITES, "x#3")}
    assert "inspections" in built.versions
    lake.replace("sft_dataset", built.sft, "c1")
    sites = site_texts(Tables.now(lake), [DAY])
    assert dict(stored_scan(lake, "c1", "sft_dataset", sites, 0.8).sets) == {SITES: 1, "sft_dataset": 1}
