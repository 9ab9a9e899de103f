"""Exact steps and R_kn, each against what a person says of a short dialogue."""

import polars as pl
import pytest

from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.evaluation.judged import Procedure, add_judged, exact_step, supported
from wow_flywheel.evaluation.offline import evaluate_offline, replay
from wow_flywheel.evaluation.replies import dialogue_replies
from wow_flywheel_tests.unit.evaluation.stand_in import StandIn, act, gold, reply, result, user

STEPS = pl.DataFrame(
    {
        "policy_id": "p",
        "scenario": "refund",
        "reply_id": ["ask", "refund", "close", "bye"],
        "text": ["Which order is it?", None, "You get {amount} dollars.", "Goodbye."],
        "next_reply_id": ["refund", "close", "bye", None],
    }
)
ASK, ACT, DONE = reply("Which order is it?"), act("refund", order=7), reply("You get 23 dollars.")
TALK = [user("Refund."), gold(ASK), user("7"), gold(ACT), result('{"amount": 23}'), gold(DONE)]
PROCEDURE = Procedure.of(STEPS)
UNITS = {"fees": "Fees A cancelled booking costs 6 dollars.", "hours": "Hours We open at nine every morning."}
KNOWLEDGE = pl.DataFrame({"unit_id": ["fees"], "title": ["Fees"], "content": ["A cancelled booking costs 6 dollars."]})


def output(text: str) -> DialogueAction | None:
    return DialogueAction.from_json(text)


@pytest.mark.parametrize(
    ("turn", "said", "exact"),
    [
        (3, ACT, True),
        (3, act("refund", order=8), True),
        (3, ASK, False),
        (3, "no object", False),
        (5, reply("You get 99 dollars."), True),
        (5, reply("You will get it."), False),
        (1, ASK, None),
    ],
)
def test_a_step_is_exact_when_it_is_the_procedures_next(turn: int, said: str, exact: bool | None) -> None:
    assert exact_step(PROCEDURE, TALK, turn, output(said)) is exact


def test_where_the_held_out_dialogue_leaves_the_procedure_nothing_is_asked_of_the_model() -> None:
    talk = [*TALK[:3], gold(reply("Let me look."))]
    assert exact_step(PROCEDURE, talk, 3, output(ACT)) is None
    assert exact_step(None, TALK, 3, output(ACT)) is None


@pytest.mark.parametrize(
    ("cited", "text", "right"),
    [
        ([], "It costs 6 dollars.", None),
        (["fees"], "A cancelled booking costs 6 dollars.", True),
        (["fees"], "A cancelled booking costs 60 dollars.", False),
        (["fees"], "A cancelled booking of order 17 costs 6 dollars.", True),
        (["fees"], "Good evening.", False),
        (["gone"], "A cancelled booking costs 6 dollars.", False),
        (["fees", "hours"], "A cancelled booking costs 6 dollars.", False),
    ],
)
def test_cited_units_support_a_reply_or_not(cited: list[str], text: str, right: bool | None) -> None:
    """Order 17 was named by the customer, so it may be stated beside what the unit says."""
    said = DialogueAction(reply=text, knowledge=cited)
    assert supported(said, [user("Cancel order 17. What is the fee?")], UNITS) is right


def test_both_are_columns_of_the_outcomes() -> None:
    dialogues = [{"messages": TALK, "conversation_id": "a", "user_id": "u", "scenario": "refund"}]
    model = StandIn({1: ASK, 3: ASK, 5: DialogueAction(reply="You get 23 dollars.", knowledge=["fees"]).to_json()})
    replies = dialogue_replies(dialogues, replay(model, dialogues), "m")
    outcomes = evaluate_offline(model, dialogues, model="m")
    row = add_judged(outcomes, dialogues, replies, KNOWLEDGE, STEPS).row(0, named=True)
    assert (row["step_accuracy"], row["r_kn"]) == (0.5, 0.0), "a fee says nothing of the amount"
