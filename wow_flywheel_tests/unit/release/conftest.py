"""A checkpoint and a decision to release."""

from pathlib import Path

import pytest

from wow_flywheel.model_files import model_digest
from wow_flywheel.release.decision import Decision, GateCheck, MetricValue
from wow_flywheel.release.store import ReleaseStore


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "models")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return make_checkpoint(tmp_path / "ckpt", b"weights one")


def make_checkpoint(folder: Path, weights: bytes) -> Path:
    (folder / "tokenizer").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer" / "vocab.txt").write_text("a b")
    return folder


def decision(passed: bool = True, rr: float = 0.2) -> Decision:
    check = GateCheck(
        name="rr improves", metric="rr", kind="superiority", margin=0.0, difference=-0.3, low=-0.4, high=-0.2, n=100,
        passed=passed, why="rr improved: -0.300",
    )  # fmt: skip
    metric = MetricValue(metric="rr", value=rr, low=rr - 0.1, high=rr + 0.1, n=100)
    reason = "rr improved" if passed else "rr did not improve"
    return Decision(passed=passed, reason=reason, baseline="prod", candidate="dpo", checks=(check,), metrics=(metric,))


def judged(store: ReleaseStore, model_dir: Path, rr: float = 0.2) -> Decision:
    """A decision to release, of this model's files, against the release in use."""
    update = {"baseline": store.current_id() or "prod", "models": {"dpo": model_digest(model_dir)}}
    return decision(rr=rr).model_copy(update=update)
