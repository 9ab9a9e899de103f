"""Each rule finds its planted defects, at their turns and with their words, and lets look-alikes pass (`sql/rules/*.yaml`)."""

import pytest

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.dialogue import Message
from wow_flywheel.rules.registry import Rule, load_rules
from wow_flywheel_tests.unit.inspection.talk import agent, user
from wow_flywheel_tests.unit.rules.fixtures import Planted, Sample, samples
from wow_flywheel_tests.unit.rules.talk import found, said, step

SAMPLES = samples()


def answered(*texts: str) -> list[Message]:
    """The user and the agent in turns."""
    return [user(text) if i % 2 == 0 else agent(text) for i, text in enumerate(texts)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.rule}-{sample.language}")
def test_planted_defects_are_found_and_their_look_alikes_are_not(sample: Sample) -> None:
    conversations = [*(planted.messages for planted in sample.planted), *sample.clean]
    expected = [(f"talk-{i}", planted.turn, planted.quote) for i, planted in enumerate(sample.planted)]
    assert found(sample.rule, *conversations, knowledge=sample.knowledge, steps=sample.steps) == expected


@pytest.mark.parametrize("planted", [planted for sample in SAMPLES for planted in sample.planted], ids=lambda p: p.quote)
def test_expected_quotes_stand_verbatim_in_their_turn(planted: Planted) -> None:
    assert planted.quote in said(planted.messages[planted.turn])


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.rule_id)
def test_every_rule_has_planted_defects_and_look_alikes_in_each_of_its_languages(rule: Rule) -> None:
    languages = {sample.language for sample in SAMPLES if sample.rule == rule.rule_id and sample.planted and sample.clean}
    assert languages, f"sql/rules/{rule.rule_id}.yaml is missing: write what the rule must find, and what it must not"
    assert languages >= set(rule.languages)


def test_every_fixture_belongs_to_a_rule() -> None:
    assert {sample.rule for sample in SAMPLES} == {rule.rule_id for rule in load_rules()}


def test_there_are_rules_of_every_issue_type() -> None:
    assert {rule.issue_type for rule in load_rules()} == set(ISSUE_TYPES)


def test_every_rule_is_named_like_its_file() -> None:
    assert [rule.rule_id for rule in load_rules()] == [rule.query.name.removeprefix("rules/") for rule in load_rules()]


def test_a_step_that_is_first_taken_without_a_word_is_quoted_where_it_is_said() -> None:
    silent: Message = {"role": "assistant", "content": None, "action": "pay_back"}
    late = [user("Refund."), silent, user("Oh."), step("pay_back", "Refunding."), user("So?"), step("verify", "Who are you?")]
    assert found("skipped_step", late, steps=[("verify", "pay_back")]) == [("talk-0", 3, "Refunding.")]


def test_a_step_is_not_asked_for_where_the_others_skip_it_too() -> None:
    skipped = [user("Refund."), step("refund", "Refunded!")]
    followed = [user("Refund."), step("verify", "Who are you?"), user("Me."), step("refund", "Refunded!")]
    steps = [("verify", "refund")]
    assert found("skipped_step", skipped, *[followed] * 6, steps=steps) == [("talk-0", 1, "Refunded!")]
    assert found("skipped_step", skipped, skipped, *[followed] * 6, steps=steps) == [
        ("talk-0", 1, "Refunded!"),
        ("talk-1", 1, "Refunded!"),
    ]
    assert found("skipped_step", skipped, skipped, *[followed] * 5, steps=steps) == []


def test_one_of_several_steps_that_lead_to_a_step_is_enough() -> None:
    by_mail = [user("Refund."), step("mail", "I sent a code."), user("1."), step("refund", "Refunded!")]
    by_phone = [user("Refund."), step("phone", "I ring you."), user("Yes."), step("refund", "Refunded!")]
    steps = [("mail", "refund"), ("phone", "refund")]
    assert found("skipped_step", by_mail, by_phone, steps=steps) == []


@pytest.mark.parametrize("rule", ["ungrounded_number", "ungrounded_name"])
def test_nothing_is_ungrounded_where_the_log_shows_no_sources(rule: str) -> None:
    conversation = answered("How much?", "It costs 45 dollars at the Ritz tonight.")
    assert found(rule, conversation) == []
    assert [turn for _, turn, _ in found(rule, conversation, knowledge=["Ask at the desk."])] == [1]
