"""Evaluating a model on held-out customers of the closed world."""

import datetime as dt
import json
import re
from collections.abc import Sequence

import pytest

from wow_flywheel.closed_world import language
from wow_flywheel.closed_world.environment import OUTCOME_SCHEMA, ClosedWorld
from wow_flywheel.closed_world.world import TOOL_OF_NEED
from wow_flywheel.datasets.split import split_of
from wow_flywheel.dialogue import Action, ChatMessage, DialogueAction
from wow_flywheel.evaluation.metrics import OUTCOME_KEYS, metric_columns, summarise
from wow_flywheel.evaluation.run import load_environment
from wow_flywheel_tests.unit.serving.scripted import Answer, ScriptedEngine

DAY = dt.date(2026, 3, 2)
METRICS = [name for name in OUTCOME_SCHEMA if name not in OUTCOME_KEYS]


def careful(chat: Sequence[ChatMessage]) -> DialogueAction:
    """A model that reads the chat alone, and does everything right."""
    need = next(need for need, openings in language.OPENINGS.items() if any(_is(chat[0], opening) for opening in openings))
    named = re.findall(r"\b1\d\d\b", " ".join(m["content"] for m in chat if m["role"] == "user"))
    results = [json.loads(m["content"]) for m in chat if m["role"] == "tool"]
    if not named:
        return DialogueAction(reply="I am sorry. What is the number?")
    if not results:
        return DialogueAction(action=Action(name=TOOL_OF_NEED[need], arguments={"order": int(named[0])}))
    if chat[-1]["role"] == "tool":
        return DialogueAction(reply="I am sorry. " + language.CLOSINGS[need].format(**results[0]))
    fact = next((fact for fact, asked in language.QUESTIONS.items() if chat[-1]["content"] in asked), None)
    return DialogueAction(reply=language.ANSWERS[fact][0].format(**results[0]) if fact else "Goodbye.")


def _is(message: ChatMessage, opening: str) -> bool:
    return re.search(re.escape(opening).replace(r"\{item\}", r"\w+"), message["content"]) is not None


def evaluated(answer: Answer, count: int = 40, seed: int = 1) -> list[dict[str, object]]:
    return ClosedWorld(DAY).evaluate(ScriptedEngine(answer), model="m", count=count, seed=seed).to_dicts()


def values(row: dict[str, object]) -> list[object]:
    return [row[name] for name in METRICS]


def test_the_metrics_are_in_this_order() -> None:
    assert METRICS == ["solve_rate", "usm1", "usm2", "rr", "action_accuracy", "format_validity"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(careful, [1.0, 0.0, 1.0, 0.0, 1.0, 1.0], id="does everything right"),
        pytest.param(
            lambda _: DialogueAction(reply="Sorry, the number?"), [0.0, 1.0, 0.0, 1.0, None, 1.0], id="says one thing"
        ),
        pytest.param(
            lambda _: DialogueAction(action=Action(name="destroy")), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0], id="calls what is no tool"
        ),
    ],
)
def test_each_metric_of_a_model(answer: Answer, expected: list[float | None]) -> None:
    rows = evaluated(answer)
    assert len(rows) == 40
    assert {tuple(values(row)) for row in rows} == {tuple(expected)}


def test_a_model_that_writes_no_valid_object_solves_nothing() -> None:
    for row in evaluated(lambda _: "not json"):
        assert (row["solve_rate"], row["usm1"], row["action_accuracy"], row["format_validity"]) == (0.0, 1.0, None, 0.0)


def test_only_held_out_customers_come_and_the_same_ones_to_every_model() -> None:
    careful_rows, stubborn_rows = evaluated(careful), evaluated(lambda _: DialogueAction(reply="No."))
    assert {split_of(row["user_id"]) for row in careful_rows} == {"held_out"}
    for name in ("episode", "user_id", "scenario"):
        assert [row[name] for row in careful_rows] == [row[name] for row in stubborn_rows]
    assert [row["user_id"] for row in evaluated(careful, seed=2)] != [row["user_id"] for row in careful_rows]


def test_the_outcomes_are_what_the_summary_takes() -> None:
    frame = ClosedWorld(DAY).evaluate(ScriptedEngine(careful), model="m", count=30, seed=1)
    assert [metric.name for metric in metric_columns(frame)] == METRICS
    summary = summarise(frame, "c1", "simulated")
    assert summary["n"].to_list() == [30] * len(METRICS)
    assert summary["value"].to_list() == [1.0, 0.0, 1.0, 0.0, 1.0, 1.0]


def test_all_conversations_under_way_go_through_the_model_in_one_batch_as_training_chat() -> None:
    engine = ScriptedEngine(careful)
    ClosedWorld(DAY).evaluate(engine, model="m", count=10, seed=1)
    assert len(engine.batches[0]) == 10
    assert [len(batch) for batch in engine.batches] == sorted((len(batch) for batch in engine.batches), reverse=True)
    spoken = [m["content"] for batch in engine.batches for chat in batch for m in chat if m["role"] == "assistant"]
    assert spoken
    assert all(DialogueAction.from_json(text) is not None for text in spoken)


def test_the_closed_world_is_found_by_its_name_in_the_settings() -> None:
    assert load_environment("wow_flywheel.closed_world.environment:ClosedWorld", DAY) == ClosedWorld(DAY)
