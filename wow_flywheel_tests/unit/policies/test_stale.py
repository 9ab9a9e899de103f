"""What goes stale when a policy changes, appears, ends or is gone."""

import datetime as dt
from pathlib import Path

import polars as pl

from wow_flywheel.contracts import CASES, CONVERSATIONS
from wow_flywheel.lake import Lake
from wow_flywheel.policies.recognise import match
from wow_flywheel.policies.stale import known, resting_on, stale, stale_matches
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


def why_of_judged(scenario: str | None, before: list[Policy], now: list[Policy]) -> list[tuple[str, str]]:
    rows = day(TALK).with_columns(scenario=pl.lit(scenario, pl.String))
    matches, told = match(rows, before, CONVERSATIONS.empty()), known(before, NOON.date())
    return stale(rows.select("dt", "conversation_id", "scenario"), matches, told, now).select("policy_id", "why").rows()


def test_the_first_policies_make_stale_what_they_govern() -> None:
    refund = unit("refund", "3 days")
    assert why_of_judged("refund", [], [refund]) == [("refund", "new")]
    assert why_of_judged("unknown", [], [refund]) == [("refund", "new")]
    assert why_of_judged("billing", [], [refund]) == []


def test_a_policy_for_a_scenario_that_had_none_makes_its_conversations_stale() -> None:
    billing, refund = parse_unit({"text": "a bill"}, "billing", "b.yaml"), unit("refund", "I want a refund in days")
    assert why_of_judged("refund", [billing], [billing, refund]) == [("refund", "new")]
    assert why_of_judged("unknown", [billing], [billing, refund]) == [("refund", "new")]
    assert why_of_judged("billing", [billing], [billing, refund]) == []
    assert why_of_judged("delivery", [billing], [unit("billing", "two bills", scenario="billing")]) == [], "it never applied"
    assert why_of_judged("unknown", [billing, refund], [billing, refund]) == []


def test_days_matched_before_anyone_wrote_down_what_was_known_are_not_stale_for_that() -> None:
    refund, rows = unit("refund", "3 days"), day(TALK).with_columns(scenario=pl.lit("unknown"))
    matches = match(rows, [refund], CONVERSATIONS.empty())
    assert stale(rows.select("dt", "conversation_id", "scenario"), matches, known([], NOON.date()), [refund]).is_empty()


def test_the_policy_of_the_business_day_counts_whatever_the_clock_said_in_utc() -> None:
    """At +08:00 the second of March begins on the first, in UTC."""
    old, new = unit("fee", "5", valid_until="2026-03-01", id="fee"), unit("fee", "6", valid_from="2026-03-02", id="fee")
    early = day(TALK).with_columns(started_at=pl.lit(dt.datetime(2026, 3, 1, 19, 0, tzinfo=dt.UTC)))
    matches = match(early, [old, new], CONVERSATIONS.empty())
    assert matches["policy_version"].to_list() == [new.version]
    assert stale_matches(matches, [old, new]).is_empty()
