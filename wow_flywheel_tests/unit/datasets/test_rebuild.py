"""Any earlier dataset again, byte for byte: from the lines that were kept, whatever became of the files and the tables."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from wow_flywheel.cli import app
from wow_flywheel.datasets.build import ALGORITHM
from wow_flywheel.datasets.cycle import MANIFEST, can_be_rebuilt, freeze, rebuild
from wow_flywheel.datasets.manifest import Manifest, Parents
from wow_flywheel.datasets.recipe import Folders, Recipe
from wow_flywheel.errors import DatasetError
from wow_flywheel.forget import erase
from wow_flywheel.lake import Lake
from wow_flywheel.release.decision import Decision
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel.settings import Settings
from wow_flywheel_tests.unit.cases.rows import DAY
from wow_flywheel_tests.unit.datasets.good_cases import HELD_OUT_CUSTOMER, conversations, labels
from wow_flywheel_tests.unit.datasets.test_leaks import talk, words

PERSON = "bo"
"""Speaks in the dialogues between people."""
NOW = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    talks = [talk("a", "ada"), talk("c", "cy"), talk("e", HELD_OUT_CUSTOMER)]
    lake.replace("conversations", conversations(*talks), DAY)
    lake.replace("cases", labels("good", *talks), DAY)
    return lake


def folders(root: Path) -> Folders:
    """One of everything that a cycle reads outside the tables; the general data are far more than it takes."""
    human = root / "human" / "dt=2026-03-01"
    for folder in (human, root / "general", root / "sets", root / "knowledge"):
        folder.mkdir(parents=True, exist_ok=True)
    said = [
        {
            "conversation_id": f"h{number}", "user_id": user, "scenario": "refund", "started_at": "2026-03-01T08:00:00.25Z",
            "ended_at": "2026-03-01T08:01:00Z", "locale": "en",
            "messages": [
                {"role": "user", "content": f"Hé, {words(f'h{number}', 20)}?", "created_at": "2026-03-01T08:00:00.250001Z"},
                {"role": "assistant", "content": "I will see to it.", "created_at": "2026-03-01T08:01:00Z"},
            ],
        }
        for number, user in enumerate((PERSON, "di", "fo"))
    ]  # fmt: skip
    (human / "talks.jsonl").write_text("\n".join(map(json.dumps, said)))
    general = [json.dumps({"question": f"What is {i}?", "answer": words(f"g{i}", 30)}) for i in range(400)]
    (root / "general" / "a.jsonl").write_text("\n".join(general))
    (root / "sets" / "s.jsonl").write_text(json.dumps({"question": words("g7", 30), "choices": ["x", "y"]}))
    units = [{"id": f"k{i}", "title": f"Rule {i}", "content": words(f"k{i}", 4)} for i in range(3)]
    (root / "knowledge" / "units.jsonl").write_text("\n".join(map(json.dumps, units)))
    places = {"human": "human", "general": "general", "evaluation_sets": "sets", "knowledge": "knowledge"}
    return Folders(**{name: str(root / place) for name, place in places.items()})


def settings(root: Path) -> Settings:
    names = {"WOW_LAKE_URI": "lake", "WOW_MODELS_URI": "models", "WOW_LOGS_URI": "logs"}
    return Settings.from_env({name: str(root / place) for name, place in names.items()})


def frozen(lake: Lake, root: Path, cycle: str = "c1") -> tuple[Path, Manifest]:
    folder, recipe = root / "models" / "cycles" / cycle, Recipe(knowledge_share=0.5)
    built, external, files = freeze(lake, settings(root), folders(root), recipe, folder, cycle, [DAY])
    assert external.human.height == 3
    assert {*built.sft["source"]} == {"good_case", "human", "knowledge", "general"}
    manifest = Manifest(
        cycle=cycle, created_at=dt.datetime(2026, 3, 4, tzinfo=dt.UTC), source_partitions=built.days, files=files, counts={},
        table_versions=dict(built.versions), algorithm=ALGORITHM, recipe=built.recipe.to_mapping(),
        inputs=dict(external.hashes), parents=Parents(base_model="tiny"),
    )  # fmt: skip
    manifest.save(folder / MANIFEST)
    return folder, manifest


def remove_files(root: Path) -> None:
    for name in ("human", "general", "sets", "knowledge"):
        for path in [path for path in (root / name).rglob("*") if path.is_file()]:
            path.unlink()


def test_a_dataset_is_rebuilt_though_every_file_that_it_was_made_from_is_gone(lake: Lake, tmp_path: Path) -> None:
    folder, manifest = frozen(lake, tmp_path)
    remove_files(tmp_path)
    lake.replace("cases", labels("bad", talk("a", "ada")), DAY)
    assert can_be_rebuilt(lake, manifest)
    assert rebuild(lake, manifest, tmp_path / "again").differing == ()
    for name in manifest.files:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_a_line_is_kept_once_and_of_general_data_only_what_was_drawn(lake: Lake, tmp_path: Path) -> None:
    _, first = frozen(lake, tmp_path)
    lines = lake.read("input_lines")
    assert dict(lines["kind"].value_counts().iter_rows()) | {"general": 0} == {
        "human": 3, "evaluation": 1, "knowledge": 3, "general": 0,
    }  # fmt: skip
    assert 10 < lines.filter(kind="general").height < 200
    frozen(lake, tmp_path)
    assert lake.read("input_lines").sort("digest").equals(lines.sort("digest"))
    _, other = frozen(lake, tmp_path, "c2")
    assert lake.read("input_lines").filter(kind="human").height == 3
    assert lake.read("cycle_inputs").group_by("cycle").agg(pl.col("build").n_unique()).sort("cycle").rows() == [
        ("c1", 1), ("c2", 1),
    ]  # fmt: skip
    remove_files(tmp_path)
    assert rebuild(lake, first).differing == rebuild(lake, other).differing == ()


def test_a_release_is_rebuilt_after_its_cycle_was_built_again(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, manifest = frozen(lake, tmp_path)
    (folder / "sft" / "model").mkdir(parents=True)
    (folder / "sft" / "model" / "weights").write_text("w")
    decision = Decision(passed=True, reason="better", baseline="tiny", candidate="c1-sft", checks=())
    store = ReleaseStore(tmp_path / "models")
    name = store.promote(folder / "sft" / "model", manifest.model_dump(mode="json"), decision, "c1").id
    lake.replace("cases", labels("good", talk("c", "cy"), talk("e", HELD_OUT_CUSTOMER)), DAY)
    _, second = frozen(lake, tmp_path)
    assert second.build != manifest.build
    remove_files(tmp_path)
    for variable, place in (("WOW_LAKE_URI", "lake"), ("WOW_MODELS_URI", "models")):
        monkeypatch.setenv(variable, str(tmp_path / place))
    asked = ["datasets", "rebuild", "--release", name]
    refused = CliRunner().invoke(app, asked)
    assert refused.exit_code == 1
    assert "name one cycle, or one release with --out or --check" in refused.output
    done = CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "again"), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["files"] == manifest.files
    assert CliRunner().invoke(app, ["datasets", "rebuild", "--cycle", "c1", "--check"]).exit_code == 0


def test_forgetting_a_person_takes_their_dialogues_out_and_says_what_can_be_rebuilt_no_more(lake: Lake, tmp_path: Path) -> None:
    _, manifest = frozen(lake, tmp_path)
    planned = erase.plan(lake, settings(tmp_path), PERSON)
    assert (planned.rows["input_lines"], planned.rebuilds) == (1, ["c1"])
    assert [(each.cycle, each.trained_on_them) for each in planned.models] == [("c1", True)]
    done = erase.forget(lake, settings(tmp_path), PERSON, NOW)
    assert done.rebuilds == ["c1"]
    kept = lake.read("input_lines")
    assert sorted(kept.filter(kind="human")["user_id"]) == ["di", "fo"]
    assert words("h0", 20) not in "".join(kept["content"])
    assert erase.plan(lake, settings(tmp_path), PERSON).rebuilds == []
    with pytest.raises(DatasetError, match=r"no more: `conversations forget` removed it on 2026-03-05, with a person's rows"):
        rebuild(lake, manifest)


def test_a_dialogue_between_people_that_is_kept_no_more_is_counted(lake: Lake, tmp_path: Path) -> None:
    _, manifest = frozen(lake, tmp_path)
    human = lake.read("input_lines", "human")
    lake.replace("input_lines", human.filter(pl.col("user_id") != PERSON), "human")
    assert not can_be_rebuilt(lake, manifest)
    with pytest.raises(DatasetError, match=r"cycle c1 cannot be rebuilt exactly: .* kept no more \(1 of human\)"):
        rebuild(lake, manifest)
