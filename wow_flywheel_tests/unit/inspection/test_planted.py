"""Planting: where each defect stands, and what is counted as found."""

import datetime as dt
import json
import random

import polars as pl
import pytest

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.calibration.measure import CLAIMS, claims_on, measure
from wow_flywheel.inspection.calibration.phrases import APOLOGY, UPSET
from wow_flywheel.inspection.calibration.plant import DEFECTS, Planted, plant
from wow_flywheel.inspection.calibration.planters import PLANTERS, Ground
from wow_flywheel.inspection.calibration.samples import chinese, units
from wow_flywheel_tests.unit.inspection.talk import KNOWLEDGE, NOON, PROCEDURES, agent, call, day, tool, user

UNIT = "A refund arrives in 3 days."
TALK: list[Message] = [
    user("My cake was cold, can I get a refund?"),
    agent("I am sorry about that. Which order number is it?"),
    user("It is 4711."),
    call("refund_order", order=4711),
    tool(ok=True, amount=25),
    agent("I have refunded order 4711. You get 25 dollars."),
    user("When do I get the money?"),
    agent("The money arrives on your card in 3 days."),
    user("Great, thanks."),
    agent("You are welcome. Goodbye!"),
]
NOTHING = pl.DataFrame(schema=KNOWLEDGE), pl.DataFrame(schema=PROCEDURES)


def planted(issue_type: str, seed: int = 0, talk: list[Message] = TALK):
    made = PLANTERS[issue_type](Ground(talk, random.Random(seed), [UNIT]))
    assert made is not None
    return made


def test_every_issue_type_can_be_planted() -> None:
    assert set(PLANTERS) == set(ISSUE_TYPES)


@pytest.mark.parametrize("issue_type", ISSUE_TYPES)
@pytest.mark.parametrize("seed", range(5))
def test_the_defect_stands_at_an_assistant_turn_and_nothing_before_it_changes(issue_type: str, seed: int) -> None:
    made = planted(issue_type, seed)
    assert made.messages != TALK
    assert made.messages[made.turn]["role"] == "assistant"
    assert made.turn <= made.until < len(made.messages)
    if issue_type not in {"poor_empathy", "unclarified_demand"}:
        assert made.messages[: made.turn] == TALK[: made.turn]


def test_a_wrong_number_replaces_one_of_a_tool_result() -> None:
    made = planted("hallucination")
    assert made.turn == 5
    assert "25 dollars" not in str(made.messages[5]["content"])


def test_the_question_that_was_needed_is_gone() -> None:
    made = planted("unclarified_demand")
    assert made.turn == 1
    said = json.dumps(made.messages[: made.turn], ensure_ascii=False)
    assert "4711" not in said
    assert "4711" in made.messages[1]["tool_calls"][0]["arguments"]


def test_a_reply_becomes_word_for_word_an_earlier_one() -> None:
    made = planted("script_repetition")
    assert (made.turn, made.messages[7]["content"]) == (7, TALK[5]["content"])


def test_an_upset_customer_gets_no_apology() -> None:
    for seed in range(6):
        made = planted("poor_empathy", seed)
        assert any(str(made.messages[made.turn - 1]["content"]).endswith(text) for text in UPSET["en"])
        assert not APOLOGY.search(str(made.messages[made.turn]["content"]))


def test_knowledge_is_told_with_another_number() -> None:
    made = planted("knowledge_misuse")
    assert UNIT not in str(made.messages[made.turn]["content"])
    assert "A refund arrives in" in str(made.messages[made.turn]["content"])


def test_a_step_of_the_procedure_is_left_out_with_its_answer() -> None:
    steps: list[Message] = [
        user("hi"),
        {**agent("May I have your full name?"), "action": "ask_name"},
        user("Ann"),
        {**agent("What is your date of birth?"), "action": "ask_birth"},
        user("1990"),
    ]
    made = PLANTERS["policy_violation"](Ground(steps, random.Random(0), steps={"ask_name": "ask_birth"}))
    assert made is not None
    assert [message.get("action") for message in made.messages] == [None, "ask_birth", None]
    assert made.turn == 1


def test_where_there_is_no_place_nothing_is_planted() -> None:
    empty = Ground([user("hi"), agent("Goodbye!")], random.Random(0))
    assert [name for name, planter in PLANTERS.items() if planter(empty) is not None] == []


def test_equal_seeds_plant_the_same_and_each_copy_keeps_its_original() -> None:
    frame = day(TALK, TALK, TALK)
    knowledge = pl.DataFrame([("u", "Refunds", UNIT)], schema=KNOWLEDGE, orient="row")
    one, other = (plant(frame, knowledge=knowledge, procedures=NOTHING[1], each=2, seed=3) for _ in range(2))
    assert one.conversations.equals(other.conversations)
    assert one.defects.height == 16
    assert set(one.defects["original_id"]) <= set(one.conversations["conversation_id"])


def test_recall_and_precision_by_hand() -> None:
    rows = [(f"c{i}~hallucination", f"c{i}", "hallucination", 3, 4, "en" if i < 3 else "zh") for i in range(4)]
    defects = pl.DataFrame(rows, schema=DEFECTS, orient="row")
    said = [
        ("c0~hallucination", "hallucination", 3, "rules", "r1"),
        ("c1~hallucination", "hallucination", 4, "rules", "r2"),
        ("c2~hallucination", "hallucination", 1, "rules", "r1"),  # another turn: not found
        ("c3~hallucination", "poor_empathy", 3, "rules", "r3"),  # another type: not found
        ("c0", "hallucination", 3, "rules", "r1"),  # the clean original: an alarm
    ]
    claims = pl.DataFrame(said, schema=CLAIMS, orient="row")
    found = measure(Planted(day(), defects), claims, NOON.date())
    by = {(r["locale"], r["inspector"]): r for r in found.iter_rows(named=True)}
    assert (by["*", "rules"]["recall"], by["*", "rules"]["precision"]) == (0.5, 2 / 3)
    assert (by["en", "rules/r1"]["found"], by["en", "rules/r1"]["claims"]) == (1, 2)
    assert by["zh", "rules"]["recall"] == 0
    assert by["*", "evidence"]["precision"] is None
    assert ("*", "panel") not in by


def test_written_chinese_conversations_are_clean_and_defects_in_them_are_found() -> None:
    clean = chinese(8, dt.date(2026, 1, 5))
    made = plant(clean, knowledge=units(), procedures=NOTHING[1], each=4)
    claims = claims_on(made, knowledge=units(), procedures=NOTHING[1])
    assert set(made.defects["locale"]) == {"zh"}
    evidence = claims.filter(pl.col("layer") == "evidence")
    assert evidence.filter(pl.col("conversation_id").is_in(clean["conversation_id"].implode())).is_empty()
    found = {
        r["issue_type"]: r["recall"]
        for r in measure(made, claims, NOON.date()).filter(locale="*", inspector="evidence").iter_rows(named=True)
    }
    assert found["hallucination"] == 1
    assert found["script_repetition"] == 1
