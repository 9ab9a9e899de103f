"""A canary's share of the conversations, and its way to current or out."""

import json
from pathlib import Path

import pytest

from wow_flywheel.errors import ReleaseError
from wow_flywheel.release.canary import Canary
from wow_flywheel.release.history import History
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel.serving.batching import Batcher
from wow_flywheel.serving.split import Served, Split
from wow_flywheel_tests.unit.release.conftest import decision, judged, make_checkpoint
from wow_flywheel_tests.unit.release.test_commands import run
from wow_flywheel_tests.unit.release.test_crashes import Killed, dying_before
from wow_flywheel_tests.unit.serving.scripted import ScriptedEngine


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReleaseStore:
    """Release `a` is current, and `b` its canary for a tenth of the traffic."""
    monkeypatch.setenv("WOW_MODELS_URI", str(tmp_path / "models"))
    store = ReleaseStore(tmp_path / "models")
    for cycle in ("a", "b"):
        made = make_checkpoint(tmp_path / cycle, cycle.encode())
        store.promote(made, {}, judged(store, made), cycle, share=0.1)
    return store


def test_the_first_release_is_current_whatever_its_share_and_the_next_one_a_canary(two: ReleaseStore) -> None:
    assert (two.current_id(), two.canary()) == ("0001-a", Canary("0002-b", 0.1))


def test_promoting_a_canary_again_changes_nothing(two: ReleaseStore, tmp_path: Path) -> None:
    again = two.promote(tmp_path / "b", {}, judged(two, tmp_path / "b"), "b", share=0.1)
    assert (again.id, two.current_id(), two.canary()) == ("0002-b", "0001-a", Canary("0002-b", 0.1))


def test_a_canary_that_is_finished_is_current_and_no_canary(two: ReleaseStore) -> None:
    assert two.finish_canary().id == "0002-b"
    assert (two.current_id(), two.canary()) == ("0002-b", None)
    assert two.rollback().id == "0001-a"
    with pytest.raises(ReleaseError, match="no canary to finish"):
        two.finish_canary()


def moves(store: ReleaseStore) -> list[tuple[str, str, float | None]]:
    return [(move.action, move.to, move.share) for move in store.history.moves()]


def test_start_share_and_stop_are_in_the_history_and_move_no_pointer(two: ReleaseStore) -> None:
    two.set_canary("0002-b", 0.5)
    two.stop_canary()
    two.stop_canary()
    assert moves(two) == [
        ("promote", "0001-a", None), ("canary", "0002-b", 0.1), ("canary", "0002-b", 0.5), ("canary stop", "0002-b", None),
    ]  # fmt: skip
    assert (two.current_id(), two.history.line()) == ("0001-a", ["0001-a"])
    assert json.loads(two.history.path.read_text().splitlines()[0]).keys() == {
        "at", "action", "to", "came_from",
    }  # fmt: skip


def test_a_stopped_canary_does_not_come_back_by_releasing_it_again(two: ReleaseStore, tmp_path: Path) -> None:
    two.stop_canary()
    assert two.promote(tmp_path / "b", {}, judged(two, tmp_path / "b"), "b", share=0.1).id == "0002-b"
    assert (two.current_id(), two.canary()) == ("0001-a", None)
    assert two.set_canary("0002-b", 0.2) == two.canary(), "by hand it does"


def test_a_second_canary_is_refused_and_nothing_is_built(two: ReleaseStore, tmp_path: Path) -> None:
    made = make_checkpoint(tmp_path / "c", b"c")
    for share in (0.1, 1.0):
        with pytest.raises(ReleaseError, match="0002-b is the canary, with 10% of the conversations") as refused:
            two.promote(made, {}, judged(two, made), "c", share=share)
    assert "wow-flywheel release canary stop" in (refused.value.hint or "")
    assert (two.list(), two.canary()) == (["0001-a", "0002-b"], Canary("0002-b", 0.1))
    two.stop_canary()
    assert two.promote(made, {}, judged(two, made), "c", share=0.1).id == "0003-c"
    with pytest.raises(ReleaseError, match="0003-c is the canary"):
        two.set_canary("0002-b", 0.1)


