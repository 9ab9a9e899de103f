"""What a user's file may change of the checks, and what is said when it is wrong."""

import json
from pathlib import Path

import pytest

from wow_flywheel.conversations.expectations import names
from wow_flywheel.conversations.thresholds import LIMITS, Thresholds, read_thresholds
from wow_flywheel.errors import SettingsError
from wow_flywheel.settings import Settings


def read(tmp_path: Path, text: str) -> Thresholds:
    path = tmp_path / "checks.yaml"
    path.write_text(text)
    return read_thresholds(str(path), names())


def test_no_file_means_the_defaults() -> None:
    assert Settings.from_env({}).checks is None
    assert Settings.from_env({"WOW_CHECKS": "c.yaml"}).checks == "c.yaml"
    assert read_thresholds(None, names()) == Thresholds()


def test_yaml_and_json_change_what_they_name(tmp_path: Path) -> None:
    given = {"conversations": {"volume": 3, "null_model": 0.25, "severity": {"volume_usual": "error"}}}
    expected = Thresholds(volume=3, null_model=0.25, severity={"volume_usual": "error"})
    assert read(tmp_path, json.dumps(given)) == expected
    yaml = "conversations:\n  volume: 3\n  null_model: 0.25\n  severity:\n    volume_usual: error\n"
    assert read(tmp_path, yaml) == expected
    for empty in ("", "conversations:\n", "conversations: {severity: }"):
        assert read(tmp_path, empty) == Thresholds()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("conversation: {}", "no section is called 'conversation' → did you mean conversations?"),
        ("conversations: {quarantine_warn: 0}", "'quarantine_warn' → did you mean quarantined_warn?"),
        ("conversations: {zzz: 0.1}", f"no threshold is called 'zzz' → use one of {LIMITS[0]}, "),
        ("conversations: {severity: {volume_usua: warn}}", "'volume_usua' → did you mean volume_usual?"),
        ("conversations: {severity: {volume_usual: loud}}", "volume_usual is neither error nor warn → set it to one of them"),
        ("conversations: {volume: many}", "conversations.volume is 'many', not a number from 1 to 1e+06 → the default is 2"),
        ("conversations: {volume: 0.5}", "conversations.volume is 0.5, not a number from 1 to"),
        ("conversations: {duplicates: 50}", "conversations.duplicates is 50, not a number from 0 to 1 → the default is 0.5"),
        ("conversations: {duplicates: .nan}", "conversations.duplicates is nan, not a number from 0 to 1"),
        ("conversations: {messages: 1.5}", "conversations.messages is 1.5, not a whole number from 1 to"),
        ("conversations: {messages: true}", "conversations.messages is True, not a whole number"),
        ("conversations: 3", "conversations is no list of names and values → write it like `volume: 3`"),
        ("conversations: {severity: [error]}", "conversations.severity is no list of names and values"),
        ("- 1", "is no list of names and values → write it like `conversations: {volume: 3}`"),
        ("a: b: c", "no YAML at line 1 → write it like"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    assert f"WOW_CHECKS: {tmp_path}/checks.yaml" in str(caught.value)
    assert says in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"WOW_CHECKS: .*none\.yaml: No such file or directory → set it to a YAML"):
        read_thresholds(str(tmp_path / "none.yaml"), names())


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("WOW_LOGS_SETTLE_SECONDS", "soon", "is no whole number of seconds"),
        ("WOW_LOGS_SETTLE_SECONDS", "-1", "is no whole number of seconds"),
        ("WOW_LOGS_MANIFEST", "a/b", "is no name of a file"),
    ],
)
def test_settings_of_the_logs_are_checked(name: str, value: str, says: str) -> None:
    assert (Settings.from_env({}).logs_settle_seconds, Settings.from_env({}).logs_manifest) == (60, None)
    assert Settings.from_env({"WOW_LOGS_SETTLE_SECONDS": "0", "WOW_LOGS_MANIFEST": "_SUCCESS"}).logs_manifest == "_SUCCESS"
    with pytest.raises(SettingsError, match=f"{name}='{value}' {says}"):
        Settings.from_env({name: value})
