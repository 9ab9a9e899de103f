"""The console command: fast help, lazy commands, exit codes."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from wow_flywheel.cli import app, error_json
from wow_flywheel.errors import ReleaseError

RUNNER = CliRunner()
HEAVY = ("torch", "dagster", "polars", "duckdb", "openai", "numpy", "matplotlib", "starlette", "fsspec", "deltalake")


def test_help_names_every_command() -> None:
    result = RUNNER.invoke(app, ["--help"])
    assert result.exit_code == 0
    for name in ("release", "conversations", "review", "datasets", "serve", "check-server"):
        assert name in result.stdout


def test_no_arguments_show_help_and_a_wrong_command_is_usage() -> None:
    assert "release" in RUNNER.invoke(app, []).output
    wrong = RUNNER.invoke(app, ["relaese"])
    assert wrong.exit_code == 2
    assert "release" in wrong.stderr


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from wow_flywheel.cli import app\n"
        "try:\n    app(['--help'])\n"
        f"finally:\n    print('LOADED', [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stderr.strip() == "LOADED []"
    assert "datasets" in result.stdout


@pytest.mark.parametrize("command", ["release", "conversations", "review", "datasets", "serve", "check-server"])
def test_each_command_has_help(command: str) -> None:
    result = RUNNER.invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_a_settings_error_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WOW_TIMEZONE", "Mars/Base")
    result = RUNNER.invoke(app, ["release", "list"])
    assert result.exit_code == 1
    assert result.stderr == (
        "error: WOW_TIMEZONE='Mars/Base' is not an IANA timezone → set WOW_TIMEZONE to a name like Asia/Shanghai or UTC\n"
    )


def test_an_error_for_programs() -> None:
    error = ReleaseError("gone", hint="look elsewhere")
    assert json.loads(error_json(error)) == {"error": {"kind": "ReleaseError", "message": "gone", "hint": "look elsewhere"}}
