"""Which policies applied and which scenario stands in, with expectations written by hand."""

from typing import Any

import polars as pl
import pytest

from wow_flywheel.contracts import POLICY_MATCHES
from wow_flywheel.policies.apply import applied, origins, with_scenarios
from wow_flywheel.policies.units import Policy, parse_unit
from wow_flywheel_tests.unit.inspection.talk import NOON, day, user

REFUND = parse_unit({"text": "A refund takes three days."}, "refund", "r.yaml")
DELIVERY = parse_unit({"text": "A late parcel earns a voucher."}, "delivery", "d.yaml")
MANNERS = parse_unit({"scenarios": ["refund", "delivery"], "text": "Say sorry."}, "manners", "m.yaml")
POLICIES = [DELIVERY, MANNERS, REFUND]


def logged(*scenarios: str | None) -> pl.DataFrame:
    return day(*([user("Hello")] for _ in scenarios)).with_columns(scenario=pl.Series(scenarios, dtype=pl.String))


def matched(number: int, recognised: str, policy: Policy, confidence: float, rank: int = 1) -> dict[str, Any]:
    identity = {"dt": NOON.date(), "conversation_id": f"talk-{number}", "scenario": "as logged", "recognised": recognised}
    return identity | {
        "policy_id": policy.policy_id, "policy_version": policy.version, "rank": rank, "confidence": confidence,
    }  # fmt: skip


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=POLICY_MATCHES.columns)


@pytest.mark.parametrize("none", [None, "", "unknown", " Unknown "])
def test_a_scenario_that_the_log_does_not_name_is_the_recognised_one(none: str | None) -> None:
    sure, unsure = matched(0, "refund", REFUND, 0.5), matched(1, "refund", REFUND, 0.49)
    scenarios = with_scenarios(logged(none, none, none), frame(sure, unsure))["scenario"].to_list()
    assert scenarios == ["refund", none, none]


def test_a_scenario_that_the_log_names_stays_whatever_is_recognised() -> None:
    rows = with_scenarios(logged("billing", "refund"), frame(matched(0, "refund", REFUND, 0.99)))
    assert rows["scenario"].to_list() == ["billing", "refund"]
    assert rows.columns == logged("x").columns


def test_only_the_best_scenario_stands_in() -> None:
    rows = frame(matched(0, "delivery", DELIVERY, 0.7), matched(0, "refund", REFUND, 0.6, rank=2))
    assert with_scenarios(logged("unknown"), rows)["scenario"].to_list() == ["delivery"]


def test_exactly_the_policies_that_applied_are_given_best_match_first() -> None:
    rows = frame(
        matched(0, "refund", REFUND, 1.0), matched(0, "refund", MANNERS, 1.0),
        matched(1, "delivery", DELIVERY, 0.8), matched(1, "refund", REFUND, 0.3, rank=2),
        matched(2, "delivery", DELIVERY, 0.29),
        matched(3, "refund", REFUND, 0.9),
    )  # fmt: skip
    found = applied(logged("refund", "unknown", "unknown", "billing", "unknown"), rows, POLICIES)
    assert {key: (each.scenario, [policy.policy_id for policy in each.policies]) for key, each in found.items()} == {
        "talk-0": ("refund", ["manners", "refund"]),
        "talk-1": ("delivery", ["delivery", "refund"]),
        "talk-2": ("unknown", []),
        "talk-3": ("billing", []),
        "talk-4": ("unknown", []),
    }


def test_of_two_versions_the_one_that_was_matched_is_given() -> None:
    old = parse_unit({"id": "refund", "text": "Five days.", "valid_until": "2026-03-01"}, "refund", "r.yaml")
    new = parse_unit({"id": "refund", "text": "Three days.", "valid_from": "2026-03-02"}, "refund", "r.yaml")
    found = applied(logged("refund"), frame(matched(0, "refund", new, 1.0)), [old, new])
    assert found["talk-0"].policies == (new,)


def test_people_are_told_where_scenarios_came_from() -> None:
    rows = frame(matched(0, "refund", REFUND, 1.0), matched(1, "refund", REFUND, 0.9), matched(2, "refund", REFUND, 0.1))
    assert origins(logged("refund", "unknown", None), rows) == {
        "scenario named by the log": 1,
        "scenario by recognition": 1,
        "no scenario": 1,
    }
