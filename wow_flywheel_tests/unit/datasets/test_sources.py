"""Each source of a dataset through the build, on small files of the shapes that such data come in."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.datasets.build import Datasets, build_datasets
from wow_flywheel.datasets.export import export_hf
from wow_flywheel.datasets.external import External, read_external
from wow_flywheel.datasets.internalise import knowledge_rows
from wow_flywheel.datasets.json_files import aligned
from wow_flywheel.datasets.manifest import Manifest, Parents, counts_of
from wow_flywheel.datasets.recipe import Folders, Recipe
from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.errors import DatasetError
from wow_flywheel.knowledge.load import KNOWLEDGE_SCHEMA, PROCEDURE_SCHEMA
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
from wow_flywheel_tests.unit.cases.rows import DAY, NOON
from wow_flywheel_tests.unit.datasets.good_cases import HELD_OUT_CUSTOMER, conversations, labels, next_day
from wow_flywheel_tests.unit.datasets.test_leaks import talk, words

TRAINED = ["ada", "bo", "cy", "di", "fo", "gus", "hal"]
OPENAI = {
    "id": "chat-1", "object": "chat.completion", "created": 1772445600, "model": "human-agent",
    "messages": [{"role": "user", "content": "Where is my parcel? Write to ann.lee@example.org."}],
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "It arrives at noon."}}],
}  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    good(lake, *(talk(f"c-{name}", name) for name in TRAINED))
    return lake


def good(lake: Lake, *talks: dict[str, Any]) -> None:
    day = talks[0].get("dt", DAY)
    lake.replace("conversations", conversations(*talks), day)
    lake.replace("cases", labels("good", *talks), day)


def lines(path: Path, *records: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(json.dumps(record) for record in records).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def external(lake: Lake, **folders: Path) -> External:
    return read_external(lake, Settings.from_env({}), Folders(**{name: str(path) for name, path in folders.items()}))


def native(number: int, user: str, *said: str) -> dict[str, Any]:
    messages = [{"role": role, "content": text} for role, text in zip(("user", "assistant") * 9, said, strict=False)]
    stamp = NOON.isoformat()
    return {"conversation_id": f"h-{number}", "user_id": user, "scenario": "refund", "started_at": stamp, "ended_at": stamp,
            "locale": "en-GB", "messages": messages}  # fmt: skip


def test_dialogues_between_people_are_read_like_logs_redacted_and_split_with_the_rest(lake: Lake, tmp_path: Path) -> None:
    asked = "My parcel is lost, write to ann.lee@example.org."
    records = [
        native(1, "new", asked, "I am sorry. It comes on Monday.", "Thanks."),
        native(2, HELD_OUT_CUSTOMER, "Hi?", "Hello."),
        native(3, "new", "Nobody answers me."),
    ]
    lines(tmp_path / "human" / f"dt={DAY}" / "talks.jsonl.gz", *records)
    (tmp_path / "human" / "LICENSE").write_text("\nCC BY 4.0\nmore\n")
    found = external(lake, human=tmp_path / "human")
    assert (found.human.height, found.quarantined, found.licences["human"]) == (3, 0, "CC BY 4.0")
    rows = {row["conversation_id"]: row for row in build_datasets(lake, "c1", [DAY], None, found).sft.iter_rows(named=True)}
    assert {name: row["split"] for name, row in rows.items() if row["source"] == "human"} == {"h-1": "train", "h-2": "held_out"}
    assert rows["h-1"]["language"] == "en"
    assert rows["h-1"]["messages"] == [
        {"role": "user", "content": "My parcel is lost, write to <EMAIL_1>."},
        {"role": "assistant", "content": '{"knowledge":[],"reply":"I am sorry. It comes on Monday.","action":null}'},
    ]


def test_dialogues_between_people_may_be_in_any_format_of_logs(lake: Lake, tmp_path: Path) -> None:
    lines(
        tmp_path / "human" / f"dt={DAY}" / "requests.jsonl", {"request": {"messages": OPENAI["messages"]}, "response": OPENAI}
    )
    found = external(lake, human=tmp_path / "human")
    (row,) = build_datasets(lake, "c1", [DAY], None, found).sft.filter(source="human").to_dicts()
    assert json.loads(row["messages"][-1]["content"])["reply"] == "It arrives at noon."
    assert "ann.lee" not in str(row)


def test_a_folder_without_dialogues_is_refused_by_its_setting(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "human").mkdir()
    with pytest.raises(DatasetError, match=r"holds no dialogues of any day .*WOW_HUMAN_URI"):
        external(lake, human=tmp_path / "human")


STEPS = [
    ("refund", "refund", "ask", "Which order is it?", "check"),
    ("refund", "refund", "pay", "You get it in five days.", None),
    ("refund", "refund", "check", None, "pay"),
    ("refund", "refund", "aside", "We like you.", None),
]


def test_knowledge_and_procedures_become_dialogues_that_show_the_unit_and_that_recall_it() -> None:
    units = pl.DataFrame(
        [("fee", "The fee", "It is 5 dollars."), ("zh", "退款", "三天到账。"), ("long", "A book", "x" * 2001)],
        schema=KNOWLEDGE_SCHEMA, orient="row",
    )  # fmt: skip
    rows = knowledge_rows(units, pl.DataFrame(STEPS, schema=PROCEDURE_SCHEMA, orient="row"), "c1")
    said = {row["conversation_id"]: [message["content"] for message in row["messages"]] for row in rows.to_dicts()}
    answer = '{"knowledge":%s,"reply":"It is 5 dollars.","action":null}'
    asked = "What should I know about The fee?"
    assert said["knowledge/fee/retrieved"] == ["Knowledge fee: The fee\nIt is 5 dollars.", asked, answer % '["fee"]']
    assert said["knowledge/fee/recalled"] == [asked, answer % "[]"]
    assert said["knowledge/zh/recalled"][0] == "请介绍一下：退款"
    steps = "1. Which order is it?\\n2. check\\n3. You get it in five days."
    assert said["knowledge/refund/recalled"][1] == f'{{"knowledge":[],"reply":"{steps}","action":null}}'
    assert {name.split("/")[1] for name in said} == {"fee", "zh", "refund"}
    assert {*rows["split"]} == {"train"}


def test_knowledge_takes_no_more_than_its_share(lake: Lake) -> None:
    units = pl.DataFrame([(f"k{i}", f"Rule {i}", words(f"k{i}", 6)) for i in range(200)], schema=KNOWLEDGE_SCHEMA, orient="row")
    for share in (0.1, 0.4):
        built = build_datasets(lake, "c1", [DAY], Recipe(knowledge_share=share), External(knowledge=units))
        assert share - 0.05 < built.mix["knowledge"]["share"] <= share
        assert built.mix["knowledge"]["available_rows"] == 400


GENERAL = [
    ({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"},
                   {"role": "assistant", "content": "4"}, {"role": "user", "content": "Thanks"}]},
     ["Be brief.", "2+2?", "4"]),
    ({"prompt": "Say hi", "completion": "Hi"}, ["Say hi", "Hi"]),
    ({"question": "Why?", "answer": "So."}, ["Why?", "So."]),
    ({"instruction": "Translate", "input": "chat", "output": "cat"}, ["Translate\n\nchat", "cat"]),
    ({"instruction": "Sing", "input": "", "response": "La"}, ["Sing", "La"]),
]  # fmt: skip


@pytest.mark.parametrize(("record", "said"), GENERAL, ids=["chat", "prompt", "question", "alpaca", "dolly"])
def test_general_data_come_in_the_shapes_of_public_sets(record: dict[str, Any], said: list[str]) -> None:
    chat = aligned(record, "a.jsonl, line 1")
    last = DialogueAction.from_json(chat[-1]["content"])
    assert last is not None
    assert [*(message["content"] for message in chat[:-1]), last.reply] == said


@pytest.mark.parametrize("record", [{"text": "x"}, {"question": "x", "answer": " "}, {"messages": []}])
def test_general_data_of_no_known_shape_are_refused_with_their_line(lake: Lake, tmp_path: Path, record: object) -> None:
    lines(tmp_path / "general" / "a.jsonl", {"question": "Why?", "answer": "So."}, record)
    with pytest.raises(DatasetError, match=r"a\.jsonl, line 2: no row of general data"):
        external(lake, general=tmp_path / "general")


def test_four_fifths_are_general_by_default_and_less_only_where_there_is_no_more(lake: Lake, tmp_path: Path) -> None:
    rows = [{"question": f"Say {i}", "answer": words(f"g{i}", 12)} for i in range(600)]
    lines(tmp_path / "much" / "a.jsonl", *rows, *rows[:50])
    lines(tmp_path / "little" / "a.jsonl", *rows[:20])
    much, little = (
        build_datasets(lake, "c1", [DAY], Recipe(), external(lake, general=tmp_path / name)) for name in ("much", "little")
    )
    assert 0.78 < much.mix["general"]["share"] <= 0.8
    train = much.sft.filter(split="train", source="general")
    assert train["conversation_id"].is_unique().all()
    size = {
        source: sum(len(message["content"].encode()) for messages in frame["messages"].to_list() for message in messages)
        for source, frame in (("general", train), ("all", much.sft.filter(split="train")))
    }
    assert round(size["general"] / size["all"], 4) == much.mix["general"]["share"]
    assert little.mix["general"]["share"] < 0.8
    aside = little.sft.filter(source="general", split="held_out").height
    assert little.mix["general"]["rows"] == little.mix["general"]["available_rows"] == 20 - aside


def cycle(lake: Lake, number: int) -> Datasets:
    """Twenty new customers a day, a cycle a day."""
    day = next_day(number)
    good(lake, *(talk(f"d{number}-{i}", f"u{number}-{i}", dt=day) for i in range(20)))
    built = build_datasets(lake, f"c{number}", [day])
    lake.replace("sft_dataset", built.sft, f"c{number}")
    return built


def replayed(built: Datasets) -> dict[str, int]:
    return dict(built.sft.drop_nulls("from_cycle")["from_cycle"].value_counts().iter_rows())


def test_earlier_cycles_come_back_with_decay_and_never_what_is_held_out_or_no_longer_good(lake: Lake) -> None:
    """20 rows of its own: at most floor(20 · 0.25) = 5 of the cycle before, floor(2.5) = 2, floor(1.25) = 1."""
    built = [cycle(lake, number) for number in range(4)]
    assert [replayed(each) for each in built] == [{}, {"c0": 5}, {"c1": 5, "c0": 2}, {"c2": 5, "c1": 2, "c0": 1}]
    first = built[0].sft
    held = set(first.filter(split="held_out")["user_id"])
    assert held
    for each in built[1:]:
        again = each.sft.filter(pl.col("from_cycle") == "c0")
        assert set(again["split"]) == {"train"}
        assert held.isdisjoint(again["user_id"])
    kept = set(built[3].sft.filter(from_cycle="c2")["conversation_id"])
    rows = lake.read("cases", next_day(2)).with_columns(
        label=pl.when(pl.col("conversation_id").is_in(list(kept))).then(pl.lit("bad")).otherwise("label")
    )
    lake.replace("cases", rows, next_day(2))
    after = build_datasets(lake, "c3", [next_day(3)])
    assert replayed(after)["c2"] == 5
    assert kept.isdisjoint(after.sft["conversation_id"])


def test_the_hub_reads_the_export(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    good(lake, *(talk(f"c-{name}", name) for name in [*TRAINED, HELD_OUT_CUSTOMER]))
    built = build_datasets(lake, "c1", [DAY], Recipe(validation_share=0.4))
    manifest = Manifest(
        cycle="c1", created_at=NOON, source_partitions=built.days, table_versions={}, files={},
        counts=counts_of(built.sft, built.preferences, built.labelled), parents=Parents(base_model="tiny"),
    )  # fmt: skip
    written = export_hf(built.sft, built.preferences, manifest, tmp_path / "hub")
    import datasets

    loaded = datasets.load_dataset(str(tmp_path / "hub"), "sft", cache_dir=str(tmp_path / "cache"))
    names = {"train": "train", "validation": "validation", "test": "held_out"}
    for split, ours in names.items():
        rows = built.sft.filter(split=ours)
        assert written[f"data/sft/{split}.parquet"] == rows.height == len(loaded[split]) > 0
        assert loaded[split]["conversation_id"][:] == rows["conversation_id"].to_list()
        assert loaded[split][0]["messages"] == rows["messages"].to_list()[0]
    assert "Datasets of cycle c1" in (tmp_path / "hub" / "README.md").read_text()
