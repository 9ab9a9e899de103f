"""A day of the closed world rewritten with the Good Cases of another: what holds for every pair and every candidate."""

import datetime as dt
import gzip
import json
import random
import re
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from wow_flywheel.cases.satisfaction import signals
from wow_flywheel.closed_world import language
from wow_flywheel.closed_world.agents import PERFECT, FaultRates, ScriptedAgent
from wow_flywheel.closed_world.commands import write_rules
from wow_flywheel.closed_world.environment import ClosedWorld
from wow_flywheel.contracts import CONVERSATIONS, PREFERENCE_PAIRS, REWRITE_CANDIDATES
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.dialogue import DialogueAction, assistant_actions
from wow_flywheel.inspection.run import inspect
from wow_flywheel.knowledge.load import load_knowledge, load_procedures
from wow_flywheel.pairs.build import UNTRIED, Pairs, build_pairs
from wow_flywheel.pairs.hygiene import findings
from wow_flywheel.pairs.limits import PairLimits
from wow_flywheel.rules.engine import find
from wow_flywheel_tests.unit.cases.rows import a_case, cases

FRIDAY, MONDAY = dt.date(2026, 3, 6), dt.date(2026, 3, 9)
"""Of two weeks, so that the Good Cases of one tell rules that no longer hold on the other."""


class Day(NamedTuple):
    """What `build_pairs` takes, in its order."""

    cases: pl.DataFrame
    conversations: pl.DataFrame
    inspections: pl.DataFrame
    pool: pl.DataFrame
    knowledge: pl.DataFrame
    procedures: pl.DataFrame


def logged(root: Path, day: dt.date, rates: FaultRates, count: int) -> pl.DataFrame:
    """A day of people with faults, as ingestion reads it."""
    world = ClosedWorld(day)
    records = world.logs(ScriptedAgent(rates, random.Random(1)), world.episodes(count, seed=1), "people")
    file = root / f"dt={day}" / "conversations.jsonl.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress("".join(json.dumps(record) + "\n" for record in records).encode()))
    return read_day(LogSource.at(str(root)), day).conversations


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    root = tmp_path_factory.mktemp("world")
    write_rules(root / "knowledge", root / "policies", MONDAY)
    knowledge, procedures = load_knowledge(str(root / "knowledge")), load_procedures(str(root / "policies"))
    pool, talks = logged(root, FRIDAY, PERFECT, 200), logged(root, MONDAY, FaultRates(), 120)
    inspected = inspect(
        talks,
        rule_findings=find(talks, knowledge, procedures),
        satisfaction=signals(talks, CONVERSATIONS.empty()),
        knowledge=knowledge,
        procedures=procedures,
    )
    bad = cases(*(a_case("bad", each) for each in talks["conversation_id"])).with_columns(dt=pl.lit(MONDAY))
    return Day(bad, talks, inspected.inspections, pool, knowledge, procedures)


@pytest.fixture(scope="module")
def done(day: Day) -> Pairs:
    return build_pairs(*day)


def rows(done: Pairs) -> list[dict[str, Any]]:
    return done.pairs.to_dicts()


def shown(messages: list[dict[str, Any]]) -> str:
    """All that a conversation shows: texts and arguments."""
    return json.dumps([[m["content"], m["tool_calls"]] for m in messages], ensure_ascii=False)


def test_the_day_has_enough_of_everything_to_say_something(done: Pairs) -> None:
    assert done.pairs.height > 55
    assert (~done.candidates["accepted"]).sum() > 5
    assert set(done.pairs["issue_type"]) >= {"hallucination", "script_repetition", "poor_empathy", "unclarified_demand"}
    assert set(done.pairs["source"]) >= {"good_case"}


def test_each_prompt_is_the_whole_conversation_before_the_turn_that_was_rejected(day: Day, done: Pairs) -> None:
    talks = {row["conversation_id"]: row["messages"] for row in day.conversations.iter_rows(named=True)}
    for pair in rows(done):
        messages = talks[pair["conversation_id"]]
        assert pair["prompt"] == messages[: pair["turn"]]
        assert DialogueAction.from_json(pair["rejected"]) == assistant_actions(messages[pair["turn"]])[0]
        assert pair["prompt"][-1]["role"] in {"user", "tool"}


def test_both_sides_are_valid_outputs_that_differ(done: Pairs) -> None:
    for pair in rows(done):
        assert DialogueAction.from_json(pair["chosen"]) is not None
        assert pair["chosen"] != pair["rejected"]


def test_every_number_of_a_chosen_side_was_given_before(done: Pairs) -> None:
    with_numbers = 0
    for pair in rows(done):
        stated = set(re.findall(r"\d+", pair["chosen"]))
        assert stated <= set(re.findall(r"\d+", shown(pair["prompt"])))
        with_numbers += bool(stated)
    assert with_numbers > 15


def test_where_an_order_was_guessed_the_chosen_side_asks_for_it(done: Pairs) -> None:
    guesses = [pair for pair in rows(done) if pair["issue_type"] == "unclarified_demand"]
    for pair in guesses:
        chosen, rejected = (DialogueAction.from_json(pair[side]) or DialogueAction() for side in ("chosen", "rejected"))
        assert rejected.action is not None
        assert str(rejected.action.arguments["order"]) not in shown(pair["prompt"])
        assert chosen.action is None
        assert "number" in (chosen.reply or "")
    assert len(guesses) > 10


