"""A canary's share of the conversations, and its way to current or out."""

import json
from pathlib import Path

import pytest

from wow_flywheel.errors import ReleaseError
from wow_flywheel.release.canary import Canary
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel.serving.batching import Batcher
from wow_flywheel.serving.split import Served, Split
from wow_flywheel_tests.unit.release.conftest import decision, make_checkpoint
from wow_flywheel_tests.unit.release.test_commands import run
from wow_flywheel_tests.unit.serving.scripted import ScriptedEngine


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReleaseStore:
    """Release `a` is current, and `b` its canary for a tenth of the traffic."""
    monkeypatch.setenv("WOW_MODELS_URI", str(tmp_path / "models"))
    store = ReleaseStore(tmp_path / "models")
    for cycle in ("a", "b"):
        store.promote(make_checkpoint(tmp_path / cycle, cycle.encode()), {}, decision(), cycle, share=0.1)
    return store


def test_the_first_release_is_current_whatever_its_share_and_the_next_one_a_canary(two: ReleaseStore) -> None:
    assert (two.current_id(), two.canary()) == ("0001-a", Canary("0002-b", 0.1))


def test_promoting_a_canary_again_changes_nothing(two: ReleaseStore, tmp_path: Path) -> None:
    again = two.promote(tmp_path / "b", {}, decision(), "b", share=0.1)
    assert (again.id, two.current_id(), two.canary()) == ("0002-b", "0001-a", Canary("0002-b", 0.1))


def test_a_canary_that_is_finished_is_current_and_no_canary(two: ReleaseStore) -> None:
    assert two.finish_canary().id == "0002-b"
    assert (two.current_id(), two.canary()) == ("0002-b", None)
    assert two.rollback().id == "0001-a"
    with pytest.raises(ReleaseError, match="no canary to finish"):
        two.finish_canary()


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
    assert run("canary", "stop") == (0, "no canary; 0001-a serves all traffic once `serve` starts again\n", "")
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
