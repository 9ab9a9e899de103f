"""The order of the review queue, and the numbers that make it."""

from pathlib import Path

import pytest

from wow_flywheel.cases.decisions import decide
from wow_flywheel.contracts import TRIAGE
from wow_flywheel.inspection.combine import DIFFERENT
from wow_flywheel.lake import Lake
from wow_flywheel.review.page import why
from wow_flywheel.review.queue import queue
from wow_flywheel.review.value import GROUPS, PARTS
from wow_flywheel_tests.unit.cases import rows
from wow_flywheel_tests.unit.cases.rows import DAY, NOON
from wow_flywheel_tests.unit.review.world import fill, prints


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return fill(Lake(str(tmp_path / "lake")))


def by_id(lake: Lake) -> dict[str, dict[str, float]]:
    return {row["conversation_id"]: row for row in queue(lake, DAY, DAY).iter_rows(named=True)}


def test_weights_are_shares() -> None:
    assert sum(GROUPS.values()) == pytest.approx(1)
    assert sum(part.weight for part in PARTS if part.group == "novelty") == pytest.approx(1)


def test_the_value_is_the_formula_of_its_parts(lake: Lake) -> None:
    torn = by_id(lake)["torn"]
    assert {name: torn[name] for name in ("unsure", "contested", "rules", "use", "severity", "scenario_new")} == pytest.approx(
        {"unsure": 0.7, "contested": 0.5, "rules": 1 / 3, "use": 0.6, "severity": 0.6, "scenario_new": 1.0}
    )
    disagreement = 1 - (1 - 0.6 * 0.7) * (1 - 0.5 * 0.5) * (1 - 0.2 / 3)
    stakes = 1 - (1 - 0.6 * 0.6) * (1 - 0.5 * 0.6)
    novelty = 0.3 + 0.2  # the scenario and the script are new; no issue type was accepted, and there is no fingerprint
    assert torn["disagreement"] == pytest.approx(disagreement, abs=1e-6)
    assert torn["stakes"] == pytest.approx(stakes, abs=1e-6)
    assert torn["novelty"] == pytest.approx(novelty, abs=1e-6)
    assert torn["value"] == pytest.approx(0.5 * disagreement + 0.3 * stakes + 0.2 * novelty, abs=1e-5)


def test_the_doubtful_come_first_the_decided_leave_and_the_order_is_the_same_again(lake: Lake) -> None:
    first = queue(lake, DAY, DAY)
    assert first["conversation_id"].to_list() == ["torn", "plain/#1", "sure"]
    assert first.equals(queue(lake, DAY, DAY))
    decide(lake, DAY, "torn", "good", "ana", "", NOON)
    assert queue(lake, DAY, DAY)["conversation_id"].to_list() == ["plain/#1", "sure"]


def test_what_was_decided_is_less_new(lake: Lake) -> None:
    lake.replace("fingerprints", prints(**{"sure": ("s", 1), "torn": ("s", 1), "plain/#1": ("t", 2)}), DAY)
    assert by_id(lake)["sure"]["distance"] == 1
    decide(lake, DAY, "torn", "good", "ana", "", NOON)
    found = by_id(lake)
    assert (found["sure"]["distance"], found["plain/#1"]["distance"]) == (0, 1)
    assert found["sure"]["scenario_new"] == pytest.approx(2**-0.5)
    assert (found["sure"]["script_new"], found["plain/#1"]["script_new"]) == (pytest.approx(2**-0.5), 1)


def test_panel_against_evidence_triage_against_the_verdict_and_the_customer_against_both(lake: Lake) -> None:
    said = [f"{DIFFERENT} solved"]
    lake.replace("verdicts", rows.verdicts(rows.verdict(0.9, 0.9, "sure", evidence=said, confidence=1.0)), DAY)
    lake.replace("satisfaction", rows.satisfaction(rows.signal(0.1, explicit=True, conversation_id="sure")), DAY)
    risks = {"dissatisfied_risk": 0.8, "unsolved_risk": 0.1, "need_rank": 1, "trained_on": 90}
    lake.replace("triage", rows.frame(TRIAGE, {"conversation_id": "sure", **risks}), DAY)
    sure = by_id(lake)["sure"]
    assert (sure["sides"], sure["triage"], sure["customer"]) == (1, pytest.approx(0.7), pytest.approx(0.8))


def test_the_reviewer_reads_each_part_that_counts(lake: Lake) -> None:
    shown = why(by_id(lake)["plain/#1"])
    assert [each["group"] for each in shown] == ["disagreement", "stakes", "novelty"]
    assert [part["why"] for part in shown[0]["parts"]] == ["the verdict is unsure: solved or satisfied are near the middle"]


def test_days_without_cases_have_an_empty_queue(tmp_path: Path) -> None:
    assert queue(Lake(str(tmp_path / "none")), DAY, DAY).is_empty()