def test_a_canary_that_was_judged_against_another_release_is_not_finished(two: ReleaseStore, tmp_path: Path) -> None:
    two.finish_canary()
    made = make_checkpoint(tmp_path / "c", b"c")
    two.promote(made, {}, judged(two, made), "c", share=0.1)
    two.rollback("0001-a")
    with pytest.raises(ReleaseError, match="dpo was judged against 0002-b, but 0001-a is in use now"):
        two.finish_canary()


@pytest.mark.parametrize("change", ["start", "stop"])
def test_a_crash_between_pointer_and_history_is_made_good(
    change: str, two: ReleaseStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if change == "start":
        two.stop_canary()
    before = moves(two)
    with monkeypatch.context() as patch:
        patch.setattr(History, "append", dying_before(History.append))
        with pytest.raises(Killed):
            two.set_canary("0002-b", 0.3) if change == "start" else two.stop_canary()
    two.rollback("0001-a")
    assert moves(two)[len(before) :] == [("canary", "0002-b", 0.3) if change == "start" else ("canary stop", "0002-b", None)]


def test_a_rollback_to_the_canary_ends_it_too(two: ReleaseStore) -> None:
    two.rollback("0002-b")
    assert (two.current_id(), two.canary()) == ("0002-b", None)


def test_what_cannot_be_a_canary_is_refused(two: ReleaseStore) -> None:
    with pytest.raises(ReleaseError, match="cannot be a canary beside 0001-a"):
        two.set_canary("0001-a", 0.5)
    with pytest.raises(ReleaseError, match="there is no release '0009-x'"):
        two.set_canary("0009-x", 0.5)
    for share in (0.0, 1.0):
        with pytest.raises(ReleaseError, match="above 0 and below 1"):
            two.set_canary("0002-b", share)


def test_the_commands(two: ReleaseStore) -> None:
    assert run("list") == (0, "* 0001-a\n  0002-b  canary, 10% of the traffic\n", "")
    code, out, _ = run("canary", "start", "0002-b", "--share", "0.25", "--json")
    assert (code, json.loads(out)) == (0, {"canary": "0002-b", "share": 0.25})
    assert run("canary", "stop") == (0, "no canary; 0001-a serves all traffic; a running `serve` follows in seconds\n", "")
    assert two.canary() is None
    assert run("canary", "finish")[0] == 1


def test_a_share_takes_about_that_share_and_a_larger_one_keeps_them() -> None:
    ids = [f"conv-{i}" for i in range(4000)]
    small, large = ({each for each in ids if Canary("r", share).takes(each)} for share in (0.1, 0.3))
    assert 340 < len(small) < 460
    assert small < large
    other = {each for each in ids if Canary("s", 0.1).takes(each)}
    assert len(small & other) < 80, "another release draws others: about 40 of them are the same by chance"


def test_all_turns_of_a_conversation_go_to_one_model() -> None:
    current, beside = (Served(name, Batcher(ScriptedEngine())) for name in ("a", "b"))
    split = Split(current, (beside, Canary("b", 0.5)))
    served = {f"c{i}": split.of(f"c{i}").model for i in range(50)}
    assert set(served.values()) == {"a", "b"}
    assert all(split.of(name).model == model for name, model in served.items())
    assert (split.models, Split(current).of("c1").model) == (["a", "b"], "a")


def test_the_results_page_is_sealed_with_the_release(tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path / "models")
    release = store.promote(make_checkpoint(tmp_path / "a", b"a"), {}, decision(), "a", page="<p>page</p>")
    assert (release.path / "results.html").read_text() == "<p>page</p>"
    (release.path / "results.html").write_text("other")
    with pytest.raises(ReleaseError, match=r"results\.html was changed"):
        store.current()
