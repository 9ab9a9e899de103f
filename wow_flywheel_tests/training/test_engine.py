"""The engine that runs checkpoints: in evaluation, in the closed world and in serving."""

import json
from pathlib import Path
from shutil import copytree

import pytest

from wow_flywheel.errors import ReleaseError
from wow_flywheel.serving import engine
from wow_flywheel.serving.engine import ReplyEngine, batches
from wow_flywheel_tests.training import world


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([], []),
        ([5], [(0, 1)]),
        ([10] * 600, [(0, 256), (256, 512), (512, 600)]),
        ([2**15, 2**15, 1], [(0, 2), (2, 3)]),
        ([2**20, 3], [(0, 1), (1, 2)]),
        ([100, 2**16, 100], [(0, 1), (1, 2), (2, 3)]),
    ],
)
def test_batches_are_bounded_by_number_and_by_padded_tokens(lengths: list[int], expected: list[tuple[int, int]]) -> None:
    assert batches(lengths) == expected


def prompts(count: int) -> list[list[dict[str, str]]]:
    return [dialogue[:2] for dialogue in world.dialogues(count, seed=5)]


def test_replies_do_not_hang_on_how_prompts_are_batched(sft_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = [reply.raw for reply in ReplyEngine(sft_model / "model").respond(prompts(6))]
    monkeypatch.setattr(engine, "BATCH", 1)
    alone = [reply.raw for reply in ReplyEngine(sft_model / "model").respond(prompts(6))]
    assert together == alone
    assert ReplyEngine(sft_model / "model").respond([]) == []


def test_a_checkpoint_without_a_limit_may_say_more_than_twenty_tokens(model: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(engine, "MAX_NEW_TOKENS", 33)
    (reply,) = ReplyEngine(model).respond(prompts(1))
    assert reply.completion_tokens == 33, "an untrained model goes on to the limit"
    own = copytree(model, tmp_path / "own")
    (own / "generation_config.json").write_text(json.dumps({"max_new_tokens": 7}))
    (reply,) = ReplyEngine(own).respond(prompts(1))
    assert reply.completion_tokens == 7


def test_the_loss_is_that_of_the_assistants_tokens(model: Path, sft_model: Path) -> None:
    dialogues = world.dialogues(8, seed=9)
    before, after = ReplyEngine(model).losses(dialogues), ReplyEngine(sft_model / "model").losses(dialogues)
    record = json.loads((sft_model / "run.json").read_text())
    assert sum(after) / len(after) == pytest.approx(record["eval_loss"], rel=0.05)
    assert max(after) < min(before)
    assert ReplyEngine(model).losses([[{"role": "user", "content": "Hi"}]]) == [None]


def test_what_cannot_be_loaded_is_said_plainly(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="no model can be loaded from"):
        ReplyEngine(tmp_path)
    world.make_model(tmp_path / "mute", template=None)
    with pytest.raises(ReleaseError, match="has no chat template"):
        ReplyEngine(tmp_path / "mute")
