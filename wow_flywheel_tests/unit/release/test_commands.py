"""`wow-flywheel release`, as a user calls it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wow_flywheel.cli import app
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel_tests.unit.release.conftest import judged, make_checkpoint

RUNNER = CliRunner()


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReleaseStore:
    monkeypatch.setenv("WOW_MODELS_URI", str(tmp_path / "models"))
    return ReleaseStore(tmp_path / "models")


@pytest.fixture
def two(releases: ReleaseStore, tmp_path: Path) -> ReleaseStore:
    for cycle, rr in (("a", 0.5), ("b", 0.2)):
        made = make_checkpoint(tmp_path / cycle, cycle.encode())
        releases.promote(made, {"cycle": cycle}, judged(releases, made, rr), cycle)
    return releases


def run(*arguments: str) -> tuple[int, str, str]:
    result = RUNNER.invoke(app, ["release", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_list(two: ReleaseStore) -> None:
    assert run("list") == (0, "  0001-a\n* 0002-b\n", "")
    code, out, _ = run("list", "--json")
    assert (code, json.loads(out)) == (
        0,
        [
            {"id": "0001-a", "current": False, "canary_share": None},
            {"id": "0002-b", "current": True, "canary_share": None},
        ],
    )


def test_nothing_released_yet(releases: ReleaseStore) -> None:
    assert run("list") == (0, "no release yet\n", "")
    assert run("list", "--json") == (0, "[]\n", "")
    code, out, err = run("current")
    assert (code, out) == (1, "")
    assert err == "error: there is no release yet → run the training_cycle job until a model passes the gate\n"


def test_show_and_current(two: ReleaseStore) -> None:
    code, out, _ = run("show", "0001-a")
    assert code == 0
    assert out.startswith("# Release 0001-a\n")
    code, out, _ = run("current", "--json")
    shown = json.loads(out)
    assert (code, shown["id"], shown["manifest"], shown["decision"]["passed"]) == (0, "0002-b", {"cycle": "b"}, True)


def test_rollback(two: ReleaseStore) -> None:
    assert run("rollback") == (0, "0001-a is current (it was 0002-b)\n", "")
    code, out, _ = run("rollback", "--to", "0002-b", "--json")
    assert (code, json.loads(out)) == (0, {"current": "0002-b", "before": "0001-a"})


def test_diff(two: ReleaseStore) -> None:
    code, out, _ = run("diff", "0001-a", "0002-b")
    assert code == 0
    assert out.splitlines() == ["           0001-a  0002-b", "cycle      a       b", "metric rr  0.5     0.2"]
    code, out, _ = run("diff", "0001-a", "0002-b", "--json")
    assert json.loads(out) == {"a": "0001-a", "b": "0002-b", "manifest": {"cycle": ["a", "b"]}, "metrics": {"rr": [0.5, 0.2]}}


def test_errors_are_one_line_or_one_json_object(two: ReleaseStore) -> None:
    hint = "wow-flywheel release list shows the releases"
    assert run("show", "0009-x") == (1, "", f"error: there is no release '0009-x' → {hint}\n")
    code, out, err = run("show", "0009-x", "--json")
    assert (code, out) == (1, "")
    assert json.loads(err) == {"error": {"kind": "ReleaseError", "message": "there is no release '0009-x'", "hint": hint}}


def test_wrong_usage_is_exit_code_2(releases: ReleaseStore) -> None:
    assert run("show")[0] == 2
    assert run("lits")[0] == 2
    assert run("list", "--jsn")[0] == 2
