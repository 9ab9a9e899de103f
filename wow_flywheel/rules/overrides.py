"""What a deployment changes about the rules: parameters, severities, rules that are off, for all scenarios or for one.

What belongs here: reading `WOW_RULES` and refusing what names nothing. What does not: the rules' defaults, which are the
headers under `sql/rules/` and `sql/relations/`. The file is YAML (or JSON): scenario → rule or relation → what changes
there. `"*"` is every scenario; what one scenario says wins over it.

    "*":
      near_repeated_reply: {similarity: 0.95}
      calls: {failure: '"status": *"error"'}
    hotel_book:
      overlong_reply: {max_bytes: 4000, severity: major}
      promise_left_open: "off"
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from wow_flywheel.contracts import SEVERITIES
from wow_flywheel.errors import SettingsError
from wow_flywheel.queries import Parameter, Query, load_folder
from wow_flywheel.rules.registry import Rule, load_rules

EVERY: Final = "*"
Change = Mapping[str, Any] | None
"""Parameters and `severity` of one rule or relation; None where the rule is off."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules as they hold for some scenarios.

    Attributes:
        relations: What rules may name, in the order in which they are made.
        rules: Those that are on.
    """

    relations: tuple[Query, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Overrides:
    """What differs from the headers, by scenario and by rule or relation."""

    changes: Mapping[str, Mapping[str, Change]]

    def profile(self, scenario: str | None) -> Profile:
        """The rules as they hold for one scenario."""
        return profile_of({**self.changes.get(EVERY, {}), **merged(self.changes, scenario)})

    def grouped(self, scenarios: Iterable[str]) -> list[tuple[Profile, list[str]]]:
        """The scenarios by the rules that hold for them: one group where nothing differs by scenario."""
        named = sorted(set(scenarios))
        common = [each for each in named if each not in self.changes]
        own = [(self.profile(each), [each]) for each in named if each in self.changes]
        return [*([(self.profile(None), common)] if common else []), *own]


NONE: Final = Overrides({})


def merged(changes: Mapping[str, Mapping[str, Change]], scenario: str | None) -> dict[str, Change]:
    """What a scenario says, each rule's on top of what every scenario says of it."""
    every, own = changes.get(EVERY, {}), changes.get(scenario or EVERY, {})
    return {name: change and {**(every.get(name) or {}), **change} for name, change in own.items()}


def profile_of(changes: Mapping[str, Change]) -> Profile:
    """The rules with these changes."""
    relations = tuple(_changed(query, changes.get(query.header["relation"])) for query in load_folder("relations"))
    rules = [_rule(rule, changes[rule.rule_id]) if rule.rule_id in changes else rule for rule in load_rules()]
    return Profile(relations, tuple(rule for rule in rules if rule is not None))


def load_overrides(path: str | None) -> Overrides:
    """Read the file that `WOW_RULES` names.

    Args:
        path: A YAML or JSON file; None changes nothing.

    Raises:
        SettingsError: The file is not there or not YAML, or names a rule, relation, parameter or severity that does not exist.
    """
    if path is None:
        return NONE
    import yaml

    try:
        changes = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(
            f"WOW_RULES={path!r} cannot be read: {type(error).__name__}", hint="name a YAML file; the README shows one"
        ) from None
    return parse_overrides(changes)


def parse_overrides(changes: Any) -> Overrides:
    """Check changes against the rules and relations that there are.

    Raises:
        SettingsError: See `load_overrides`.
    """
    if not isinstance(changes, Mapping) or not all(isinstance(rules, Mapping) for rules in changes.values()):
        raise SettingsError("WOW_RULES is not scenario → rule → changes", hint='write for example "*": {overlong_reply: off}')
    known = {query.header["relation"]: query for query in load_folder("relations")}
    rules = {rule.rule_id: rule.query for rule in load_rules()}
    return Overrides(
        {
            str(scenario): {name: _checked(f"{scenario}: {name}", name, change, known, rules) for name, change in own.items()}
            for scenario, own in changes.items()
        }
    )


def _checked(where: str, name: str, change: Any, relations: Mapping[str, Query], rules: Mapping[str, Query]) -> Change:
    query = rules.get(name) or relations.get(name)
    if query is None:
        raise SettingsError(f"WOW_RULES, {where}: there is no such rule or relation", hint=_near(name, [*rules, *relations]))
    if (change is False or change == "off") and name in rules:
        return None
    if not isinstance(change, Mapping):
        raise SettingsError(f"WOW_RULES, {where} is neither 'off' nor parameters", hint="write for example {max_bytes: 900}")
    for key, value in change.items():
        if key == "severity" and name in rules:
            if value not in SEVERITIES:
                raise SettingsError(f"WOW_RULES, {where}: severity {value!r}", hint=f"use one of {list(SEVERITIES)}")
        elif key not in query.parameters:
            raise SettingsError(f"WOW_RULES, {where} has no parameter {key!r}", hint=_near(key, list(query.parameters)))
        elif _kind(value) != _kind(query.parameters[key]):
            raise SettingsError(
                f"WOW_RULES, {where}: {key} is not {_kind(query.parameters[key])}",
                hint=f"its default is {query.parameters[key]!r}",
            )
    return dict(change)


def _kind(value: Parameter) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "text" if isinstance(value, str) else "a list" if isinstance(value, list) else "empty"


def _near(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"use one of {sorted(names)}"


def _changed(query: Query, change: Change) -> Query:
    parameters = {key: value for key, value in (change or {}).items() if key != "severity"}
    return replace(query, parameters={**query.parameters, **parameters}) if parameters else query


def _rule(rule: Rule, change: Change) -> Rule | None:
    if change is None:
        return None
    digest = sha256(repr(sorted(change.items())).encode()).hexdigest()[:6]
    severity = str(change.get("severity", rule.severity))
    return replace(rule, query=_changed(rule.query, change), severity=severity, version=f"{rule.version}+{digest}")
