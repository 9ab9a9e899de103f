"""A crash after each step of a promotion or a rollback, then the same call again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel.release import folder, store
from wow_flywheel.release.history import History
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel_tests.unit.release.conftest import decision, judged, make_checkpoint


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the code under test catches it."""


def dying_before(function: Callable[..., Any], at_call: int = 1) -> Callable[..., Any]:
    """The function, until its n-th call: there the process dies instead."""
    calls = 0

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at_call:
            raise Killed
        return function(*args, **kwargs)

    return call


STEPS = [
    # Where the process dies while the second release is promoted, and which release is current then.
    pytest.param(folder, "_copy", 1, "0001-a", id="before any file"),
    pytest.param(folder, "_copy", 3, "0001-a", id="half of the model copied"),
    pytest.param(folder, "_write_json", 2, "0001-a", id="before the manifest"),
    pytest.param(folder, "_write_json", 4, "0001-a", id="before the seal"),
    pytest.param(Path, "rename", 1, "0001-a", id="before the folder gets its name"),
    pytest.param(store, "sync_folder", 1, "0001-a", id="before the name is durable"),
    pytest.param(store, "write_atomic", 1, "0001-a", id="before the pointer moves"),
    pytest.param(History, "append", 1, "0002-b", id="before the history knows"),
]


@pytest.mark.parametrize(("owner", "name", "at_call", "current"), STEPS)
def test_promotion(owner: Any, name: str, at_call: int, current: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    releases = ReleaseStore(tmp_path / "models")
    releases.promote(make_checkpoint(tmp_path / "a", b"a"), {"n": 1}, decision(), "a")
    second = make_checkpoint(tmp_path / "b", b"b")
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying_before(getattr(owner, name), at_call))
        with pytest.raises(Killed):
            releases.promote(second, {"n": 2}, judged(releases, second), "b")
    survivor = ReleaseStore(tmp_path / "models").current()
    assert survivor is not None
    assert survivor.id == current

    release = ReleaseStore(tmp_path / "models").promote(second, {"n": 2}, judged(releases, second), "b")
    assert release.id == "0002-b"
    assert (release.model_dir / "model.safetensors").read_bytes() == b"b"
    assert releases.current() == release
    assert releases.list() == ["0001-a", "0002-b"]
    assert [(move.to, move.came_from) for move in releases.history.moves()] == [("0001-a", None), ("0002-b", "0001-a")]
    assert not list(releases.root.glob(".building*"))


@pytest.mark.parametrize(("owner", "name"), [(store, "write_atomic"), (History, "append")])
def test_rollback(owner: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    releases = ReleaseStore(tmp_path / "models")
    for cycle in ("a", "b"):
        made = make_checkpoint(tmp_path / cycle, cycle.encode())
        releases.promote(made, {}, judged(releases, made), cycle)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying_before(getattr(owner, name)))
        with pytest.raises(Killed):
            releases.rollback("0001-a")
    assert releases.rollback("0001-a").id == releases.current_id() == "0001-a"
    assert [(move.action, move.to) for move in releases.history.moves()] == [
        ("promote", "0001-a"),
        ("promote", "0002-b"),
        ("rollback", "0001-a"),
    ]


def test_a_crashed_promotion_then_a_rollback_then_the_promotion_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rollback came after the crash, so it wins over the promotion's rerun."""
    releases = ReleaseStore(tmp_path / "models")
    releases.promote(make_checkpoint(tmp_path / "a", b"a"), {}, decision(), "a")
    second = make_checkpoint(tmp_path / "b", b"b")
    with monkeypatch.context() as patch:
        patch.setattr(History, "append", dying_before(History.append))
        with pytest.raises(Killed):
            releases.promote(second, {}, judged(releases, second), "b")
    assert releases.rollback().id == "0001-a"
    assert releases.promote(second, {}, judged(releases, second), "b").id == "0002-b"
    assert releases.current_id() == "0001-a"
