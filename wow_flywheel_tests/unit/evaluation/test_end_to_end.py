"""From scripted models to the tables: each figure of the summary and of the comparison worked out by hand."""

import datetime as dt
from collections.abc import Sequence

import polars as pl
import pytest

from wow_flywheel.closed_world.environment import ClosedWorld
from wow_flywheel.datasets.split import split_of
from wow_flywheel.dialogue import ChatMessage, DialogueAction
from wow_flywheel.evaluation.compare import compare
from wow_flywheel.evaluation.metrics import summarise
from wow_flywheel.evaluation.offline import evaluate_offline
from wow_flywheel_tests.unit.evaluation.stand_in import StandIn, act, gold, reply, result, user
from wow_flywheel_tests.unit.serving.scripted import ScriptedEngine

ASK, ACT, DONE = reply("Which order is it?"), act("refund", order=7), reply("You get 23 dollars.")
TALK = [user("Refund."), gold(ASK), user("7"), gold(ACT), result('{"amount": 23}'), gold(DONE)]
DIALOGUES = [
    {"messages": TALK, "conversation_id": "a", "user_id": "ada", "scenario": "refund"},
    {"messages": TALK[:2], "conversation_id": "b", "user_id": "bo", "scenario": "refund"},
]
OLD = StandIn({1: ASK, 3: ASK, 5: "no object"}, losses=[2.0, 1.0])
NEW = StandIn({1: ASK, 3: ACT, 5: DONE}, losses=[0.5, 0.5])


def offline() -> pl.DataFrame:
    return pl.concat([evaluate_offline(OLD, DIALOGUES, model="old"), evaluate_offline(NEW, DIALOGUES, model="new")])


def test_the_offline_metrics_of_two_models_on_two_dialogues() -> None:
    """Old repeats its question in the first dialogue, acts wrongly there, and gives 2 of 3 and 1 of 1 valid objects."""
    rows = summarise(offline().drop("latency"), "c1", "offline")
    found = {(row["model"], row["metric"]): (row["value"], row["n"]) for row in rows.iter_rows(named=True)}
    assert found == {
        ("old", "rr"): (0.5, 2), ("new", "rr"): (0.0, 2),
        ("old", "action_accuracy"): (0.0, 1), ("new", "action_accuracy"): (1.0, 1),
        ("old", "slot_f1"): (0.0, 1), ("new", "slot_f1"): (1.0, 1),
        ("old", "too_long"): (0.0, 2), ("new", "too_long"): (0.0, 2),
        ("old", "tokens_per_reply"): (5.0, 2), ("new", "tokens_per_reply"): (5.0, 2),
        ("old", "format_validity"): (pytest.approx(5 / 6), 2), ("new", "format_validity"): (1.0, 2),
        ("old", "reply_loss"): (1.5, 2), ("new", "reply_loss"): (0.5, 2),
    }  # fmt: skip


def test_the_comparison_is_by_dialogue() -> None:
    """Two customers: the bootstrap reaches both of their differences, such as 0 and 1/3 of format validity."""
    rows = compare(offline().drop("latency", "too_long", "tokens_per_reply"), "old", "new", "c1", "offline")
    found = {row["metric"]: (row["difference"], row["low"], row["high"], row["n"]) for row in rows.iter_rows(named=True)}
    assert found == {
        "rr": (-0.5, -1.0, 0.0, 2),
        "action_accuracy": (1.0, None, None, 1),
        "slot_f1": (1.0, None, None, 1),
        "format_validity": pytest.approx((1 / 6, 0.0, 1 / 3, 2)),
        "reply_loss": (-1.0, -1.5, -0.5, 2),
    }
    better = {row["metric"] for row in rows.iter_rows(named=True) if (row["difference"] > 0) == row["higher_is_better"]}
    assert better == set(found)


def test_a_model_against_itself_differs_in_nothing() -> None:
    same = pl.concat([evaluate_offline(OLD, DIALOGUES, model=name) for name in ("old", "new")])
    assert set(compare(same.drop("latency"), "old", "new", "c1", "offline")["difference"]) == {0.0}


def asks(_: Sequence[ChatMessage]) -> DialogueAction:
    return DialogueAction(reply="Sorry, which number is it?")


def asks_once(chat: Sequence[ChatMessage]) -> DialogueAction:
    """Asks first, and then in other words, so that it never repeats itself."""
    return DialogueAction(reply=f"Sorry, which number is it{', please' * len(chat)}?")


def test_two_models_meet_the_same_held_out_customers_and_differ_where_their_replies_do() -> None:
    """Both leave everybody unserved; only one repeats itself, so repetition is all that the comparison sees."""
    world = ClosedWorld(dt.date(2026, 3, 2))
    outcomes = pl.concat(
        [world.evaluate(ScriptedEngine(model), model=model.__name__, count=60, seed=4) for model in (asks, asks_once)]
    )
    assert {split_of(customer) for customer in outcomes["user_id"]} == {"held_out"}
    rows = compare(outcomes, "asks", "asks_once", "c1", "simulated").rows_by_key("metric", named=True, unique=True)
    assert (rows["rr"]["difference"], rows["rr"]["n"]) == (-1.0, 60)
    assert {name: rows[name]["difference"] for name in ("solve_rate", "usm1", "usm2", "format_validity")} == {
        "solve_rate": 0.0, "usm1": 0.0, "usm2": 0.0, "format_validity": 0.0,
    }  # fmt: skip
    assert (rows["action_accuracy"]["difference"], rows["action_accuracy"]["n"]) == (None, 0)
