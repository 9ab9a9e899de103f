"""`wow-flywheel datasets`, on a small lake."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from wow_flywheel.cli import app
from wow_flywheel.lake import Lake

RUNNER = CliRunner()
ASK = '{"knowledge":[],"reply":"Which order?","action":null}'
ACT = '{"knowledge":[],"reply":null,"action":{"name":"refund","arguments":{"order":"7"}}}'
BAD = '{"knowledge":[],"reply":"No.","action":null}'
USER: dict[str, str] = {"role": "user", "content": "Refund please"}


def sft_row(cycle: str, number: int, split: str) -> dict[str, Any]:
    messages = [
        {"role": "system", "content": "Be kind."},
        USER,
        {"role": "assistant", "content": ACT},
        {"role": "tool", "content": "ok"},
        {"role": "assistant", "content": ASK},
    ]
    return {
        "cycle": cycle, "dt": dt.date(2026, 11, 4), "conversation_id": f"c{number}", "user_id": f"u{number}",
        "scenario": "refund", "split": split, "messages": messages, "language": "en", "source": "good_case",
    }  # fmt: skip


def pair_row(cycle: str) -> dict[str, Any]:
    return {
        "cycle": cycle, "dt": dt.date(2026, 11, 5), "conversation_id": "c9", "pair_id": "p1", "user_id": "u9",
        "scenario": "refund", "issue_type": "unclarified_demand", "split": "train", "prompt": [USER], "chosen": ASK,
        "language": "en",
        "rejected": BAD,
    }  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("WOW_LAKE_URI", str(tmp_path / "lake"))
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def built(lake: Lake) -> Lake:
    rows = [sft_row("c1", 1, "train"), sft_row("c1", 2, "train"), sft_row("c1", 3, "held_out")]
    lake.replace("sft_dataset", pl.DataFrame(rows), "c1")
    lake.replace("sft_dataset", pl.DataFrame([sft_row("c2", 4, "train")]), "c2")
    lake.replace("preference_dataset", pl.DataFrame([pair_row("c1")]), "c1")
    return lake


def run(*arguments: str) -> tuple[int, str, str]:
    result = RUNNER.invoke(app, ["datasets", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_nothing_built_yet(lake: Lake) -> None:
    assert run("list") == (0, "no dataset yet\n", "")
    assert run("list", "--json") == (0, "[]\n", "")
    assert run("show", "--cycle", "c1") == (1, "", "error: cycle 'c1' has no datasets → none is built yet\n")


def test_list(built: Lake) -> None:
    code, out, _ = run("list", "--json")
    assert code == 0
    assert json.loads(out) == [
        {
            "cycle": "c1",
            "sft.train": 2,
            "sft.held_out": 1,
            "preference.train": 1,
            "preference.held_out": 0,
            "labelled.train": 0,
        },
        {
            "cycle": "c2",
            "sft.train": 1,
            "sft.held_out": 0,
            "preference.train": 0,
            "preference.held_out": 0,
            "labelled.train": 0,
        },
    ]
    assert run("list")[1].splitlines()[1].split() == ["c1", "2", "1", "1", "0", "0"]


def test_show(built: Lake) -> None:
    code, out, _ = run("show", "--cycle", "c1", "--json")
    assert code == 0
    assert json.loads(out) == {
        "cycle": "c1",
        "days": ["2026-11-04", "2026-11-05"],
        "counts": {
            "sft_dataset.split": {"held_out": 1, "train": 2},
            "sft_dataset.source": {"good_case": 3},
            "sft_dataset.scenario": {"refund": 3},
            "sft_dataset.language": {"en": 3},
            "preference_dataset.split": {"train": 1},
            "preference_dataset.scenario": {"refund": 1},
            "preference_dataset.issue_type": {"unclarified_demand": 1},
            "preference_dataset.language": {"en": 1},
        },
    }
    assert "cycle c1, from the days 2026-11-04, 2026-11-05" in run("show", "--cycle", "c1")[1]


def test_labelled_replies_are_listed_and_shown_where_there_are_any(built: Lake) -> None:
    row = {
        "cycle": "c1", "dt": dt.date(2026, 11, 4), "conversation_id": "c7", "reply_id": "c7#1", "user_id": "u7",
        "scenario": "refund", "label": "bad", "issue_type": "hallucination", "language": "en", "split": "train",
        "prompt": [USER], "completion": BAD,
    }  # fmt: skip
    lake_rows = [row, row | {"reply_id": "c8#last", "conversation_id": "c8", "label": "good", "issue_type": None}]
    built.replace("labelled_dataset", pl.DataFrame(lake_rows), "c1")
    assert [each["labelled.train"] for each in json.loads(run("list", "--json")[1])] == [2, 0]
    counts = json.loads(run("show", "--cycle", "c1", "--json")[1])["counts"]
    assert counts["labelled_dataset.label"] == {"bad": 1, "good": 1}


def test_an_unknown_cycle_names_the_known(built: Lake) -> None:
    assert run("show", "--cycle", "c9") == (1, "", "error: cycle 'c9' has no datasets → the cycles are ['c1', 'c2']\n")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_export_for_trl(built: Lake, tmp_path: Path) -> None:
    code, out, _ = run("export", "--cycle", "c1", "--out", str(tmp_path / "x"), "--json")
    assert code == 0
    assert json.loads(out)["files"] == {"preferences.train.jsonl": 1, "sft.held_out.jsonl": 1, "sft.train.jsonl": 2}
    first = lines(tmp_path / "x" / "sft.train.jsonl")[0]
    assert first["messages"] == sft_row("c1", 1, "train")["messages"]
    assert lines(tmp_path / "x" / "preferences.train.jsonl") == [
        {
            "prompt": [USER],
            "chosen": [{"role": "assistant", "content": ASK}],
            "rejected": [{"role": "assistant", "content": BAD}],
            "issue_type": "unclarified_demand",
            "conversation_id": "c9",
            "pair_id": "p1",
            "user_id": "u9",
        }
    ]


def test_export_for_openai(built: Lake, tmp_path: Path) -> None:
    code, out, _ = run("export", "--cycle", "c1", "--format", "openai", "--out", str(tmp_path))
    assert code == 0
    assert str(tmp_path / "sft.train.jsonl") in out
    call = {"id": "call_2", "type": "function", "function": {"name": "refund", "arguments": '{"order": "7"}'}}
    assert lines(tmp_path / "sft.held_out.jsonl")[0]["messages"] == [
        {"role": "system", "content": "Be kind."},
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_2", "content": "ok"},
        {"role": "assistant", "content": "Which order?"},
    ]
    assert lines(tmp_path / "preferences.train.jsonl") == [
        {
            "input": {"messages": [USER]},
            "preferred_output": [{"role": "assistant", "content": "Which order?"}],
            "non_preferred_output": [{"role": "assistant", "content": "No."}],
        }
    ]


def test_a_turn_that_is_no_output_stops_the_export(lake: Lake, tmp_path: Path) -> None:
    row = pair_row("c1") | {"chosen": "just text"}
    lake.replace("preference_dataset", pl.DataFrame([row]), "c1")
    code, _, err = run("export", "--cycle", "c1", "--format", "openai", "--out", str(tmp_path))
    assert (code, err) == (1, "error: an assistant turn is no dialogue-action object → rebuild the cycle's datasets\n")


def test_wrong_usage(built: Lake) -> None:
    assert run("export", "--cycle", "c1", "--out", "x", "--format", "csv")[0] == 2
    assert run("show")[0] == 2