def test_every_candidate_is_kept_with_its_reason_and_one_a_site_at_most_is_the_pair(done: Pairs) -> None:
    for tried in done.candidates.iter_rows(named=True):
        assert tried["accepted"] == (tried["stage"] in {"pair", "selection"})
        assert (tried["stage"] == "pair") == (tried["reason"] == "passed re-inspection")
        issue = re.fullmatch(r"re-inspection (?:still finds|finds a new) (\w+)", tried["reason"])
        assert (tried["stage"] == "re-inspection") == (issue is not None)
        assert issue is None or (issue[1] == tried["issue_type"]) == ("still" in tried["reason"])
    accepted = done.candidates.filter(stage="pair").select("conversation_id", "turn", pl.col("candidate").alias("chosen"))
    key = ["conversation_id", "turn"]
    assert not accepted.select(pl.struct(key).is_duplicated().any()).item()
    assert accepted.sort(key).equals(done.pairs.select("conversation_id", "turn", "chosen").sort(key))


def test_the_candidates_of_a_site_differ_and_none_leaves_the_customers_question_open(done: Pairs) -> None:
    for _, tried in done.candidates.filter(pl.col("stage").is_in(UNTRIED).not_()).group_by("pair_id"):
        assert tried["candidate"].is_unique().all()
    asked = [
        pair for pair in rows(done) if "?" in (pair["prompt"][-1]["content"] or "") and pair["prompt"][-1]["role"] == "user"
    ]
    assert len(asked) > 20
    assert not [pair for pair in asked if any(goodbye in pair["chosen"] for goodbye in language.GOODBYES)]


def test_length_does_not_tell_the_sides_apart(done: Pairs) -> None:
    numbers = {each.check: each for each in findings(done.pairs, {"en": 120}, PairLimits())}
    assert [name for name, each in numbers.items() if not each.passed] == []
    assert 0.5 <= numbers["length_does_not_tell"].value <= 0.6
    left = done.candidates.filter(pl.col("reason") == "its length would give the chosen side away")
    assert left["accepted"].all()
    assert left.height > 0


def test_where_the_chosen_side_comes_from_can_be_looked_up(day: Day, done: Pairs) -> None:
    good = set(day.pool["conversation_id"])
    steps = {f"closed_world/{scenario}#{step}" for scenario, step in day.procedures.select("scenario", "reply_id").iter_rows()}
    whose = dict(day.conversations.select("conversation_id", "user_id").iter_rows())
    for pair in rows(done):
        assert pair["source_conversation_id"] in {"good_case": good, "procedure": steps}[pair["source"]]
        assert pair["user_id"] == whose[pair["conversation_id"]]
        assert pair["pair_id"] == f"{pair['conversation_id']}#{pair['turn']}"
        assert (pair["dt"], pair["verified_by"]) == (MONDAY, "rules+evidence")


def test_the_tables_fit_their_contracts_and_the_counts_are_theirs(day: Day, done: Pairs) -> None:
    assert PREFERENCE_PAIRS.conform(done.pairs).equals(done.pairs)
    assert REWRITE_CANDIDATES.conform(done.candidates).equals(done.candidates)
    counts = done.counts
    assert (counts["pairs"], counts["candidates"]) == (done.pairs.height, done.candidates.height)
    assert (counts["bad_cases"], counts["endpoint_failures"]) == (day.conversations.height, 0)
    tried = done.candidates.select("conversation_id", "turn").unique().height
    assert counts["sites"] == tried + counts["sites_without_candidate"]


def test_the_same_day_in_another_order_gives_the_same_pairs(day: Day, done: Pairs) -> None:
    labelled, talks, claims = (frame.sample(fraction=1, shuffle=True, seed=7) for frame in day[:3])
    again = build_pairs(labelled, talks, claims, day.pool, day.knowledge, day.procedures)
    assert again.pairs.equals(done.pairs)
    assert again.candidates.equals(done.candidates)
    assert again.counts == done.counts


def test_without_good_cases_the_procedures_are_left_to_choose_from(day: Day) -> None:
    """A wrong closing is the one turn after a step (the tool's) whose next step the procedures word."""
    done = build_pairs(*day._replace(pool=day.pool.clear()))
    assert set(done.candidates["source"]) == {"procedure"}
    wrong = [pair for pair in rows(done) if pair["prompt"][-1]["role"] == "tool" and pair["issue_type"] == "hallucination"]
    for pair in wrong:
        result = json.loads(pair["prompt"][-1]["content"])
        reply = language.CLOSINGS[pair["scenario"]].format(**result)
        assert pair["chosen"] == DialogueAction(reply=reply).to_json()
        assert pair["source_conversation_id"] == f"closed_world/{pair['scenario']}#close"
    assert len(wrong) > 5


def test_without_good_cases_and_procedures_nothing_is_made_up(day: Day) -> None:
    done = build_pairs(*day._replace(pool=day.pool.clear(), procedures=day.procedures.clear()))
    assert (done.candidates.height, done.pairs.height) == (0, 0)
    assert done.counts["sites"] == done.counts["sites_without_candidate"] > 80
