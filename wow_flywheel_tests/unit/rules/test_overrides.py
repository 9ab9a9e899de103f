"""What a deployment changes about rules: by scenario, refused where it names nothing."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.errors import SettingsError
from wow_flywheel.rules import Checker
from wow_flywheel.rules.engine import find
from wow_flywheel.rules.overrides import Overrides, load_overrides, parse_overrides
from wow_flywheel_tests.unit.inspection.talk import agent, day, user
from wow_flywheel_tests.unit.rules.talk import procedure, units

BLAMED = [user("It broke."), agent("Calm down. Is that plain enough for you, or not?"), user("No."), agent("It is your fault.")]


def found(overrides: Overrides, *scenarios: str) -> list[tuple[str, str, int, str]]:
    """Scenario, rule, turn and severity of what is found in `BLAMED`, once a scenario."""
    rows = day(*[BLAMED] * len(scenarios)).with_columns(scenario=pl.Series(scenarios))
    findings = find(rows, units(), procedure(), overrides)
    return findings.select("scenario", "rule_id", "turn", "severity").rows()


def test_a_parameter_a_severity_and_off_hold_for_their_scenario_alone() -> None:
    overrides = parse_overrides({
        "taxi": {"blaming": {"blame": "calm down", "severity": "critical"}},
        "hotel": {"blaming": "off"},
        "*": {"overlong_reply": {"max_bytes": 30}},
    })  # fmt: skip
    assert found(overrides, "taxi", "hotel", "bank") == [
        ("taxi", "blaming", 1, "critical"),
        ("taxi", "overlong_reply", 1, "minor"),
        ("hotel", "overlong_reply", 1, "minor"),
        ("bank", "blaming", 1, "major"),
        ("bank", "overlong_reply", 1, "minor"),
        ("bank", "blaming", 3, "major"),
    ]


def test_a_scenario_adds_to_what_every_scenario_changes() -> None:
    overrides = parse_overrides({"*": {"blaming": {"blame": "fault"}}, "taxi": {"blaming": {"severity": "minor"}}})
    assert found(overrides, "taxi") == [("taxi", "blaming", 3, "minor")]


def test_a_relation_takes_parameters_too() -> None:
    overrides = parse_overrides({"*": {"calls": {"failure": "kaputt"}}})
    assert next(q for q in overrides.profile("x").relations if q.header["relation"] == "calls").parameters == {
        "failure": "kaputt"
    }


def test_an_override_changes_the_version_that_findings_carry() -> None:
    plain, changed = (
        {rule.rule_id: rule.version for rule in overrides.profile("taxi").rules}
        for overrides in (Overrides({}), parse_overrides({"taxi": {"blaming": {"blame": "x"}}}))
    )
    assert {rule for rule in plain if plain[rule] != changed[rule]} == {"blaming"}


def test_a_live_conversation_is_held_to_its_scenarios_rules() -> None:
    checker = Checker(overrides=parse_overrides({"taxi": {"blaming": "off"}}))
    assert [f["turn"] for f in checker.check({"scenario": "hotel", "messages": BLAMED}) if f["rule_id"] == "blaming"] == [1, 3]
    assert [f["turn"] for f in checker.check({"scenario": "taxi", "messages": BLAMED}) if f["rule_id"] == "blaming"] == []


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        (["blaming"], "WOW_RULES is not scenario → rule → changes", "write for example"),
        ({"blaming": "off"}, "WOW_RULES is not scenario → rule → changes", "write for example"),
        ({"*": {"blamin": "off"}}, "WOW_RULES, *: blamin: there is no such rule or relation", "did you mean 'blaming'?"),
        ({"taxi": {"blaming": {"blam": "x"}}}, "WOW_RULES, taxi: blaming has no parameter 'blam'", "did you mean 'blame'?"),
        ({"*": {"blaming": {"blame": 3}}}, "WOW_RULES, *: blaming: blame is not text", "its default is"),
        ({"*": {"overlong_reply": {"max_bytes": "9"}}}, "WOW_RULES, *: overlong_reply: max_bytes is not a number", "2400"),
        ({"*": {"blaming": {"severity": "high"}}}, "WOW_RULES, *: blaming: severity 'high'", "use one of"),
        ({"*": {"blaming": "on"}}, "WOW_RULES, *: blaming is neither 'off' nor parameters", "write for example"),
        ({"*": {"calls": "off"}}, "WOW_RULES, *: calls is neither 'off' nor parameters", "write for example"),
    ],
)  # fmt: skip
def test_what_names_nothing_is_refused(changes: Any, message: str, hint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_overrides(changes)
    assert caught.value.message == message
    assert hint in caught.value.hint


def test_the_file_is_yaml_and_a_bare_off_is_meant(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text('"*":\n  blaming: off\n  overlong_reply: {max_bytes: 30}\n')
    assert found(load_overrides(str(file)), "taxi") == [("taxi", "overlong_reply", 1, "minor")]
    assert load_overrides(None).changes == {}


@pytest.mark.parametrize("text", [None, "{"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "rules.yaml"
    if text:
        file.write_text(text)
    with pytest.raises(SettingsError, match=r"WOW_RULES='.*rules\.yaml' cannot be read"):
        load_overrides(str(file))
