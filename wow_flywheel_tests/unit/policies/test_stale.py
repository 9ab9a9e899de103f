"""What goes stale when a policy changes, appears, ends or is gone."""

from pathlib import Path

import polars as pl

from wow_flywheel.contracts import CASES, CONVERSATIONS
from wow_flywheel.lake import Lake
from wow_flywheel.policies.recognise import match
from wow_flywheel.policies.stale import resting_on, stale_matches
from wow_flywheel.policies.units import Policy, parse_unit
from wow_flywheel_tests.unit.inspection.talk import NOON, agent, day, user

TALK = [user("I want a refund"), agent("In 3 days.")]


def unit(name: str, text: str, **fields: str) -> Policy:
    return parse_unit({"scenario": "refund", "text": text, **fields}, name, f"{name}.yaml")


def judged(*policies: Policy) -> pl.DataFrame:
    return match(day(TALK), policies, CONVERSATIONS.empty())


def why(before: list[Policy], now: list[Policy]) -> list[tuple[str, str]]:
    return stale_matches(judged(*before), now).select("policy_id", "why").rows()


def test_nothing_is_stale_while_policies_stay_as_they_were() -> None:
    assert why([unit("a", "3 days")], [unit("a", "3 days")]) == []


def test_a_changed_a_new_and_a_removed_policy_are_told_apart() -> None:
    before = [unit("a", "3 days"), unit("gone", "x")]
    now = [unit("a", "4 days"), unit("b", "also ask for the name")]
    assert why(before, now) == [("a", "changed"), ("b", "new"), ("gone", "gone")]


def test_a_policy_of_another_time_or_scenario_makes_nothing_stale() -> None:
    kept = unit("a", "3 days")
    later, other = unit("b", "x", valid_from="2026-03-03"), parse_unit({"text": "y"}, "delivery", "d.yaml")
    assert why([kept], [kept, later, other]) == []


def test_what_rests_on_it_is_counted_by_table(tmp_path: Path) -> None:
    lake = Lake.at(str(tmp_path))
    row = {
        "dt": NOON.date(), "conversation_id": "talk-0", "user_id": "u", "scenario": "refund", "label": "good", "reasons": ["x"],
        "solved_score": 0.9, "satisfied_score": 0.9, "issue_types": [], "decided_by": "rules",
    }  # fmt: skip
    lake.replace("cases", pl.DataFrame([row], schema=CASES.columns), NOON.date())
    stale = stale_matches(judged(unit("a", "3 days")), [unit("a", "4 days")])
    assert resting_on(lake, stale).rows() == [(NOON.date(), "cases", "a", 1)]
