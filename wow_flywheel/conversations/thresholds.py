"""What a day of conversations may look like, and what a user's file changes of it.

What belongs here: the limits, their defaults and the reading of `WOW_CHECKS`. What does not: the expectations that they limit
(`expectations`).
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, cast

import yaml

from wow_flywheel.errors import SettingsError

Severity = Literal["error", "warn"]
SECTION: Final = "conversations"
SECTIONS: Final = (SECTION, "agreement", "pairs", "gate")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a day may look like. Shares are from 0 to 1; a share of 1 never fails.

    Attributes:
        quarantined_error: Share of non-blank lines in quarantine above which the day is refused.
        quarantined_warn: Share above which a person should look.
        duplicates: Share of non-blank lines that may repeat a conversation.
        messages: Most messages that a conversation should have.
        volume: How many times more, or fewer, conversations than usual a day may have; 1 or more.
        same_role_in_a_row: Share of conversations in which a user or assistant turn may follow one of the same role.
        anonymous: Share of conversations whose log may name no customer.
        unknown_scenario: Share of conversations that may name no scenario.
        new_scenarios: How many scenarios may appear that the days before did not have.
        null_channel: Share of conversations that may have no channel.
        null_locale: Share that may have no locale.
        null_model: Share that may not name the model.
        null_thumb: Share that may have no thumb.
        null_score: Share that may have no rating.
        null_comment: Share that may have no comment.
        severity: `error` or `warn` by expectation, where it is not to be as built in.
    """

    quarantined_error: float = 0.5
    quarantined_warn: float = 0.05
    duplicates: float = 0.5
    messages: int = 400
    volume: float = 2.0
    same_role_in_a_row: float = 0.5
    anonymous: float = 0.5
    unknown_scenario: float = 0.0
    new_scenarios: int = 0
    null_channel: float = 0.5
    null_locale: float = 1.0
    null_model: float = 0.5
    null_thumb: float = 1.0
    null_score: float = 1.0
    null_comment: float = 1.0
    severity: Mapping[str, Severity] = field(default_factory=dict)


RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "messages": (1, 10**6),
    "volume": (1, 10**6),
    "new_scenarios": (0, 10**6),
}
"""Lowest and highest value of what is no share."""
LIMITS: Final = tuple(each.name for each in dataclasses.fields(Thresholds) if each.name != "severity")


def read_thresholds(path: str | None, expectations: tuple[str, ...]) -> Thresholds:
    """The thresholds, with what the file changes of them.

    Args:
        path: `WOW_CHECKS`, a YAML or JSON file with a section `conversations` of threshold name → number, and in it `severity`
            with expectation name → `error` or `warn`; None means the defaults.
        expectations: Names whose severity may be changed.

    Raises:
        SettingsError: The file cannot be read, or a name or value in it is wrong; the message names it.
    """
    if path is None:
        return Thresholds()
    where = f"WOW_CHECKS: {path}"
    given = dict(read_section(path, SECTION))
    severity = _mapping(given.pop("severity", None) or {}, f"{where}: {SECTION}.severity", "volume_usual: error")
    _known(given, LIMITS, f"{where}: {SECTION}", "threshold")
    _known(severity, expectations, f"{where}: {SECTION}.severity", "expectation")
    for name, value in severity.items():
        if value not in {"error", "warn"}:
            raise SettingsError(f"{where}: {SECTION}.severity.{name} is neither error nor warn", hint="set it to one of them")
    limits = {name: _number(name, value, where) for name, value in given.items()}
    return dataclasses.replace(Thresholds(), **cast("dict[str, Any]", limits), severity=severity)


def read_section(path: str | None, name: str) -> Mapping[str, Any]:
    """What one section of the file gives; nothing where there is no file, or no such section.

    Raises:
        SettingsError: The file cannot be read, or it has a section that nothing reads.
    """
    if path is None:
        return {}
    where = f"WOW_CHECKS: {path}"
    sections = _mapping(_parsed(Path(path), where), where, "conversations: {volume: 3}")
    _known(sections, SECTIONS, where, "section")
    return _mapping(sections.get(name) or {}, f"{where}: {name}", "volume: 3")


def _parsed(path: Path, where: str) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise SettingsError(f"{where}: {error.strerror or 'cannot be read'}", hint="set it to a YAML or JSON file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        place = f" at line {line + 1}" if line is not None else ""
        raise SettingsError(f"{where}: no YAML{place}", hint="write it like `conversations: {volume: 3}`") from error


def _mapping(value: Any, where: str, example: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise SettingsError(f"{where} is no list of names and values", hint=f"write it like `{example}`")
    return value


def _known(given: Mapping[str, Any], names: tuple[str, ...], where: str, kind: str) -> None:
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(names)}"
            raise SettingsError(f"{where}: no {kind} is called {name!r}", hint=hint)


def _number(name: str, value: Any, where: str) -> float:
    low, high = RANGES.get(name, (0, 1))
    whole = isinstance(getattr(Thresholds(), name), int)
    wanted = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not low <= value <= high:
        raise SettingsError(
            f"{where}: {SECTION}.{name} is {value!r}, not {wanted} from {low:g} to {high:g}",
            hint=f"the default is {getattr(Thresholds(), name):g}",
        )
    return value
