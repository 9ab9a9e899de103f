"""DPO on one issue type at a time: which types are trained, on which pairs, and the rows; training and replies stood in for."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.defs.experiments import issues, judging
from wow_flywheel.defs.experiments.issues import LEAST_PAIRS, trained_models
from wow_flywheel.defs.experiments.judging import single_issue_rows
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.errors import DatasetError
from wow_flywheel.evaluation.owed import Owed
from wow_flywheel.pairs.sites import Site

CYCLE = "2026-01-05"


def sites() -> list[Site]:
    """Ten of `script_repetition`, and one of a type without pairs."""
    kinds = ["script_repetition"] * 10 + ["poor_empathy"]
    prompt = ({"role": "user", "content": "How much?"},)
    said = DialogueAction(reply="Again.")
    return [
        Site(dt.date(2026, 1, 5), f"c{i}", f"u{i}", "refund", 1, kind, prompt, said)  # type: ignore[arg-type]
        for i, kind in enumerate(kinds)
    ]


@pytest.fixture
def flywheel(place: Path, monkeypatch: pytest.MonkeyPatch) -> Flywheel:
    folder = place / "models" / "cycles" / CYCLE
    folder.mkdir(parents=True)
    counts = {"script_repetition": LEAST_PAIRS, "hallucination": LEAST_PAIRS - 1, "policy_violation": LEAST_PAIRS}
    rows = [{"issue_type": issue, "n": i} for issue, count in counts.items() for i in range(count)]
    (folder / "preferences.train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr(issues, "sites_of", lambda *_: sites())
    return Flywheel()


def trainer(started: list[dict[str, Any]]) -> Callable[[Sequence[str], Callable[[str], None]], None]:
    def stream(command: Sequence[str], say: Callable[[str], None]) -> None:
        assert command[0] == "wow_flywheel.training.dpo"
        started.append(json.loads(Path(command[-1]).read_text()))

    return stream


def test_types_with_pairs_and_held_out_turns_are_trained_each_on_its_own_pairs(flywheel, monkeypatch) -> None:
    started: list[dict[str, Any]] = []
    monkeypatch.setattr(issues, "stream", trainer(started))
    runs = {run.issue_type: run for run in trained_models(flywheel, CYCLE, print)}
    assert list(runs) == list(ISSUE_TYPES)
    assert {name: run.why for name, run in runs.items() if run.pairs} == {
        "script_repetition": "trained on 10 pairs",
        "hallucination": "not trained: 9 pairs, 10 are needed",
        "policy_violation": "not trained: no held-out turn to judge it by",
    }
    (config,) = started
    pairs = [json.loads(line) for line in Path(config["pairs"]).read_text().splitlines()]
    assert {pair["issue_type"] for pair in pairs} == {"script_repetition"}
    assert config["model"].endswith(f"{CYCLE}/sft/model"), "each starts from the cycle's SFT model"
    assert config["epochs"] == pytest.approx(2.9), "29 pairs once are 10 pairs 2.9 times: as many steps as on all"


def test_the_rows_say_what_each_model_repairs_of_its_own_type(flywheel, monkeypatch) -> None:
    monkeypatch.setattr(issues, "stream", trainer([]))
    runs = trained_models(flywheel, CYCLE, print)
    owed = {site.pair_id: Owed("facts", "log", facts=("58",)) for site in sites()}

    def evaluate(command: Sequence[str], say: Callable[[str], None]) -> None:
        """The SFT model is right at 2 of 10 turns, the tuned one at 7."""
        config = json.loads(Path(command[-1]).read_text())
        asked = pl.read_parquet(config["sites"])["site"].to_list()
        right = {"sft": 2, "script_repetition": 7}
        said = [
            {"model": model["name"], "source": "site", "episode": name,
             "raw": DialogueAction(reply="It is 58." if i < right[model["name"]] else "Okay.").to_json()}
            for model in config["models"] for i, name in enumerate(sorted(asked))
        ]  # fmt: skip
        pl.DataFrame(said).write_parquet(Path(config["output"]).with_name("replies.parquet"))

    locales = pl.DataFrame(schema={"conversation_id": pl.String, "locale": pl.String})
    monkeypatch.setattr(judging, "stream", evaluate)
    monkeypatch.setattr(judging, "locales", lambda *_: locales)
    monkeypatch.setattr(judging, "owed_at", lambda *_: owed)
    monkeypatch.setattr(judging, "verifier_verdicts", lambda *_: lambda given: [None] * len(given))
    rows = {row["issue_type"]: row for row in single_issue_rows(flywheel, CYCLE, runs, print).to_dicts()}
    assert len(rows) == len(ISSUE_TYPES)
    row = rows["script_repetition"]
    assert (row["n"], row["before"], row["after"], row["trained"]) == (10, 0.2, 0.7, True)
    assert row["difference"] == pytest.approx(0.5)
    assert row["low"] < 0.5 < row["high"]
    assert (rows["poor_empathy"]["trained"], rows["poor_empathy"]["held_out_turns"], rows["poor_empathy"]["n"]) == (False, 1, 0)


def test_without_a_file_of_pairs_it_says_what_to_do(place: Path) -> None:
    with pytest.raises(DatasetError, match="has no file of pairs → materialize preference_dataset first"):
        trained_models(Flywheel(), CYCLE, print)
