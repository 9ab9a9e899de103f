"""That knowledge which the model was shown reaches the trainer, the repair turns and the evaluation alike, token for token."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.datasets.build import build_datasets
from wow_flywheel.datasets.files import write
from wow_flywheel.datasets.internalise import knowledge_rows
from wow_flywheel.dialogue import knowledge_message
from wow_flywheel.evaluation.offline import read_dialogues as read_evaluated
from wow_flywheel.evaluation.repair import site_rows
from wow_flywheel.knowledge.load import KNOWLEDGE_SCHEMA, PROCEDURE_SCHEMA
from wow_flywheel.lake import Lake
from wow_flywheel.pairs.sites import find_sites
from wow_flywheel.training import encoding
from wow_flywheel.training.rows import read_dialogues, read_pairs
from wow_flywheel_tests.training import world
from wow_flywheel_tests.unit.cases.rows import DAY, claim, inspections
from wow_flywheel_tests.unit.datasets.good_cases import HELD_OUT_CUSTOMER, conversation, conversations, labels, pair, pairs
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user

UNIT = "Knowledge k1: Refunds\nRefunds take five days."
SHOWN = knowledge_message("k1", "Refunds", "Refunds take five days.")
FOUND = {"unit_id": "k2", "title": "Vouchers", "content": "Vouchers last nine weeks."}
"""A unit that the flywheel finds for the turn; the model was not shown it."""
TALK = [
    SHOWN,
    user("When do I get my money?"),
    call("search", q="money"),
    tool(article="By card only."),
    agent("In five days."),
]
"""One unit before the request, one article by a tool."""


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return world.make_tokenizer()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The same talk as a Good Case of both sides and as the prompt of a pair."""
    lake = Lake(str(tmp_path / "lake"))
    talks = [conversation(name, customer, TALK) for name, customer in (("a", "ada"), ("e", HELD_OUT_CUSTOMER))]
    lake.replace("conversations", conversations(*talks), DAY)
    lake.replace("cases", labels("good", *talks), DAY)
    lake.replace("preference_pairs", pairs(pair("p#4", "bo", TALK[:4], knowledge=[FOUND])), DAY)
    built = build_datasets(lake, "c1", [DAY])
    write(built, tmp_path / "c1")
    return tmp_path / "c1"


def test_dialogues_and_pairs_are_trained_on_with_what_was_shown_and_nothing_else(files: Path, tokenizer: Any) -> None:
    held_out = files / "sft.held_out.jsonl"
    (dialogue,) = encoding.encode_dialogues(tokenizer, read_dialogues(held_out), 1024, 0).rows
    (one,) = encoding.encode_pairs(tokenizer, read_pairs(files / "preferences.train.jsonl"), 1024, 0).rows
    for ids in (dialogue["input_ids"], one["prompt_ids"]):
        text = tokenizer.decode(ids)
        assert text.startswith(f"<|im_start|>system\n{UNIT}<|im_end|>\n<|im_start|>user\nWhen do I get my money?<|im_end|>")
        assert '<|im_start|>tool\n{"article": "By card only."}<|im_end|>' in text
        assert "Vouchers" not in text
    learnt = tokenizer.decode([label for label in dialogue["labels"] if label != encoding.IGNORED])
    assert "five days.\n" not in learnt
    assert one["prompt_ids"][:40] == dialogue["input_ids"][:40]


def test_repair_turns_and_offline_evaluation_get_the_same_prompt(files: Path) -> None:
    bad = conversation("x", HELD_OUT_CUSTOMER, TALK)
    found = inspections(claim("hallucination", "major", 4, conversation_id="x"))
    rows = site_rows(find_sites(labels("bad", bad), conversations(bad), found), {}, {})
    line = json.loads((files / "preferences.train.jsonl").read_text())
    assert rows["prompt"].to_list() == [line["prompt"]]
    (evaluated,) = read_evaluated(files / "sft.held_out.jsonl", 10)
    assert list(evaluated["messages"][: len(line["prompt"])]) == line["prompt"]


def test_dialogues_made_from_knowledge_show_it_in_the_same_form() -> None:
    units = pl.DataFrame([{"unit_id": "k1", "title": "Refunds", "content": "Refunds take five days."}], schema=KNOWLEDGE_SCHEMA)
    rows = knowledge_rows(units, pl.DataFrame(schema=PROCEDURE_SCHEMA), "c1")
    first = {row["conversation_id"]: row["messages"][0] for row in rows.iter_rows(named=True)}
    assert first["knowledge/k1/retrieved"] == SHOWN
