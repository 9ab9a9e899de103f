"""That nothing of what is evaluated is trained on, where the usual row split leaks; rebuilds; and lineage of what was built."""

import datetime as dt
import random
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.conversations.duplicates.fingerprints import fingerprints
from wow_flywheel.datasets.build import ALGORITHM, build_datasets
from wow_flywheel.datasets.components import History, sides
from wow_flywheel.datasets.contamination import FOUND, TEXTS, scan
from wow_flywheel.datasets.cycle import MANIFEST, freeze, rebuild
from wow_flywheel.datasets.manifest import Manifest, Parents
from wow_flywheel.datasets.mixing import quotas, share_budget
from wow_flywheel.datasets.recipe import Folders, Recipe
from wow_flywheel.datasets.split import split_of
from wow_flywheel.errors import DatasetError
from wow_flywheel.lake import Lake
from wow_flywheel.lineage.trace import of_conversation, of_model
from wow_flywheel.settings import Settings
from wow_flywheel_tests.unit.cases.rows import DAY
from wow_flywheel_tests.unit.datasets.good_cases import HELD_OUT_CUSTOMER, conversation, conversations, labels
from wow_flywheel_tests.unit.inspection.talk import agent, user

NO_PAST = pl.DataFrame(schema={"dt": pl.Date, "conversation_id": pl.String, "user_id": pl.String, "scenario": pl.String,
                               "split": pl.String})  # fmt: skip
NO_PRINTS = fingerprints(conversations())


def words(seed: str, count: int = 60) -> str:
    rng = random.Random(seed)
    return " ".join(f"w{rng.randrange(5000)}" for _ in range(count))


def talk(name: str, user_id: str, text: str | None = None, **columns: object) -> dict[str, object]:
    return conversation(name, user_id, [user(text or words(name)), agent("One moment, please.")], **columns)


def split(rows: pl.DataFrame, past: pl.DataFrame = NO_PAST, prints: pl.DataFrame = NO_PRINTS) -> dict[str, str | None]:
    found = sides(rows, prints, History(past), NO_PRINTS, 0.8)
    return dict(found.select("conversation_id", "side").iter_rows())


def test_a_random_split_of_rows_shares_sessions_and_this_one_shares_none() -> None:
    """A row for each turn of 300 sessions, no two with the same user text, as request logs have them."""
    turns = pl.DataFrame([{"session": f"s{s}", "text": f"{s} {t}"} for s in range(300) for t in range(20)])
    assert turns["text"].is_unique().all()
    shuffled = turns.sample(fraction=1, shuffle=True, seed=1)
    evaluated, trained = shuffled.head(1200), shuffled.tail(-1200)
    assert evaluated.filter(pl.col("session").is_in(trained["session"].unique().implode())).height / 1200 > 0.99
    rows = conversations(*(talk(f"s{s}", f"user-{s % 90}") for s in range(300)))
    side = rows.join(sides(rows, NO_PRINTS, History(NO_PAST), NO_PRINTS, 0.8), on=["dt", "conversation_id"])
    held, train = side.filter(side="held_out"), side.filter(side="train")
    assert held.height > 20
    for column in ("conversation_id", "user_id", "component"):
        assert set(held[column]).isdisjoint(train[column])


def test_near_duplicates_of_two_customers_are_on_one_side() -> None:
    long = words("same", 200)
    rows = conversations(talk("a", "ada", long), talk("b", "bo", long + " indeed"), talk("c", "cy"))
    found = sides(rows, fingerprints(rows), History(NO_PAST), NO_PRINTS, 0.8)
    component = dict(found.select("conversation_id", "component").iter_rows())
    assert component["a"] == component["b"] != component["c"]


def past(*rows: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [(DAY, f"old-{name}", name, "refund", side) for name, side in rows], schema=NO_PAST.schema, orient="row"
    )


def test_once_held_out_always_and_a_merger_costs_the_training_side() -> None:
    long = words("same", 200)
    rows = conversations(talk("a", "ada", long), talk("b", "bo", long + " indeed"))
    assert split(rows, past(("ada", "held_out"), ("bo", "train")), fingerprints(rows)) == {"a": "held_out", "b": None}
    assert split(rows, past(("ada", "held_out")), fingerprints(rows)) == {"a": "held_out", "b": "held_out"}
    assert split(rows, past(("ada", "train")), fingerprints(rows)) == {"a": "train", "b": "train"}


def test_a_scenario_with_nothing_held_out_gets_a_hold_out() -> None:
    trained = [name for name in (f"user-{i}" for i in range(40)) if split_of(name) == "train"][:10]
    found = split(conversations(*(talk(f"c{i}", name) for i, name in enumerate(trained))))
    assert sorted(found.values()) == ["held_out"] * 2 + ["train"] * 8


def rows(*texts: str, name: str = "x") -> pl.DataFrame:
    return pl.DataFrame({"set": [name] * len(texts), "row": [f"{name}{i}" for i in range(len(texts))], "text": list(texts),
                         "customer": [None if name == "t" else f"{name}{i}" for i in range(len(texts))]},
                        schema=TEXTS)  # fmt: skip


def test_the_scan_finds_copies_near_copies_and_pieces_and_names_them() -> None:
    aside = words("aside", 200)
    training = rows(aside, aside + " more", " ".join(aside.split()[:40]), words("other"), name="t")
    found = scan(training, rows(aside, name="e"), 0.8)
    assert {(row, rule) for row, rule in found.select("row", "rule").iter_rows()} == {
        ("t0", "equal"), ("t0", "near"), ("t0", "runs"), ("t1", "near"), ("t1", "runs"), ("t2", "runs"),
    }  # fmt: skip
    assert set(found["of_row"]) == {"e0"}
    assert scan(training.clear(), rows(aside), 0.8).schema == pl.Schema(FOUND)


