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


def test_an_issue_type_has_a_least_recall_where_it_is_set() -> None:
    """The best layer counts: what rules find need not be found again."""
    none_found = pl.DataFrame([planted(0), planted(6, who="rules"), planted(0, of=29, who="panel")], schema=CALIBRATION.columns)
    wanted = read_limits({"planted_recall": {"hallucination": 0.5, "poor_empathy": 0.9}})
    assert judge(none_found, LIMITS).passed
    assert judge(none_found, wanted).fell == (
        "rules at hallucination: recall 0.10 on planted defects, the best of all layers, below 0.5",
    )
    enough = pl.DataFrame([planted(0), planted(28, who="rules")], schema=CALIBRATION.columns)
    assert judge(enough, wanted).passed, "0.47, but its interval reaches 0.5"


@pytest.mark.parametrize("given", [{"halucination": 0.5}, {"hallucination": 1.5}, 0.5])
def test_a_least_recall_is_a_share_of_an_issue_type(given: Any) -> None:
    with pytest.raises(SettingsError, match=r"agreement\.planted_recall"):
        read_limits({"planted_recall": given})


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


def test_a_single_inspector_is_judged_even_where_its_layer_is_right() -> None:
    """55 false alarms of one rule must not hide behind its layer."""
    said = verdict(planted(5, alarms=55, who="rules/asked_twice"), planted(58, alarms=2, who="rules"))
    assert said.fell == ("rules/asked_twice at hallucination: precision 0.08 on planted defects, below 0.7",)
    assert verdict(planted(5, alarms=24, who="rules/asked_twice"), planted(58, who="rules")).passed, "29 claims are too few"


def days_of_recall(*found: int) -> list[dict[str, Any]]:
    """A row a day, the last one today's; the planted defects are 60."""
    return [planted(each, day=DAY - dt.timedelta(days=n)) for n, each in zip(range(len(found) - 1, -1, -1), found, strict=True)]


def test_a_fall_that_nobody_mends_does_not_become_usual() -> None:
    assert verdict(*days_of_recall(*[54] * 14, *[20] * 60)).fell == (
        "evidence at hallucination: recall 0.33 on planted defects, usually 0.90",
    )
    assert verdict(*days_of_recall(*[54] * 14, *[20] * 60, 53)).passed


def test_people_accept_a_new_level_by_naming_its_first_day() -> None:
    rows = pl.DataFrame(days_of_recall(*[54] * 14, *[20] * 5), schema=CALIBRATION.columns)
    since = DAY - dt.timedelta(days=4)
    assert not judge(rows, LIMITS).passed
    assert judge(rows, read_limits({"accepted_since": since})).passed
    assert read_limits({"accepted_since": str(since)}).accepted_since == since


def test_slow_decline_is_measured_against_the_last_measurements_that_had_not_fallen() -> None:
    assert verdict(*days_of_recall(*[58] * 28, *[52] * 28, 47)).passed


def test_a_calibration_that_is_too_old_closes_it() -> None:
    rows = pl.DataFrame([planted(54)], schema=CALIBRATION.columns)
    assert judge(rows, LIMITS, DAY + dt.timedelta(days=7)).passed
    assert judge(rows, LIMITS, DAY + dt.timedelta(days=8)).fell == (
        "the newest calibration, of 2026-01-10, is 8 days old, above 7: run `calibrate`",
    )
    assert judge(rows, read_limits({"max_age": 27}), DAY + dt.timedelta(days=27)).passed


def test_kappa_names_the_issue_type_and_the_inspector_that_is_most_often_wrong() -> None:
    of_type = labels(40, 0.1) | {"issue_type": "script_repetition"}
    said = verdict(labels(40, 0.3), of_type, people(25, 15, "repetition"), people(9, 1, "rules/echo"))
    (told,) = said.fell
    assert told == (
        "labels by rules at script_repetition: kappa 0.10 with people's decisions, below 0.2; most often wrong: repetition at "
        "script_repetition, 10 of 25 claims"
    )


def test_limits_are_read_and_refused_by_name() -> None:
    assert read_limits({"kappa": 0.4}).kappa == 0.4
    with pytest.raises(SettingsError, match=r"agreement\.kapa"):
        read_limits({"kapa": 0.4})
    with pytest.raises(SettingsError, match=r"agreement\.evidence"):
        read_limits({"evidence": 0})
