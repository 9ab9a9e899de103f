"""Marks of what is stale: set, kept, lifted; and the runs that they ask for."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.contracts import CASES, CONVERSATIONS, STALE_CASES
from wow_flywheel.lake import Lake
from wow_flywheel.policies.marks import lift, mark, run_keys
from wow_flywheel.policies.recognise import match
from wow_flywheel.policies.stale import known
from wow_flywheel.policies.units import Policy, parse_unit
from wow_flywheel_tests.unit.cases.rows import a_case, frame
from wow_flywheel_tests.unit.inspection.talk import NOON, agent, day, user

DAY = NOON.date()
CASE = a_case("good", "talk-0")


def policy(days: int) -> list[Policy]:
    return [parse_unit({"text": f"In {days} days."}, "refund", "refund.yaml")]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """One case, judged by the policy of three days."""
    lake = Lake.at(str(tmp_path))
    lake.replace("cases", frame(CASES, CASE), DAY)
    judge(lake, policy(3))
    return lake


def judge(lake: Lake, policies: list[Policy]) -> None:
    """What a night writes first."""
    rows = day([user("a refund"), agent("Yes.")])
    lake.replace("policy_matches", match(rows, policies, CONVERSATIONS.empty()), DAY)
    lake.replace("policies_known", known(policies, DAY), DAY)


def at(hour: int) -> dt.datetime:
    return NOON.replace(hour=hour)


def test_a_change_is_marked_once_with_both_versions(lake: Lake) -> None:
    assert mark(lake, policy(3), at(1)).is_empty()
    (three,), (five,) = policy(3), policy(5)
    assert mark(lake, policy(5), at(2)).rows() == [(DAY, "talk-0", "refund", three.version, five.version, "changed", at(2))]
    mark(lake, policy(5), at(3))
    assert lake.read("stale_cases")["marked_at"].to_list() == [at(2)]
    assert lake.version("stale_cases") == 1, "a tick that finds nothing new writes nothing"


def test_a_policy_that_is_again_as_it_was_needs_no_run(lake: Lake) -> None:
    mark(lake, policy(5), at(2))
    assert mark(lake, policy(3), at(3)).is_empty()
    assert lake.read("stale_cases").is_empty()


def test_a_night_that_failed_after_the_matches_leaves_the_mark(lake: Lake) -> None:
    mark(lake, policy(5), at(2))
    judge(lake, policy(5))
    assert mark(lake, policy(5), at(3))["marked_at"].to_list() == [at(2)]
    assert mark(lake, policy(7), at(4)).select("old_version", "marked_at").rows() == [(policy(3)[0].version, at(4))]
    judge(lake, policy(7))
    assert lift(lake, policy(7), DAY) == 1
    assert mark(lake, policy(7), at(5)).is_empty()


def test_a_policy_that_changed_while_the_night_ran_stays_marked(lake: Lake) -> None:
    mark(lake, policy(5), at(2))
    judge(lake, policy(5))
    assert lift(lake, policy(7), DAY) == 0
    assert lake.read("stale_cases").height == 1


def test_a_policy_that_becomes_what_it_once_was_asks_for_a_run_of_its_own(lake: Lake) -> None:
    """Dagster drops a run key that it has had."""
    keys = []
    for hour, days in enumerate((5, 3, 5), 1):
        (key,) = run_keys(mark(lake, policy(days), at(hour)), at(hour)).values()
        assert key == run_keys(mark(lake, policy(days), at(hour)), at(hour + 3))[DAY], "one run a change, whatever the ticks"
        keys.append(key)
        judge(lake, policy(days))
        lift(lake, policy(days), DAY)
    assert len(set(keys)) == 3


def test_a_day_whose_rerun_failed_is_asked_for_again_on_the_next_day() -> None:
    row = {"conversation_id": "a", "policy_id": "p", "why": "gone", "dt": DAY, "marked_at": at(2)}
    marks = STALE_CASES.conform(pl.DataFrame([row]))
    days = [run_keys(marks, at(2) + dt.timedelta(hours=hours))[DAY] for hours in (1, 23, 25, 47, 49)]
    assert [days.index(key) for key in days] == [0, 0, 2, 2, 4]