def test_a_script_that_many_say_is_no_copy() -> None:
    script = words("script", 30)
    training = rows(*(f"{script} {words(str(i), 40)}" for i in range(30)))
    assert scan(training, rows(f"{script} {words('e', 40)}"), 0.8).is_empty()


def test_shares_and_decay() -> None:
    assert share_budget(100, 0.8) == 400 or share_budget(100, 0.8) == 399
    assert share_budget(100, 0) == 0
    assert quotas(["c3", "c2", "c1"], 100, 0.2, 0.5) == {"c3": 20, "c2": 10, "c1": 5}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    talks = [talk("a", "ada"), talk("b", "bo"), talk("e", HELD_OUT_CUSTOMER)]
    lake.replace("conversations", conversations(*talks), DAY)
    lake.replace("cases", labels("good", *talks), DAY)
    return lake


def test_a_training_row_that_repeats_a_held_out_one_is_left_out_and_named(lake: Lake) -> None:
    talks = [talk("a", "ada", words("e", 60)), talk("b", "bo"), talk("e", HELD_OUT_CUSTOMER, words("e", 60))]
    lake.replace("conversations", conversations(*talks), DAY)
    built = build_datasets(lake, "c1", [DAY])
    assert sorted(built.sft["conversation_id"]) == ["b", "e"]
    assert built.left_out["sft_dataset"]["contaminated"] == 1
    assert built.contaminated.select("row", "of_row").unique().rows() == [("a", "e")]


def frozen(lake: Lake, root: Path) -> tuple[Path, Settings]:
    folder, settings = root / "models" / "cycles" / "c1", Settings.from_env({"WOW_LAKE_URI": lake.uri})
    built, external, files = freeze(lake, settings, folders(root), Recipe(), folder, "c1", [DAY])
    Manifest(
        cycle="c1", created_at=dt.datetime(2026, 3, 4, tzinfo=dt.UTC), source_partitions=built.days, files=files, counts={},
        table_versions=dict(built.versions), algorithm=ALGORITHM, recipe=built.recipe.to_mapping(),
        inputs=dict(external.hashes), parents=Parents(base_model="tiny"),
    ).save(folder / MANIFEST)  # fmt: skip
    lake.replace("sft_dataset", built.sft, "c1")
    return folder, settings


def folders(root: Path) -> Folders:
    (root / "general").mkdir(exist_ok=True)
    lines = [f'{{"question": "What is {i} plus {i}, {words(str(i), 5)}?", "answer": "{2 * i}"}}' for i in range(60)]
    (root / "general" / "sums.jsonl").write_text("\n".join(lines))
    (root / "general" / "LICENSE").write_text("MIT License\n")
    return Folders(general=str(root / "general"))


def test_a_dataset_is_rebuilt_byte_for_byte_after_the_tables_have_changed(lake: Lake, tmp_path: Path) -> None:
    folder, _ = frozen(lake, tmp_path)
    lake.replace("cases", labels("bad", talk("a", "ada"), talk("b", "bo")), DAY)
    done = rebuild(lake, Manifest.load(folder / MANIFEST), tmp_path / "again")
    assert done.differing == ()
    names = {path.name for path in (tmp_path / "again").iterdir()}
    assert {"sft.train.jsonl", "sft.held_out.jsonl"} <= names
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    assert '"general"' in (folder / "sft.train.jsonl").read_text()


def test_files_that_are_gone_or_changed_since_are_not_needed(lake: Lake, tmp_path: Path) -> None:
    folder, _ = frozen(lake, tmp_path)
    (tmp_path / "general" / "sums.jsonl").write_text('{"question": "a", "answer": "b"}\n')
    assert rebuild(lake, Manifest.load(folder / MANIFEST)).differing == ()
    (tmp_path / "general" / "sums.jsonl").unlink()
    assert rebuild(lake, Manifest.load(folder / MANIFEST)).differing == ()


def test_a_version_of_a_table_that_is_gone_is_refused_by_name(lake: Lake, tmp_path: Path) -> None:
    folder, _ = frozen(lake, tmp_path)
    lake.replace("cases", labels("bad", talk("a", "ada")), DAY)
    lake.vacuum("cases")
    with pytest.raises(DatasetError, match="table cases has its version 1 no more: a vacuum removed it"):
        rebuild(lake, Manifest.load(folder / MANIFEST))


def test_lineage_goes_both_ways(lake: Lake, tmp_path: Path) -> None:
    frozen(lake, tmp_path)
    (chain,) = of_model(lake, tmp_path / "models", "c1-dpo")
    assert [row["conversation_id"] for row in chain["conversations"] if row["source"] == "good_case"] == ["a", "b"]
    seen = of_conversation(lake, tmp_path / "models", "a")
    assert seen["datasets"] == [{"cycle": "c1", "dataset": "sft_dataset", "split": "train", "as": "itself"}]
    assert [each["cycle"] for each in seen["models"]] == ["c1"]
    assert of_conversation(lake, tmp_path / "models", "e")["models"] == []
    with pytest.raises(DatasetError, match="no manifest of a cycle"):
        of_model(lake, tmp_path / "models", "nobody")
