"""The section `gate` of `WOW_CHECKS`: what it changes, and what is refused by name."""

from typing import Any

import pytest

from wow_flywheel.errors import SettingsError
from wow_flywheel.release.gate_rules import OFFLINE_RULES, GateRules, read_rules


def test_the_users_file_changes_the_rules() -> None:
    given = {"margins": {"usm1": 0.05, "solve_rate": None}, "required": ["rr"], "min_episodes": 200, "confidence": 0.99}
    rules = read_rules(given, GateRules())
    assert (rules.margins["usm1"], "solve_rate" in rules.margins, rules.margins["rr"]) == (0.05, False, 0.05)
    assert (rules.required, rules.min_episodes, rules.confidence, rules.targets) == (("rr",), 200, 0.99, ("rr", "usm2"))
    assert read_rules({}, OFFLINE_RULES) == OFFLINE_RULES


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"margin": {}}, "WOW_CHECKS: gate.margin is wrong", "its fields are targets, "),
        ({"min_episodes": 0}, "WOW_CHECKS: gate.min_episodes is wrong", ""),
        ({"confidence": 95}, "WOW_CHECKS: gate.confidence is wrong", ""),
        ({"targets": []}, "WOW_CHECKS: gate.targets is wrong", ""),
        ({"margins": {"usm_1": 0.1}}, "WOW_CHECKS: gate: no metric is called 'usm_1'", "did you mean 'usm1'?"),
        ({"required": ["repair"]}, "WOW_CHECKS: gate: no metric is called 'repair'", "did you mean 'repair_rate'?"),
        ({"margins": {"rr": -0.1}}, "WOW_CHECKS: gate.margins.rr is below 0", "a margin is the worsening allowed"),
    ],
)
def test_a_wrong_section_is_refused_by_name(given: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_rules(given, GateRules())
    assert refused.value.message == message
    assert hint in (refused.value.hint or "")
