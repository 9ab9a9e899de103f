"""Knowledge ablation: who is in it, what each arm sees, and what is made of both."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.contracts import KNOWLEDGE_ABLATION
from wow_flywheel.dialogue import ChatMessage
from wow_flywheel.errors import SettingsError
from wow_flywheel.evaluation.ablation import WITH, WITHOUT, AblationConfig, ablatable, effect, in_share, play_arms
from wow_flywheel.serving.protocol import Engine
from wow_flywheel_tests.unit.evaluation.stand_in import StandIn, reply

SECRET: ChatMessage = {"role": "system", "content": "Refunds take 5 days."}
ASK: ChatMessage = {"role": "user", "content": "How long?"}


class Traffic:
    """Every conversation asks one question; it is solved if the engine was shown the knowledge."""

    def __init__(self, day: dt.date) -> None:
        self.day = day

    def evaluate_chosen(
        self, engine: Engine, *, model: str, traffic: int, seed: int, chosen: Callable[[str], bool]
    ) -> pl.DataFrame:
        names = [name for i in range(traffic) if chosen(name := f"{seed}-{i}")]
        answers = engine.respond([[SECRET, ASK] for _ in names])
        solved = [float(answer.output is not None and answer.output.reply == "5 days.") for answer in answers]
        return pl.DataFrame({"model": model, "episode": names, "user_id": names, "scenario": "refund", "solve_rate": solved})

    def hide_knowledge(self, chat: Sequence[ChatMessage]) -> list[ChatMessage]:
        return [message for message in chat if message["role"] != "system"]


def test_the_share_is_about_a_share_and_always_the_same() -> None:
    chosen = {f"c{i}" for i in range(20_000) if in_share(f"c{i}", 0.01)}
    assert 150 < len(chosen) < 250
    assert chosen < {f"c{i}" for i in range(20_000) if in_share(f"c{i}", 0.1)}
    assert all(in_share(f"c{i}", 1.0) for i in range(100))


def test_both_arms_meet_the_same_conversations_and_one_without_knowledge(tmp_path: Path) -> None:
    engine = StandIn({2: reply("5 days."), 1: reply("I do not know.")})
    config = AblationConfig(
        model="m", environment="e:E", day=dt.date(2026, 1, 5), traffic=400, share=0.25, seed=3, output=tmp_path / "o"
    )
    outcomes = play_arms(Traffic(config.day), engine, config)
    arms = {name: outcomes.filter(model=name) for name in (WITH, WITHOUT)}
    assert arms[WITH]["episode"].to_list() == arms[WITHOUT]["episode"].to_list()
    assert 60 < arms[WITH].height < 140
    assert (arms[WITH]["solve_rate"].mean(), arms[WITHOUT]["solve_rate"].mean()) == (1.0, 0.0)

    rows = effect(outcomes, "c1", "0001-a", 400, 0.25)
    assert rows.schema == pl.Schema(KNOWLEDGE_ABLATION.columns)
    (row,) = rows.to_dicts()
    assert (row["with_knowledge"], row["without_knowledge"], row["difference"]) == (1.0, 0.0, -1.0)
    assert (row["n"], row["traffic"], row["share"], row["model"]) == (arms[WITH].height, 400, 0.25, "0001-a")


def test_customers_whose_knowledge_cannot_be_hidden_are_refused() -> None:
    here = "wow_flywheel_tests.unit.evaluation.test_ablation"
    assert isinstance(ablatable(f"{here}:Traffic", dt.date(2026, 1, 5)), Traffic)
    with pytest.raises(SettingsError, match="cannot hide knowledge from a model"):
        ablatable("wow_flywheel_tests.unit.evaluation.test_run:Corner", dt.date(2026, 1, 5))
