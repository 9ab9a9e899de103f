"""The mask as a person sees it."""

from pathlib import Path

from typer.testing import CliRunner

from wow_flywheel.cli import app
from wow_flywheel.training.mask import LEARNT, PLAIN, RESET, dialogue_masks
from wow_flywheel_tests.training import world

DIALOGUE = [
    {"role": "user", "content": "Where is my lamp?"},
    {"role": "assistant", "content": '{"reply":"One moment."}'},
    {"role": "tool", "content": '{"status":"sent"}'},
    {"role": "assistant", "content": '{"reply":"On its way."}'},
]


def test_replies_and_their_ends_are_marked_and_nothing_else(model: Path, tmp_path: Path) -> None:
    data = world.write_jsonl(tmp_path / "sft.jsonl", [{"messages": DIALOGUE}] * 2)
    (text,) = dialogue_masks(str(model), data, 1, color=False)
    assert text.partition("\n")[2] == (
        '<|im_start|>user\nWhere is my lamp?<|im_end|>\n<|im_start|>assistant\n⟦{"reply":"One moment."}<|im_end|>⟧\n'
        '<|im_start|>tool\n{"status":"sent"}<|im_end|>\n<|im_start|>assistant\n⟦{"reply":"On its way."}<|im_end|>⟧\n'
    )
    (colored,) = dialogue_masks(str(model), data, 1, color=True)
    assert f'{LEARNT}{{"reply":"One moment."}}<|im_end|>{RESET}{PLAIN}\n<|im_start|>tool' in colored


def test_the_command_shows_pairs_and_names_what_is_wrong(model: Path, data: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    shown = runner.invoke(app, ["training", "mask", str(data / "pairs.jsonl"), "--model", str(model), "--pairs", "-n", "2"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("⟦{") == shown.output.count("⟪{") == 2
    assert "pair 2: " in shown.output
    wrong = runner.invoke(app, ["training", "mask", str(tmp_path / "none.jsonl"), "--model", str(model)])
    assert wrong.exit_code == 1
    assert "cannot be read" in wrong.output
