"""Which rows a cycle learns from, in which shape, and on which side of the split."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.contracts import PREFERENCE_DATASET, SFT_DATASET
from wow_flywheel.datasets.build import Datasets, build_datasets
from wow_flywheel.datasets.rows import preference_rows, sft_rows
from wow_flywheel.datasets.split import split_of
from wow_flywheel.dialogue import DialogueAction, Message
from wow_flywheel.errors import DatasetError
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.cases.rows import DAY
from wow_flywheel_tests.unit.datasets.good_cases import (
    ACT,
    ASK,
    DONE,
    HELD_OUT_CUSTOMER,
    TALK,
    TRAINED_ON,
    conversation,
    conversations,
    labels,
    next_day,
    pair,
    pairs,
)
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user

CROWD = [f"customer-{number}" for number in range(200)]


def chat(*messages: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in messages]


def sft(*rows: dict[str, Any], label: str = "good") -> pl.DataFrame:
    return sft_rows(labels(label, *rows), conversations(*rows), "c1")


def learnt(*messages: Message) -> list[dict[str, str]]:
    """The training chat of one Good Case."""
    return sft(conversation("a", "ada", list(messages)))["messages"].to_list()[0]


def test_a_good_case_becomes_chat_whose_assistant_turns_are_dialogue_action_json() -> None:
    row = sft(conversation("a", "ada")).row(0, named=True)
    assert row.pop("messages") == chat(
        ("user", "Refund, please."), ("assistant", ASK), ("user", "7"), ("assistant", ACT), ("tool", '{"ok": true}'),
        ("assistant", DONE),
    )  # fmt: skip
    assert row == {
        "cycle": "c1", "dt": DAY, "conversation_id": "a", "user_id": "ada", "scenario": "refund", "split": "train",
        "language": "und", "source": "good_case", "from_cycle": None,
    }  # fmt: skip


def test_the_targets_have_one_canonical_form() -> None:
    """Keys in the order of the schema, no spaces, text as it is; a thought only where there is one."""
    found = learnt(user("多少钱？"), agent('58 元，"含税"。'))
    assert found[1]["content"] == '{"knowledge":[],"reply":"58 元，\\"含税\\"。","action":null}'
    assert DialogueAction.from_json(found[1]["content"]) == DialogueAction(reply='58 元，"含税"。')


def test_a_reply_said_while_acting_stays_with_its_action() -> None:
    both: Message = {**call("refund", order=7), "content": "One moment."}
    assert learnt(user("Refund 7."), both)[1]["content"] == ACT.replace('"reply":null', '"reply":"One moment."')


def test_parallel_calls_become_one_turn_each_followed_by_its_own_result() -> None:
    second = call("find", "c2", city="Porto")
    both: Message = {**call("refund", order=7), "tool_calls": [*call("refund", order=7)["tool_calls"], *second["tool_calls"]]}
    found = learnt(user("Both."), both, tool("c2", hotel="Sol"), tool("c1", ok=True), agent("Done."))
    assert found == chat(
        ("user", "Both."), ("assistant", ACT), ("tool", '{"ok": true}'),
        ("assistant", '{"knowledge":[],"reply":null,"action":{"name":"find","arguments":{"city":"Porto"}}}'),
        ("tool", '{"hotel": "Sol"}'), ("assistant", DONE),
    )  # fmt: skip


def test_arguments_that_are_no_object_are_kept_as_they_were_logged() -> None:
    broken: Message = {**call("refund"), "tool_calls": [{"id": "c1", "name": "refund", "arguments": '{"order": 7'}]}
    assert DialogueAction.from_json(learnt(user("Refund."), broken)[1]["content"]).action.arguments == {"_raw": '{"order": 7'}


def test_what_comes_after_the_last_reply_is_left_out() -> None:
    assert learnt(*TALK, user("Thanks."), user("Bye.")) == learnt(*TALK)
    assert [m["role"] for m in learnt(*TALK[:5])] == ["user", "assistant", "user", "assistant"]


def test_an_instruction_to_the_agent_stays_first() -> None:
    system: Message = {"role": "system", "content": "Be kind."}
    assert learnt(system, *TALK)[0] == {"role": "system", "content": "Be kind."}


@pytest.mark.parametrize("messages", [[user("Hello?")], [user("Hello?"), agent("")]])
def test_a_conversation_in_which_the_agent_says_nothing_is_left_out(messages: list[Message]) -> None:
    assert sft(conversation("a", "ada", messages), conversation("b", "ada"))["conversation_id"].to_list() == ["b"]


@pytest.mark.parametrize("label", ["bad", "failed", "review"])
def test_only_good_cases_are_learnt_from(label: str) -> None:
    good, other = conversation("a", "ada"), conversation("b", "ada")
    cases = pl.concat([labels("good", good), labels(label, other)])
    assert sft_rows(cases, conversations(good, other), "c1")["conversation_id"].to_list() == ["a"]


def test_a_label_holds_for_its_own_day() -> None:
    monday, tuesday = conversation("a", "ada"), conversation("a", "ada", TALK[:2], dt=next_day())
    rows = sft_rows(labels("good", tuesday), conversations(monday, tuesday), "c1")
    assert rows.select("dt", "conversation_id").rows() == [(next_day(), "a")]


def test_a_conversation_that_is_good_on_two_days_is_learnt_once_as_of_the_first() -> None:
    rows = sft(conversation("a", "ada", TALK[:2], dt=next_day()), conversation("a", "ada"))
    assert rows.select("dt", pl.col("messages").list.len()).rows() == [(DAY, 6)]


def test_a_pair_keeps_its_answers_and_gets_its_prompt_as_chat() -> None:
    row = preference_rows(pairs(pair("a#3", "ada", TALK[:3])), "c1").row(0, named=True)
    assert row.pop("prompt") == chat(("user", "Refund, please."), ("assistant", ASK), ("user", "7"))
    assert row == {
        "cycle": "c1", "dt": DAY, "conversation_id": "a", "pair_id": "a#3", "user_id": "ada", "scenario": "refund",
        "issue_type": "unclarified_demand", "split": "train", "chosen": ASK, "rejected": DONE,
        "language": "und", "source": "good_case", "source_conversation_id": "c9", "from_cycle": None,
    }  # fmt: skip


def test_a_pair_of_two_days_is_learnt_once_as_of_the_first() -> None:
    rows = preference_rows(pairs(pair("a#1", "ada", dt=next_day(), chosen=ACT), pair("a#1", "ada")), "c1")
    assert rows.select("dt", "chosen").rows() == [(DAY, ASK)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_order_of_the_input_does_not_matter(seed: int) -> None:
    rows = [conversation(f"c{i}", CROWD[i], dt=next_day(i % 3)) for i in range(30)]
    labelled, talks = labels("good", *rows), conversations(*rows)
    shuffled = sft_rows(
        labelled.sample(fraction=1, shuffle=True, seed=seed), talks.sample(fraction=1, shuffle=True, seed=9), "c1"
    )
    assert shuffled.equals(sft_rows(labelled, talks, "c1"))
    found = pairs(*(pair(f"p{i}#1", CROWD[i], dt=next_day(i % 3)) for i in range(30)))
    assert preference_rows(found.sample(fraction=1, shuffle=True, seed=seed), "c1").equals(preference_rows(found, "c1"))


def crowd_sft() -> pl.DataFrame:
    return sft(*(conversation(f"{user}-{i}", user) for user in CROWD for i in range(2)))


def crowd_pairs() -> pl.DataFrame:
    return preference_rows(pairs(*(pair(f"{user}#{turn}", user) for user in CROWD for turn in (1, 3))), "c1")


@pytest.mark.parametrize("make", [crowd_sft, crowd_pairs])
def test_nothing_of_a_held_out_customer_is_in_a_training_row(make: Callable[[], pl.DataFrame]) -> None:
    rows = make()
    by_split = {split: rows.filter(split=split) for split in ("train", "held_out")}
    customers = {split: set(frame["user_id"]) for split, frame in by_split.items()}
    assert customers["train"].isdisjoint(customers["held_out"])
    assert customers["held_out"] == {user for user in CROWD if split_of(user) == "held_out"}
    talks = {split: set(frame["conversation_id"]) for split, frame in by_split.items()}
    assert talks["train"].isdisjoint(talks["held_out"])
    assert (by_split["train"].height, by_split["held_out"].height) == tuple(
        2 * len(customers[s]) for s in ("train", "held_out")
    )


def test_a_customer_is_on_the_same_side_of_both_datasets() -> None:
    dialogues = dict(crowd_sft().select("user_id", "split").iter_rows())
    answers = dict(crowd_pairs().select("user_id", "split").iter_rows())
    assert dialogues == answers
    assert (dialogues["customer-0"], set(answers.values())) == (split_of("customer-0"), {"train", "held_out"})


def test_rows_fit_their_contracts() -> None:
    for rows, contract in ((crowd_sft(), SFT_DATASET), (crowd_pairs(), PREFERENCE_DATASET)):
        assert contract.conform(rows).equals(rows)


def test_no_rows_give_empty_frames_of_the_right_shape() -> None:
    assert sft_rows(labels("good"), conversations(), "c1").schema == pl.Schema(SFT_DATASET.columns)
    assert preference_rows(pairs(), "c1").schema == pl.Schema(PREFERENCE_DATASET.columns)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def fill(lake: Lake, *rows: dict[str, Any], label: str = "good") -> None:
    """Write conversations of one day with their label."""
    day = rows[0].get("dt", DAY)
    lake.replace("conversations", conversations(*rows), day)
    lake.replace("cases", labels(label, *rows), day)


def test_the_cycle_takes_the_rows_of_its_days_alone(lake: Lake) -> None:
    for days, user_id in enumerate(TRAINED_ON):
        fill(lake, conversation(f"c{days}", user_id, dt=next_day(days)))
        lake.replace("preference_pairs", pairs(pair(f"c{days}#1", user_id, dt=next_day(days))), next_day(days))
    built = build_datasets(lake, "c1", [next_day(0), next_day(2)])
    assert built.sft["conversation_id"].to_list() == ["c0", "c2"]
    assert built.preferences["pair_id"].to_list() == ["c0#1", "c2#1"]
    assert built.days == (next_day(0), next_day(2))


def test_the_cycle_tells_what_it_read_and_how_much(lake: Lake) -> None:
    other = [user("Where is my tea?"), agent("On its way, it is with the rider.")]
    fill(lake, conversation("a", "ada"), conversation("b", "bo"), conversation("e", HELD_OUT_CUSTOMER, other))
    lake.replace("preference_pairs", pairs(pair("e#1", HELD_OUT_CUSTOMER)), DAY)
    built = build_datasets(lake, "c1", [DAY])
    assert built.counts == {"sft_train": 2, "sft_held_out": 1, "preferences_train": 0, "preferences_held_out": 1}
    assert built.versions == {name: lake.version(name) for name in ("conversations", "cases", "preference_pairs")}


def test_a_cycle_without_pairs_is_still_one(lake: Lake) -> None:
    fill(lake, conversation("a", "ada"))
    built = build_datasets(lake, "c1", [DAY])
    assert (built.sft.height, built.preferences.height) == (1, 0)
    assert set(built.versions) == {"conversations", "cases"}


def _nothing(lake: Lake) -> None:
    """No table was ever written."""


def _other_day(lake: Lake) -> None:
    fill(lake, conversation("a", "ada", dt=next_day()))


def _only_bad(lake: Lake) -> None:
    fill(lake, conversation("a", "ada"), label="bad")


def _only_held_out(lake: Lake) -> None:
    fill(lake, conversation("a", HELD_OUT_CUSTOMER))


def _only_silent(lake: Lake) -> None:
    fill(lake, conversation("a", "ada", [user("Hello?")]))


@pytest.mark.parametrize("written", [_nothing, _other_day, _only_bad, _only_held_out, _only_silent])
def test_days_without_a_good_case_to_train_on_are_refused(lake: Lake, written: Callable[[Lake], None]) -> None:
    written(lake)
    with pytest.raises(DatasetError) as refused:
        build_datasets(lake, "c1", [DAY])
    assert refused.value.message == "cycle c1: the days ['2026-03-02'] hold no Good Case for training"
    assert "run `nightly` for days with more conversations" in refused.value.hint


def test_building_again_gives_the_same(lake: Lake) -> None:
    fill(lake, *(conversation(f"c{i}", CROWD[i]) for i in range(40)))
    lake.replace("preference_pairs", pairs(*(pair(f"c{i}#1", CROWD[i]) for i in range(40))), DAY)
    one, again = (build_datasets(lake, "c1", [DAY]) for _ in range(2))
    assert isinstance(one, Datasets)
    assert one.sft.equals(again.sft)
    assert one.preferences.equals(again.preferences)
