"""Promotion, rollback, tampering and differences."""

import json
from pathlib import Path

import pytest

from wow_flywheel.errors import ReleaseError
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel_tests.unit.release.conftest import decision, judged, make_checkpoint


def promoted(store: ReleaseStore, tmp_path: Path, cycle: str, weights: bytes = b"w", rr: float = 0.2) -> str:
    source = make_checkpoint(tmp_path / f"ckpt-{cycle}-{weights.decode()}", weights)
    return store.promote(source, {"cycle": cycle, "tables": {"cases": 3}}, judged(store, source, rr), cycle).id


def test_a_new_store_has_nothing(store: ReleaseStore) -> None:
    assert store.current() is None
    assert store.list() == []
    with pytest.raises(ReleaseError, match="no earlier release"):
        store.rollback()


def test_a_promotion_keeps_model_manifest_decision_and_card(store: ReleaseStore, checkpoint: Path) -> None:
    release = store.promote(checkpoint, {"cycle": "2026-11-05", "rows": {"train": 80}}, decision(), "2026-11-05")
    assert release.id == "0001-2026-11-05"
    assert store.current() == release
    assert (release.model_dir / "model.safetensors").read_bytes() == b"weights one"
    assert (release.model_dir / "tokenizer" / "vocab.txt").read_text() == "a b"
    assert release.manifest == {"cycle": "2026-11-05", "rows": {"train": 80}}
    assert release.decision == decision()
    card = (release.path / "card.md").read_text()
    assert "# Release 0001-2026-11-05" in card
    assert "| rr | – | 0.200 | 0.100 to 0.300 | 100 |" in card
    assert [(move.action, move.to, move.came_from) for move in store.history.moves()] == [("promote", release.id, None)]


def test_the_same_model_of_the_same_cycle_is_one_release(store: ReleaseStore, checkpoint: Path) -> None:
    first = store.promote(checkpoint, {"a": 1}, decision(), "c1")
    again = store.promote(checkpoint, {"a": 1}, decision(), "c1")
    assert again == first
    assert store.list() == ["0001-c1"]
    assert len(store.history.moves()) == 1


def test_another_model_or_cycle_is_another_release(store: ReleaseStore, tmp_path: Path) -> None:
    ids = [promoted(store, tmp_path, "c1"), promoted(store, tmp_path, "c1", b"v"), promoted(store, tmp_path, "c2")]
    assert ids == store.list() == ["0001-c1", "0002-c1", "0003-c2"]
    assert store.current_id() == "0003-c2"


def test_what_the_gate_refused_is_not_released(store: ReleaseStore, checkpoint: Path) -> None:
    with pytest.raises(ReleaseError, match="the gate refused cycle 'c1': rr did not improve"):
        store.promote(checkpoint, {}, decision(passed=False), "c1")
    assert store.list() == []


@pytest.mark.parametrize("cycle", ["", "../up", "a/b", "a\nb", " c", ".c"])
def test_a_cycle_that_is_no_folder_name_is_refused(store: ReleaseStore, checkpoint: Path, cycle: str) -> None:
    with pytest.raises(ReleaseError, match="cannot name a release"):
        store.promote(checkpoint, {}, decision(), cycle)


def test_an_empty_model_is_refused(store: ReleaseStore, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "missing"):
        with pytest.raises(ReleaseError, match="holds no model"):
            store.promote(tmp_path / folder, {}, decision(), "c1")


def test_only_the_files_that_were_judged_are_released(store: ReleaseStore, checkpoint: Path) -> None:
    decided = judged(store, checkpoint)
    (checkpoint / "model.safetensors").write_bytes(b"trained afterwards")
    with pytest.raises(ReleaseError, match="the files are not those that were judged: dpo hashes to") as refused:
        store.promote(checkpoint, {}, decided, "c1")
    assert "run `evaluation` and its gate again" in (refused.value.hint or "")
    assert (store.list(), store.current_id()) == ([], None)


def test_only_a_candidate_that_was_judged_against_the_release_in_use_replaces_it(store: ReleaseStore, tmp_path: Path) -> None:
    a = promoted(store, tmp_path, "a")
    b, c = (make_checkpoint(tmp_path / name, name.encode()) for name in "bc")
    old = judged(store, c)
    assert store.promote(b, {}, judged(store, b), "b").id == "0002-b"
    with pytest.raises(ReleaseError, match="dpo was judged against 0001-a, but 0002-b is in use now") as refused:
        store.promote(c, {}, old, "c")
    assert "run the cycle under a new key" in (refused.value.hint or "")
    assert (store.list(), store.current_id()) == ([a, "0002-b"], "0002-b")
    store.rollback()
    assert store.promote(c, {}, old, "c").id == "0003-c", "the baseline is in use again"


def test_beside_a_release_a_decision_must_say_what_it_judged(store: ReleaseStore, tmp_path: Path, checkpoint: Path) -> None:
    promoted(store, tmp_path, "a")
    with pytest.raises(ReleaseError, match="does not say which files of dpo were judged"):
        store.promote(checkpoint, {}, decision().model_copy(update={"baseline": "0001-a"}), "b")


