"""The triage: features of any conversation, what it learns, what it refuses, how it ranks."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.contracts import DECISIONS, INSPECTIONS, RULE_FINDINGS, SATISFACTION, VERDICTS
from wow_flywheel.dialogue import Message
from wow_flywheel.errors import DatasetError
from wow_flywheel.inspection.triage.estimator import Estimator, Examples
from wow_flywheel.inspection.triage.features import Observed, features, observe
from wow_flywheel.inspection.triage.labels import known, with_upheld
from wow_flywheel.inspection.triage.rank import rank
from wow_flywheel.inspection.triage.relative import relative
from wow_flywheel.inspection.triage.saving import at_random, saving, to_find
from wow_flywheel.inspection.triage.words import CommonWords
from wow_flywheel_tests.unit.cases import rows
from wow_flywheel_tests.unit.cases.rows import claim
from wow_flywheel_tests.unit.inspection.talk import NOON, agent, call, day, signal, tool, user

HAPPY: list[Message] = [
    user("Hello, please book table 12"),
    call("book", n=12),
    tool(ok=True),
    agent("Done."),
    user("Great, thanks!"),
]
ANGRY: list[Message] = [
    user("book it already"),
    agent("Sorry?"),
    user("Are you kidding me"),
    agent("Sorry?"),
    user("useless, you are rude"),
]


def examples(count: int) -> tuple[Examples, list[bool]]:
    talks = [ANGRY if i % 2 else HAPPY for i in range(count)]
    return Examples.of([Observed(talk) for talk in talks], [f"s{i % 3}" for i in range(count)]), [
        bool(i % 2) for i in range(count)
    ]


def verdict(conversation_id: str, satisfied: float) -> dict[str, object]:
    return {
        "dt": NOON.date(), "conversation_id": conversation_id, "scenario": "refund", "solved_score": 0.5,
        "satisfied_score": satisfied, "confidence": 0.5, "evidence": ["x"], "inspected_by": "evidence", "failures": [],
    }  # fmt: skip


def tables(*talks: list[Message]) -> dict[str, pl.DataFrame]:
    ids = [f"talk-{i}" for i in range(len(talks))]
    return {
        "conversations": day(*talks),
        "satisfaction": pl.DataFrame([signal(key) for key in ids], schema=SATISFACTION.columns),
        "inspections": INSPECTIONS.empty(),
        "verdicts": pl.DataFrame([verdict(key, 0.5) for key in ids], schema=VERDICTS.columns),
        "findings": RULE_FINDINGS.empty(),
    }


TEXTS = st.text(max_size=12) | st.sampled_from(["ok", "HELLO!!", "不行", "thanks", "7"])
MESSAGES = st.builds(
    lambda role, text, tools: {"role": role, "content": text} | ({"tool_calls": tools} if role == "assistant" else {}),
    st.sampled_from(["user", "assistant", "tool", "system"]),
    st.none() | TEXTS,
    st.lists(st.fixed_dictionaries({"id": st.none() | st.just("c"), "name": TEXTS, "arguments": TEXTS}), max_size=2),
)


@settings(max_examples=60)
@given(st.lists(MESSAGES, max_size=8))
def test_any_conversation_has_the_same_features_and_none_is_infinite(messages: list[Message]) -> None:
    found = features(Observed(messages))
    assert set(found) == set(features(Observed(HAPPY)))
    assert not any(math.isinf(value) for value in found.values())


def test_features_say_what_they_are_called() -> None:
    happy, angry = features(Observed(HAPPY)), features(Observed(ANGRY))
    assert (happy["user_turns"], happy["calls"], happy["last_succeeded"]) == (2, 1, 1)
    assert (angry["most_repeated"], angry["user_rude"], angry["ends_with_user"]) == (2, 1 / 3, 1)
    assert math.isnan(happy["agent_wait"])
    assert math.isnan(angry["free_text"])


def test_judgements_of_rules_and_inspectors_are_features() -> None:
    rows = tables(HAPPY)
    assert features(observe(**rows)[0])["satisfied_score"] == 0.5
    assert (
        features(Observed(HAPPY, claims=[{"issue_type": "hallucination", "decision": "accepted"}]))["claim_hallucination"] == 1
    )


def test_a_conversation_that_goes_on_past_midnight_is_told_by_each_days_own_judgements() -> None:
    monday = tables(HAPPY)
    tuesday = {name: table.with_columns(dt=pl.col("dt").dt.offset_by("1d")) for name, table in monday.items()}
    tuesday["verdicts"] = tuesday["verdicts"].with_columns(satisfied_score=0.1)
    both = {name: pl.concat([monday[name], tuesday[name]]) for name in monday}
    assert [features(each)["satisfied_score"] for each in observe(**both)] == [0.5, 0.1]


def test_words_of_few_scenarios_are_not_learned() -> None:
    texts = ["please hurry hotel", "hurry hotel now", "hurry hotel", "hurry taxi", "hurry taxi now", "now taxi hurry", "hurry"]
    words = CommonWords(spread=0.6)
    words.fit(texts, ["hotel"] * 3 + ["taxi"] * 3 + ["bank"])
    assert words.transform(["hotel taxi"]).nnz == 0
    assert words.transform(["hurry"]).nnz == 1


def test_features_are_told_relative_to_what_is_usual_in_the_scenario() -> None:
    """Ten turns are many among 2, 4, 6, 8, 10 (mean 6, deviation 8 ** 0.5), and usual among tens."""
    scenarios = ["parcel"] * 5 + ["refund"] * 5 + ["rare"] * 4
    turns = [2.0, 4.0, 6.0, 8.0, 10.0, *[10.0] * 5, *[10.0] * 4]
    unsaid = [float("nan")] * 5 + [1.0] * 9
    found = relative(np.array([turns, unsaid]).T, scenarios)
    assert found[:5, 0] == pytest.approx([-(2**0.5), -(0.5**0.5), 0, 0.5**0.5, 2**0.5], abs=1e-5)
    assert found[5:, 0].tolist() == [0.0] * 9, "nothing differs, or too few to know what is usual"
    assert np.isnan(found[:5, 1]).all()
    assert found[5:, 1].tolist() == [0.0] * 9


def test_a_days_few_conversations_are_told_beside_those_of_the_days_before() -> None:
    today, before = examples(2)[0], examples(30)[0]
    assert not today.relative.any(), "two conversations tell nothing of what is usual"
    told = today.beside(before)
    assert told.relative.any()
    assert (told.numbers == today.numbers)[~np.isnan(today.numbers)].all()
    assert len(told.relative) == 2


def test_the_evidence_has_a_say_on_solved_and_none_on_satisfied() -> None:
    talks, labels = examples(40)
    for target, heard in (("unsolved", True), ("dissatisfied", False)):
        known = Estimator(target).fit(talks, labels)
        first = talks.take([0])
        doubted, trusted = (replace(first, numbers=first.numbers.copy()) for _ in range(2))
        for each, score in ((doubted, 0.1), (trusted, 0.9)):
            each.numbers[0, each.names.index("solved_score")] = score
        assert (known.score(doubted)[0] > known.score(trusted)[0]) == heard


@pytest.mark.parametrize("target", ["dissatisfied", "unsolved"])
def test_it_learns_what_tells_the_two_apart_and_the_same_each_time(target) -> None:
    given_examples, labels = examples(60)
    one, other = (Estimator(target).fit(given_examples, labels).score(given_examples) for _ in range(2))
    assert one == other
    assert min(np.array(one)[1::2]) > 0.5 > max(np.array(one)[::2])


def test_with_too_few_labels_it_refuses_and_says_what_is_missing() -> None:
    given_examples, labels = examples(18)
    with pytest.raises(DatasetError, match="9 of 18 labels") as caught:
        Estimator("unsolved").fit(given_examples, labels)
    assert "review" in caught.value.hint


def test_ratings_and_decisions_are_labels_and_rules_are_not() -> None:
    ratings = [signal("rated", explicit=True, dissatisfied=True), signal("guessed", complained=True, dissatisfied=True)]
    made = [("a", "bad"), ("b", "failed"), ("c", "good"), ("d", "review"), ("rated", "good")]
    decisions = pl.DataFrame(
        [
            {"dt": NOON.date(), "conversation_id": key, "label": label, "decided_by": "ana", "decided_at": NOON}
            for key, label in made
        ],
        schema=DECISIONS.columns,
    )
    satisfaction = pl.DataFrame(ratings, schema=SATISFACTION.columns)
    assert dict(known("dissatisfied", satisfaction, decisions).drop("dt").iter_rows()) == {"rated": True, "a": True, "c": False}
    assert dict(known("unsolved", satisfaction, decisions).drop("dt").iter_rows()) == {
        "a": False,
        "b": True,
        "c": False,
        "rated": False,
    }


def test_a_severe_finding_that_a_person_upheld_counts_as_dissatisfied_unless_they_decided_otherwise() -> None:
    upheld = [claim("hallucination", "major", 1, conversation_id=key) | {"decided_by": "ana"} for key in ("x", "b", "c")]
    others = [claim("hallucination", "minor", 1, conversation_id="y") | {"decided_by": "ana"}]
    others += [claim("hallucination", "major", 1, "rejected", "z") | {"decided_by": "ana"}, claim("hallucination", "major", 1)]
    found = with_upheld(rows.inspections(*upheld, *others))
    assert found["conversation_id"].to_list() == ["x", "b", "c"]
    decisions = rows.decisions(rows.decision("failed", 9, conversation_id="b"), rows.decision("good", 9, conversation_id="c"))
    labels = known("dissatisfied", SATISFACTION.empty(), decisions, found)
    assert dict(labels.drop("dt").iter_rows()) == {"c": False, "x": True}


def test_without_labels_the_rank_is_that_of_the_evidence_and_says_so() -> None:
    today = tables(HAPPY, ANGRY, HAPPY)
    scores = {"talk-0": 0.9, "talk-1": 0.1, "talk-2": 0.5}
    today["verdicts"] = pl.DataFrame([verdict(key, score) for key, score in scores.items()], schema=VERDICTS.columns)
    ranked = rank(today, tables(), DECISIONS.empty())
    assert ranked["conversation_id"].to_list() == ["talk-1", "talk-2", "talk-0"]
    assert ranked["need_rank"].to_list() == [1, 2, 3]
    assert ranked["trained_on"].to_list() == [0, 0, 0]
    assert ranked["dissatisfied_risk"].null_count() == 3


def test_with_labels_the_angry_come_first() -> None:
    earlier = tables(*([HAPPY, ANGRY] * 35))
    rated = [signal(f"talk-{i}", explicit=True, satisfied=not i % 2, dissatisfied=bool(i % 2)) for i in range(70)]
    earlier["satisfaction"] = pl.DataFrame(rated, schema=SATISFACTION.columns)
    ranked = rank(tables(HAPPY, ANGRY, HAPPY), earlier, DECISIONS.empty())
    assert ranked["conversation_id"][0] == "talk-1"
    assert ranked["trained_on"][0] == 70
    assert ranked["unsolved_risk"].null_count() == 3


def test_how_much_must_be_inspected_to_find_most_of_the_dissatisfied() -> None:
    truths = [False, True, False, True, False]
    assert to_find(0.8, [0.1, 0.9, 0.2, 0.8, 0.3], truths) == 2 / 5
    assert to_find(0.5, [0.1, 0.9, 0.2, 0.8, 0.3], truths) == 1 / 5
    assert to_find(0.8, [0.9, 0.1, 0.8, 0.2, 0.7], truths) == 1.0
    assert at_random(0.8, truths) == 2 * 6 / 3 / 5  # the second of two among five stands at place 4 on average


def test_the_saving_is_told_on_the_newer_labels_and_not_with_too_few() -> None:
    talks = tables(*([HAPPY, ANGRY] * 50))
    labels = day(*([HAPPY, ANGRY] * 50)).select("dt", "conversation_id", label=pl.Series([False, True] * 50))
    found = saving(talks, labels)
    assert found["triage"] < 0.5 < found["random"]
    assert found["evidence"] > found["triage"], "every verdict is the same there"
    assert saving(talks, labels.head(40)) == {}
