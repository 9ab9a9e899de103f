"""Offline metrics, each against what a person counts in a short dialogue."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.dialogue import ChatMessage
from wow_flywheel.errors import DatasetError
from wow_flywheel.evaluation.metrics import summarise
from wow_flywheel.evaluation.offline import OUTCOME_SCHEMA, evaluate_offline, read_dialogues
from wow_flywheel_tests.unit.evaluation.stand_in import StandIn, act, gold, reply, result, user

ASK, ACT, DONE = reply("Which order is it?"), act("refund", order=7), reply("You get 23 dollars.")
TALK = [user("Refund."), gold(ASK), user("7"), gold(ACT), result('{"amount": 23}'), gold(DONE)]
PERFECT = {1: ASK, 3: ACT, 5: DONE}


def held_out(*messages: ChatMessage, **columns: Any) -> dict[str, Any]:
    return {"messages": list(messages or TALK), "conversation_id": "c1", "user_id": "ada", "scenario": "refund"} | columns


def outcome(said: dict[int, str], *messages: ChatMessage) -> dict[str, Any]:
    """The outcome of one dialogue, in which the model says `said` after so many messages."""
    return evaluate_offline(StandIn(said), [held_out(*messages)], model="m").row(0, named=True)


def repeats(earlier: str, said: str) -> float:
    """RR of one reply after another one of the dialogue."""
    talk = [user("Hi."), gold(reply(earlier)), user("And?"), gold(reply("Something else altogether."))]
    return outcome({1: reply("Hello there."), 3: reply(said)}, *talk)["rr"]


def test_a_model_that_says_what_was_said_is_right_everywhere() -> None:
    found = outcome(PERFECT)
    assert found.pop("latency") > 0
    assert found == {
        "model": "m", "episode": "c1", "user_id": "ada", "scenario": "refund", "rr": 0.0, "action_accuracy": 1.0,
        "slot_f1": 1.0, "format_validity": 1.0, "reply_loss": 0.5, "too_long": 0.0, "tokens_per_reply": 5.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "accuracy"),
    [
        (act("refund", order=7), 1.0),
        (act("refund", "One moment.", order=7), 1.0),
        (act("refund", order=8), 0.0),
        (act("refund", order=7, fast=True), 0.0),
        (act("refund", order=7.0), 1.0),
        (act("refund", order="7"), 0.0),
        (act("refund"), 0.0),
        (act("cancel", order=7), 0.0),
        (reply("I have refunded order 7."), 0.0),
        ("refund 7", 0.0),
    ],
)
def test_an_action_is_right_when_tool_and_arguments_are(said: str, accuracy: float) -> None:
    assert outcome(PERFECT | {3: said})["action_accuracy"] == accuracy


def test_action_accuracy_is_the_share_of_the_turns_that_need_an_action() -> None:
    talk = [user("Both."), gold(act("find", city="Porto")), result("{}"), gold(ACT), result("{}"), gold(DONE)]
    assert outcome({1: act("find", city="Porto"), 3: act("refund", order=8), 5: act("refund")}, *talk)["action_accuracy"] == 0.5


def test_action_accuracy_does_not_apply_where_no_action_was_needed() -> None:
    found = outcome({1: ACT}, user("Hi."), gold(reply("Hello.")))
    assert (found["action_accuracy"], found["slot_f1"], found["format_validity"]) == (None, None, 1.0)


@pytest.mark.parametrize(
    "malformed",
    [
        "You get 23 dollars.",
        "",
        "{}",
        '{"reply":""}',
        '{"reply":"x","mood":"good"}',
        '{"reply":"x"',
        '["x"]',
        '{"action":{"name":""}}',
    ],
)
def test_format_validity_is_the_share_of_outputs_that_are_a_valid_object(malformed: str) -> None:
    assert outcome(PERFECT | {5: malformed})["format_validity"] == pytest.approx(2 / 3)
    assert outcome({1: malformed, 3: malformed, 5: malformed})["format_validity"] == 0.0


@pytest.mark.parametrize(
    "said",
    [
        "Which order is it?",
        "which ORDER is it?",
        "  Which  order\nis it? ",
        "Which order is it",
        "Which orders is it?",
    ],
)
def test_a_reply_that_says_an_earlier_one_again_is_a_repetition(said: str) -> None:
    assert repeats("Which order is it?", said) == 1.0


@pytest.mark.parametrize("said", ["Which day is it for?", "I see.", "Is it the order?"])
def test_another_reply_is_no_repetition(said: str) -> None:
    assert repeats("Which order is it?", said) == 0.0


@pytest.mark.parametrize(
    ("earlier", "said"),
    [
        ("Your order will be there in 31 minutes.", "Your order will be there in 32 minutes."),
        ("The table for 2 is booked for 7 pm.", "The table for 7 is booked for 2 pm."),
        ("The fee for cancelling is 6 dollars.", "The fee for cancelling is 6 or 7 dollars."),
        ("订单将在 31 分钟后送达，请您耐心等待。", "订单将在 32 分钟后送达，请您耐心等待。"),
    ],
)
def test_replies_whose_numbers_differ_are_no_repetition(earlier: str, said: str) -> None:
    assert repeats(earlier, said) == 0.0
    assert repeats(earlier, earlier) == 1.0


def test_replies_are_alike_from_nine_tenths_on() -> None:
    """20 letters that share their first 18 are 2 · 18 / 40 = 0.9 alike; 25 that share 22 only 0.88."""
    assert repeats("abcdefghijklmnopqrst", "abcdefghijklmnopqrXY") == 1.0
    assert repeats("abcdefghijklmnopqrstuvwxy", "abcdefghijklmnopqrstuv!!!") == 0.0


def test_a_repetition_is_of_what_was_truly_said_before_and_not_of_the_models_own_words() -> None:
    assert outcome({1: reply("Let me see."), 3: reply("Let me see."), 5: reply("Let me see.")})["rr"] == 0.0
    assert outcome(PERFECT | {5: ASK})["rr"] == 1.0
    assert outcome({1: DONE, 3: DONE, 5: DONE})["rr"] == 0.0


def test_what_the_customer_said_before_is_no_repetition() -> None:
    talk = [user("Which order is it?"), gold(reply("The soup.")), user("Why?"), gold(reply("It was cold."))]
    assert outcome({1: ASK, 3: ASK}, *talk)["rr"] == 0.0


def test_an_action_done_again_or_a_malformed_reply_is_no_repetition() -> None:
    talk = [user("Refund."), gold(ACT), result("{}"), gold(ACT), result("{}"), gold(DONE)]
    assert outcome({1: ACT, 3: ACT, 5: ACT}, *talk)["rr"] == 0.0
    assert outcome(PERFECT | {5: "Which order is it?"})["rr"] == 0.0


def test_every_turn_is_asked_for_with_the_true_history_before_it() -> None:
    model = StandIn({1: DONE, 3: DONE, 5: ASK})
    evaluate_offline(model, [held_out()], model="m")
    assert model.prompts[:3] == [TALK[:1], TALK[:3], TALK[:5]]
    assert model.prompts[3:] == [TALK[:5]] * 2, "its last turn is asked for alone, to warm up and to time it"
    assert model.scored == [TALK]


def test_a_turn_that_opens_the_dialogue_is_not_asked_for() -> None:
    model = StandIn({2: DONE})
    rows = evaluate_offline(model, [held_out(gold(reply("Hello.")), user("Hi."), gold(DONE))], model="m")
    assert {len(prompt) for prompt in model.prompts} == {2}
    assert rows["format_validity"].to_list() == [1.0]


def test_each_dialogue_keeps_its_own_numbers_when_one_has_nothing_to_ask_for() -> None:
    dialogues = [
        held_out(conversation_id="a"),
        held_out(gold(reply("Hello.")), user("Bye."), conversation_id="b"),
        held_out(*TALK[:2], conversation_id="c", user_id="bo"),
    ]
    rows = evaluate_offline(StandIn({1: ASK, 3: ACT, 5: "no"}, losses=[0.25, 9.0, None]), dialogues, model="m")
    assert rows.select("episode", "user_id", "action_accuracy", "format_validity", "reply_loss").rows() == [
        ("a", "ada", 1.0, pytest.approx(2 / 3), 0.25),
        ("c", "bo", None, 1.0, None),
    ]


def test_dialogues_without_names_get_their_place_as_id() -> None:
    rows = evaluate_offline(StandIn(PERFECT), [{"messages": TALK}, {"messages": TALK[:2], "user_id": None}], model="m")
    assert rows.select("episode", "user_id", "scenario").rows() == [("0", "0", "unknown"), ("1", "1", "unknown")]


def test_no_dialogues_give_no_rows_of_the_right_shape() -> None:
    rows = evaluate_offline(StandIn({}), [], model="m")
    assert (rows.height, rows.schema) == (0, pl.Schema(OUTCOME_SCHEMA))


def test_the_outcomes_are_what_the_summary_takes() -> None:
    dialogues = [held_out(conversation_id=f"c{i}", user_id=f"u{i}") for i in range(4)]
    rows = evaluate_offline(StandIn(PERFECT | {5: ASK}), dialogues, model="m")
    assert summarise(rows.drop("latency"), "c1", "offline").select("metric", "value", "n").rows() == [
        ("rr", 1.0, 4), ("action_accuracy", 1.0, 4), ("slot_f1", 1.0, 4), ("format_validity", 1.0, 4), ("reply_loss", 0.5, 4),
        ("too_long", 0.0, 4), ("tokens_per_reply", 5.0, 4),
    ]  # fmt: skip


@pytest.mark.parametrize(("limit", "ids"), [(3, ["c0", "c1", "c2"]), (9, ["c0", "c1", "c2"])])
def test_the_dialogues_of_a_file_are_read(tmp_path: Path, limit: int, ids: list[str]) -> None:
    path = tmp_path / "sft.held_out.jsonl"
    talk = [user("多少钱？\u2028"), gold(reply("58 元。"))]
    lines = [json.dumps(held_out(*talk, conversation_id=f"c{i}"), ensure_ascii=False) for i in range(3)]
    path.write_text("\n" + "\n \n".join(lines) + "\n\n", "utf-8")
    found = read_dialogues(path, limit)
    assert [dialogue["conversation_id"] for dialogue in found] == ids
    assert found[0]["messages"] == talk


def test_a_missing_or_empty_file_is_said_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "sft.held_out.jsonl"
    with pytest.raises(DatasetError, match=r"no held-out dialogues at .*sft\.held_out\.jsonl → materialize sft_dataset first"):
        read_dialogues(path, 5)
    path.touch()
    with pytest.raises(DatasetError, match=r"holds no dialogues.* → run `nightly` for more days"):
        read_dialogues(path, 5)


@pytest.mark.parametrize(("line", "number"), [("{", 2), ("[1]", 2), ('{"messages": "hi"}', 2)])
def test_a_line_that_is_no_dialogue_is_named(tmp_path: Path, line: str, number: int) -> None:
    path = tmp_path / "sft.held_out.jsonl"
    path.write_text(json.dumps(held_out()) + f"\n{line}\n")
    with pytest.raises(DatasetError, match=rf"line {number}: not a dialogue with messages"):
        read_dialogues(path, 5)


def test_a_value_that_is_true_is_not_the_number_one() -> None:
    talk = [user("Both."), gold(act("find", cheap=True)), result("{}"), gold(DONE)]
    assert outcome({1: act("find", cheap=1), 3: DONE}, *talk)["action_accuracy"] == 0.0
    assert outcome({1: act("find", cheap=True), 3: DONE}, *talk)["action_accuracy"] == 1.0


@pytest.mark.parametrize(
    ("said", "f1"),
    [
        # Expected: city=Porto, stars=4. F1 = 2·TP / (2·TP + FP + FN).
        (act("find", city="Porto", stars=4), 1.0),
        (act("find", city="Porto"), 2 / 3),
        (act("find", city="Porto", stars=5), 0.5),
        (act("find", city="Porto", stars=4, wifi=True), 0.8),
        (act("book", city="Porto", stars=4), 0.0),
        (reply("Which city?"), 0.0),
    ],
)
def test_slot_f1_is_over_names_and_values_of_the_right_tool(said: str, f1: float) -> None:
    talk = [user("Porto, four stars."), gold(act("find", city="Porto", stars=4))]
    assert outcome({1: said}, *talk)["slot_f1"] == pytest.approx(f1)


def test_slot_f1_counts_all_turns_of_a_dialogue_together() -> None:
    """Two actions of one slot each, one right and one wrong: TP 1, FP 1, FN 1, so 2 / 4."""
    talk = [user("Both."), gold(act("find", city="Porto")), result("{}"), gold(ACT)]
    assert outcome({1: act("find", city="Porto"), 3: act("refund", order=8)}, *talk)["slot_f1"] == 0.5


def test_a_turn_whose_prompt_does_not_fit_is_refused_and_counted() -> None:
    model = StandIn(PERFECT, longest=3)
    row = evaluate_offline(model, [held_out()], model="m").row(0, named=True)
    assert {len(prompt) for prompt in model.prompts} == {1, 3}
    assert (row["too_long"], row["format_validity"], row["action_accuracy"]) == (pytest.approx(1 / 3), 1.0, 1.0)
    nothing = evaluate_offline(StandIn(PERFECT, longest=0), [held_out()], model="m").row(0, named=True)
    assert (nothing["too_long"], nothing["rr"], nothing["format_validity"], nothing["latency"]) == (1.0, None, None, None)


def test_dialogues_are_drawn_from_the_whole_file_and_always_the_same(tmp_path: Path) -> None:
    """A held-out file is sorted by day: its beginning would leave the newest days unevaluated."""
    path = tmp_path / "held_out.jsonl"
    lines = [json.dumps({"messages": [], "conversation_id": f"c{number:03}"}) for number in range(300)]
    path.write_text("\n".join(lines) + "\n")
    found = [dialogue["conversation_id"] for dialogue in read_dialogues(path, 100)]
    thirds = [sum(name.startswith(f"c{third}") for name in found) for third in range(3)]
    assert len(found) == 100
    assert all(20 <= count <= 46 for count in thirds), thirds
    assert found == sorted(found) == [dialogue["conversation_id"] for dialogue in read_dialogues(path, 100)]
    assert set(found) <= {dialogue["conversation_id"] for dialogue in read_dialogues(path, 200)}