def test_rollback_walks_back_and_promotion_goes_on_from_there(store: ReleaseStore, tmp_path: Path) -> None:
    a, b, c = (promoted(store, tmp_path, cycle) for cycle in ("a", "b", "c"))
    assert store.rollback().id == b
    assert store.rollback().id == a
    with pytest.raises(ReleaseError, match="no earlier release"):
        store.rollback()
    assert store.rollback(to=c).id == c
    assert store.rollback().id == a
    d = promoted(store, tmp_path, "d")
    assert (d, store.current_id()) == ("0004-d", "0004-d")
    assert store.rollback().id == a
    assert [move.to for move in store.history.moves()] == [a, b, c, b, a, c, a, d, a]


def test_promoting_again_after_a_rollback_does_not_undo_it(store: ReleaseStore, tmp_path: Path) -> None:
    a, b = promoted(store, tmp_path, "a"), promoted(store, tmp_path, "b")
    store.rollback()
    assert store.promote(tmp_path / "ckpt-b-w", {}, decision(), "b").id == b
    assert store.current_id() == a


def test_rolling_back_to_the_current_release_moves_nothing(store: ReleaseStore, tmp_path: Path) -> None:
    a = promoted(store, tmp_path, "a")
    assert store.rollback(to=a).id == a
    assert len(store.history.moves()) == 1


@pytest.mark.parametrize("missing", ["0009-x", "current", "../models", "history.jsonl"])
def test_an_unknown_release_is_refused(store: ReleaseStore, tmp_path: Path, missing: str) -> None:
    promoted(store, tmp_path, "a")
    for call in (store.show, store.rollback):
        with pytest.raises(ReleaseError, match="there is no release"):
            call(missing)


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (lambda path: (path / "model" / "config.json").write_text("{ }"), r"model/config\.json was changed"),
        (lambda path: (path / "model" / "model.safetensors").unlink(), r"model/model\.safetensors is missing"),
        (lambda path: (path / "model" / "extra.py").write_text("x"), r"model/extra\.py was added"),
        (lambda path: (path / "manifest.json").write_text("{}"), r"manifest\.json was changed"),
        (lambda path: (path / "seal.json").unlink(), r"seal\.json is missing"),
        (lambda path: (path / "seal.json").write_text("{"), r"seal\.json is not JSON"),
    ],
)
def test_a_tampered_or_incomplete_release_is_refused(store: ReleaseStore, tmp_path: Path, tamper, message: str) -> None:
    a, _ = promoted(store, tmp_path, "a"), promoted(store, tmp_path, "b")
    tamper(store.root / a)
    for call in (lambda: store.show(a), store.rollback, lambda: promoted_again(store, tmp_path)):
        with pytest.raises(ReleaseError, match=message):
            call()
    assert store.current_id() == "0002-b"


def promoted_again(store: ReleaseStore, tmp_path: Path) -> None:
    store.promote(tmp_path / "ckpt-a-w", {}, decision(), "a")


def test_a_tampered_current_release_is_not_served(store: ReleaseStore, tmp_path: Path) -> None:
    a = promoted(store, tmp_path, "a")
    (store.root / a / "model" / "config.json").write_text("{ }")
    with pytest.raises(ReleaseError, match="not as it was sealed"):
        store.current()


def test_training_again_into_the_same_folder_leaves_the_release_alone(store: ReleaseStore, tmp_path: Path) -> None:
    """Weights are linked, so this holds only because safetensors replaces its file whole."""
    from numpy import ones, zeros
    from safetensors.numpy import load_file, save_file

    source = make_checkpoint(tmp_path / "ckpt", b"")
    save_file({"w": zeros(4)}, source / "model.safetensors")
    release = store.promote(source, {}, decision(), "c1")
    assert (release.model_dir / "model.safetensors").samefile(source / "model.safetensors")
    save_file({"w": ones(4)}, source / "model.safetensors")
    (source / "config.json").write_text('{"changed": true}')
    assert store.current() == release
    assert load_file(release.model_dir / "model.safetensors")["w"].tolist() == [0.0] * 4


def test_where_links_cannot_be_made_weights_are_copied(
    store: ReleaseStore, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    release = store.promote(checkpoint, {}, decision(), "c1")
    weights = release.model_dir / "model.safetensors"
    assert weights.read_bytes() == b"weights one"
    assert not weights.samefile(checkpoint / "model.safetensors")


def test_diff_names_what_changed(store: ReleaseStore, tmp_path: Path) -> None:
    a, b = promoted(store, tmp_path, "a", rr=0.5), promoted(store, tmp_path, "b", rr=0.2)
    diff = store.diff(a, b)
    assert diff.manifest == {"cycle": ("a", "b")}
    assert diff.metrics == {"rr": (0.5, 0.2)}


def test_history_survives_a_cut_off_line(store: ReleaseStore, tmp_path: Path) -> None:
    promoted(store, tmp_path, "a")
    with store.history.path.open("a") as stream:
        stream.write('{"at": "2026-1')
    promoted(store, tmp_path, "b")
    lines = store.history.path.read_text().splitlines()
    assert [json.loads(line)["to"] for line in lines] == ["0001-a", "0002-b"]
