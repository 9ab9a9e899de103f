"""Edits by people, samples of the model, the blind comparison and the checks of thoughts: what follows from each answer."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.contracts import REWRITE_EDITS
from wow_flywheel.dialogue import Action, ChatMessage, DialogueAction
from wow_flywheel.errors import DatasetError, SettingsError
from wow_flywheel.inspection.transcript import KnowledgeIndex
from wow_flywheel.pairs.build import Sources, build_pairs
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.compare import Comparison, Side, letter, request, ruling
from wow_flywheel.pairs.rewrite import Sampling
from wow_flywheel.pairs.screen import UNKNOWN_DEBT
from wow_flywheel.pairs.self_samples import read_samples, sample, write_sites
from wow_flywheel.pairs.sites import Site
from wow_flywheel.pairs.thought import Forward, Step, inconclusive, steps, unfounded, unsupported
from wow_flywheel.serving.protocol import Reply
from wow_flywheel_tests.unit.cases.rows import a_case, cases, claim, inspections
from wow_flywheel_tests.unit.inspection.talk import KNOWLEDGE, PROCEDURES, agent, call, day, tool, user

UNITS, STEPS = pl.DataFrame(schema=KNOWLEDGE), pl.DataFrame(schema=PROCEDURES)
TALK = [user("How much is order 31?"), call("find", order=31), tool(order=31, price=58), agent("It costs 45 dollars.")]
WHERE = Site(
    dt.date(2026, 3, 2), "a", "u", "refund", 3, "hallucination", tuple(TALK[:3]), DialogueAction(reply="It costs 45 dollars.")
)
RIGHT = Candidate(DialogueAction(thought="The price is 58.", reply="It costs 58 dollars."), "endpoint", "")
INDEX = KnowledgeIndex.of(UNITS)
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def edited(*rows: tuple[str, int]) -> pl.DataFrame:
    identity = {"dt": NOON.date(), "conversation_id": "a", "turn": 3, "issue_type": "poor_empathy", "decided_by": "ana"}
    full = [
        identity | {"chosen": DialogueAction(reply=reply).to_json(), "decided_at": NOON.replace(hour=hour), "note": None}
        for reply, hour in rows
    ]
    return pl.DataFrame(full, schema=REWRITE_EDITS.columns)


def built(sources: Sources, label: str = "bad") -> pl.DataFrame:
    conversations = day(TALK).with_columns(conversation_id=pl.lit("a"))
    claims = inspections(claim("hallucination", "major", 3))
    done = build_pairs(cases(a_case(label)), conversations, claims, conversations.clear(), UNITS, STEPS, sources=sources)
    return done.pairs.select("chosen", "source", "verified_by", "issue_type")


def test_the_latest_edit_of_a_person_outweighs_every_other_candidate_and_the_inspectors() -> None:
    samples = {"a#3": [DialogueAction(reply="It costs 58 dollars.")]}
    (row,) = built(Sources(edited(("It is 99.", 15), ("It is 12.", 9)), samples)).rows()
    assert row == (DialogueAction(reply="It is 99.").to_json(), "person", "person", "poor_empathy")
    assert built(Sources(edited(("It is 99.", 15))), label="failed").is_empty()


def test_samples_of_the_model_are_taken_if_the_inspectors_let_them_pass() -> None:
    samples = {"a#3": [DialogueAction(reply="It costs 77 dollars."), DialogueAction(reply="It costs 58 dollars.")]}
    (row,) = built(Sources(samples=samples)).rows()
    assert row == (DialogueAction(reply="It costs 58 dollars.").to_json(), "policy", "rules+evidence", "hallucination")


FALSE = (
    "It costs 31 dollars.", "It does not cost 58 dollars, it is free.", "It costs 58 dollars and ships to Berlin tomorrow.",
    "I have refunded your 58 dollars.", "It costs fifty dollars.", "Please call Mr Brown, he will give you a discount.",
)  # fmt: skip
JUNK = ("Okay.", "I am sorry. Bananas are yellow.", "How much is order 31?", "很抱歉。香蕉是黄色的。")


@pytest.mark.parametrize("reply", [*FALSE, *JUNK, "已经为您退款58元。", "不是58元，是免费的。", "一共五十元。"])
def test_without_an_endpoint_neither_junk_nor_a_false_claim_is_chosen(reply: str) -> None:
    samples = {"a#3": [DialogueAction(reply=reply)]}
    assert built(Sources(samples=samples)).is_empty()


def test_where_nothing_shows_what_a_turn_owes_free_words_are_refused() -> None:
    talk = [user("I like trains."), agent("It costs 45 dollars.")]
    conversations = day(talk).with_columns(conversation_id=pl.lit("a"))
    claims, samples = inspections(claim("hallucination", "major", 1)), {"a#1": [DialogueAction(reply="Trains are fine.")]}
    sources = Sources(samples=samples)
    done = build_pairs(cases(a_case("bad")), conversations, claims, conversations.clear(), UNITS, STEPS, sources=sources)
    assert done.candidates.select("stage", "reason").rows() == [("owed", UNKNOWN_DEBT)]


def test_the_models_own_words_come_after_a_good_case() -> None:
    samples = {"a#3": [DialogueAction(reply="You pay 58 dollars.")]}
    good = day(
        [user("How much is order 7100?"), call("find", order=7100), tool(order=7100, price=99), agent("It is 99 dollars.")]
    )
    conversations = day(TALK).with_columns(conversation_id=pl.lit("a"))
    claims = inspections(claim("hallucination", "major", 3))
    done = build_pairs(cases(a_case("bad")), conversations, claims, good, UNITS, STEPS, sources=Sources(samples=samples))
    assert done.pairs["source"].to_list() == ["good_case"]
    assert sorted(done.candidates.filter("accepted")["source"]) == ["good_case", "policy"]


def test_an_edit_that_is_far_longer_gives_way_to_nobody() -> None:
    long = "I am very sorry. " + "We will look into order 31 and it costs 58 dollars as the system says. " * 5
    assert built(Sources(edited((long, 15)), {"a#3": [DialogueAction(reply="It costs 58 dollars.")]})).is_empty()


def test_what_a_model_says_that_is_no_output_leaves_a_row() -> None:
    conversations = day(TALK).with_columns(conversation_id=pl.lit("a"))
    claims = inspections(claim("hallucination", "major", 3))
    sources = Sources(samples={"a#3": [WHERE.said]}, malformed={"a#3": ["It costs"]})
    done = build_pairs(cases(a_case("bad")), conversations, claims, conversations.clear(), UNITS, STEPS, sources=sources)
    assert done.candidates.select("candidate", "stage").rows() == [
        (WHERE.said.to_json(), "same as said"), ("It costs", "malformed"),
    ]  # fmt: skip


def test_a_thought_that_nobody_can_read_is_refused() -> None:
    assert built(Sources(samples={"a#3": [RIGHT.output]})).is_empty()


class Fixed:
    """An engine that answers from a list, round by round."""

    def __init__(self, *rounds: list[str]) -> None:
        self.rounds = list(rounds)

    def respond(self, conversations: list[list[ChatMessage]]) -> list[Reply]:
        return [Reply(text, DialogueAction.from_json(text), 1, 1) for text in self.rounds.pop(0)]


def test_samples_are_counted_and_survive_their_files(tmp_path: Path) -> None:
    one, other = DialogueAction(reply="One.").to_json(), DialogueAction(reply="Two.").to_json()
    assert sample(Fixed([one], [other], [other]), {"a#3": []}, 3) == {"a#3": [other, one]}
    write_sites([WHERE], tmp_path / "sites.jsonl")
    assert '"pair_id": "a#3"' in (tmp_path / "sites.jsonl").read_text()
    (tmp_path / "s.jsonl").write_text('{"pair_id": "a#3", "samples": ["no JSON", "{\\"reply\\": \\"One.\\"}"]}\n')
    assert read_samples(tmp_path / "s.jsonl") == {"a#3": [DialogueAction(reply="One.")]}
    (tmp_path / "s.jsonl").write_text("[]\n")
    with pytest.raises(DatasetError, match=r"line 1: no samples"):
        read_samples(tmp_path / "s.jsonl")


def test_the_comparison_names_neither_side_and_both_orders_occur() -> None:
    asked = request(WHERE, RIGHT, INDEX)
    assert not any(word in asked.user.lower() for word in ("rewrite", "original", "chosen", "rejected"))
    assert "The price is 58" not in asked.user
    letters = {letter(WHERE, Candidate(DialogueAction(reply=f"It is {i}."), "endpoint", "")) for i in range(20)}
    assert letters == {"A", "B"}


def test_a_rewrite_passes_the_comparison_only_if_it_is_preferred_sound_and_grounded() -> None:
    mine = letter(WHERE, RIGHT)
    fine, bad = Side(issues=[], grounded=True), Side(issues=["hallucination"], grounded=True)

    def ruled(side: Side, better: str) -> str | None:
        sides = {"a": side, "b": bad} if mine == "A" else {"a": bad, "b": side}
        return ruling(WHERE, RIGHT, Comparison.model_validate({**sides, "better": better}))

    assert ruled(fine, mine) is None
    assert ruled(fine, "neither") == "the blind comparison prefers neither side"
    assert ruled(fine, "B" if mine == "A" else "A") == "the blind comparison prefers what was said"
    assert ruled(bad, mine) == "the blind comparison still finds hallucination"
    assert ruled(Side(issues=["poor_empathy"], grounded=True), mine) == "the blind comparison finds a new poor_empathy"
    assert ruled(Side(issues=[], grounded=False), mine) == "the blind comparison finds a claim without ground"


def test_each_step_of_a_thought_must_be_found_in_the_input() -> None:
    assert steps("First this.\nThen that.") == ["First this.", "Then that."]
    assert steps("One is 1. Two is 2.") == ["One is 1.", "Two is 2."]
    assert unfounded(WHERE, "Order 31 costs 58.", frozenset()) is None
    assert unfounded(WHERE, "It is 31. With tax it is 77.", frozenset()) == "step 2 of its thought has 77, which nothing gives"
    found = Forward(steps=[Step(supported=True, quote='"price": 58')])
    assert unsupported(WHERE, RIGHT, found, INDEX) is None
    invented = Forward(steps=[Step(supported=True, quote="price is 99")])
    assert unsupported(WHERE, RIGHT, invented, INDEX) == "step 1 of its thought rests on words that are not in the input"
    denied = Forward(steps=[Step(supported=False, quote="")])
    assert unsupported(WHERE, RIGHT, denied, INDEX) == "step 1 of its thought is not in the input"
    assert unsupported(WHERE, RIGHT, Forward(steps=[]), INDEX) == "the forward check answers 0 of 1 steps of its thought"


def test_the_steps_alone_must_lead_to_the_same_answer() -> None:
    assert inconclusive(WHERE, RIGHT, DialogueAction(reply="That is 58 dollars.")) is None
    assert inconclusive(WHERE, RIGHT, DialogueAction(reply="That is 45.")) == "its thought leads to other facts: 45, 58"
    acts = DialogueAction(action=Action(name="find", arguments={"order": 31}))
    assert inconclusive(WHERE, RIGHT, acts) == inconclusive(WHERE, RIGHT, None) == "its thought leads to something else to do"


@pytest.mark.parametrize("text", ["warm", "0,0", "3", ","])
def test_temperatures_are_checked(text: str) -> None:
    with pytest.raises(SettingsError, match="WOW_REWRITE_TEMPERATURES"):
        Sampling.from_env({"WOW_REWRITE_TEMPERATURES": text})
    assert Sampling.from_env({"WOW_REWRITE_TEMPERATURES": "0, 0.5"}) == Sampling((0.0, 0.5))
