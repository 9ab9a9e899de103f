"""The agreement gate: what closes it, what does not, and what it says."""

import datetime as dt
from typing import Any

import polars as pl
import pytest

from wow_flywheel.contracts import CALIBRATION
from wow_flywheel.errors import SettingsError
from wow_flywheel.inspection.calibration.gate import AgreementLimits, judge, read_limits
from wow_flywheel.inspection.calibration.measure import counted

DAY = dt.date(2026, 1, 10)
LIMITS = AgreementLimits()


def planted(found: int, alarms: int = 0, of: int = 60, day: dt.date = DAY, who: str = "evidence") -> dict[str, Any]:
    return counted(day, "planted", "*", who, "hallucination", of, found, found + alarms, found)


def people(claims: int, upheld: int, who: str = "repetition") -> dict[str, Any]:
    return counted(DAY, "people", "*", who, "script_repetition", 0, 0, claims, upheld)


def labels(defects: int, kappa: float) -> dict[str, Any]:
    return counted(DAY, "people", "*", "labels", "*", defects, defects, defects, defects) | {"kappa": kappa}


def verdict(*rows: dict[str, Any]):
    return judge(pl.DataFrame(list(rows), schema=CALIBRATION.columns), LIMITS)


def test_without_any_calibration_it_is_open_and_says_so() -> None:
    said = judge(CALIBRATION.empty(), LIMITS)
    assert said.passed
    assert "nothing to judge by" in said.evidence


def test_a_layer_that_cries_wolf_is_named_with_its_issue_type() -> None:
    said = verdict(planted(30, alarms=40))
    assert not said.passed
    assert said.fell == ("evidence at hallucination: precision 0.43 on planted defects, below 0.7",)


def test_recall_counts_against_what_is_usual_not_against_perfection() -> None:
    yesterday, before = (planted(54, day=DAY - dt.timedelta(days=n)) for n in (1, 2))
    assert verdict(planted(0)).passed
    assert verdict(planted(52), yesterday, before).passed
    said = verdict(planted(20), yesterday, before)
    assert said.fell == ("evidence at hallucination: recall 0.33 on planted defects, usually 0.90",)


def test_chance_alone_closes_nothing() -> None:
    assert verdict(planted(10, alarms=8, of=29)).passed  # 18 claims: too few
    assert verdict(planted(39, alarms=20)).passed  # 0.66, but its interval reaches 0.7


def test_claims_that_people_reject_name_the_inspector() -> None:
    assert verdict(people(29, 0)).passed
    said = verdict(people(40, 8))
    assert said.fell == ("repetition at script_repetition: people uphold 0.20 of its claims, below 0.5",)


def test_labels_that_people_contradict_close_it_once_there_are_enough_decisions() -> None:
    assert verdict(labels(10, -0.2)).passed
    assert "too few to judge by people's word" in verdict(labels(10, -0.2)).evidence
    assert verdict(labels(40, 0.1)).fell == ("labels by rules: kappa 0.10 with people's decisions, below 0.2",)
    assert verdict(labels(40, 0.6)).passed


def test_single_inspectors_are_shown_and_only_layers_are_judged_on_planted_defects() -> None:
    assert verdict(planted(5, alarms=50, who="rules/asked_twice")).passed


def test_limits_are_read_and_refused_by_name() -> None:
    assert read_limits({"kappa": 0.4}).kappa == 0.4
    with pytest.raises(SettingsError, match=r"agreement\.kapa"):
        read_limits({"kapa": 0.4})
    with pytest.raises(SettingsError, match=r"agreement\.evidence"):
        read_limits({"evidence": 0})
