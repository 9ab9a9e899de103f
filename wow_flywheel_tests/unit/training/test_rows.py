"""Training files: every broken line is named by file and line, never quoted."""

import json
from pathlib import Path

import pytest

from wow_flywheel.errors import TrainingError
from wow_flywheel.training import sft
from wow_flywheel.training.rows import Pair, read_dialogues, read_pairs

USER = {"role": "user", "content": "secret"}
BOT = {"role": "assistant", "content": "{}"}


def test_good_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text(json.dumps({"messages": [{**USER, "name": "x"}, BOT]}) + "\n\n")
    assert read_dialogues(path) == [[USER, BOT]]
    pair = {"prompt": [USER], "chosen": [BOT], "rejected": [{**BOT, "content": "a\u2028b"}]}
    path.write_text(json.dumps(pair, ensure_ascii=False))
    assert read_pairs(path) == [Pair([USER], "{}", "a\u2028b")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{secret", "line 2: not JSON"),
        ('"secret"', "line 2: not a JSON object"),
        (json.dumps({"messages": []}), "line 2: 'messages' is not a list"),
        (json.dumps({"messages": [USER]}), "line 2: no assistant message"),
        (json.dumps({"messages": [{"role": "bot", "content": "secret"}]}), "line 2: a message has no role"),
        (json.dumps({"messages": [{"role": "assistant", "content": " "}]}), "line 2: a message of role assistant has no text"),
        (json.dumps({"messages": ["secret"]}), "line 2: a message has no role"),
    ],
)
def test_a_broken_dialogue_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text(json.dumps({"messages": [USER, BOT]}) + "\n" + line + "\n")
    with pytest.raises(TrainingError, match=message) as caught:
        read_dialogues(path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rejected": [BOT]}, "chosen equals rejected"),
        ({"rejected": [USER]}, "one assistant message"),
        ({"rejected": [BOT, BOT]}, "one assistant message"),
        ({"prompt": None}, "'prompt' is not a list"),
    ],
)
def test_a_broken_pair_is_named(tmp_path: Path, change: dict, message: str) -> None:
    path = tmp_path / "f.jsonl"
    good = {"prompt": [USER], "chosen": [BOT], "rejected": [{**BOT, "content": "no"}]}
    path.write_text(json.dumps(good | change))
    with pytest.raises(TrainingError, match=message):
        read_pairs(path)


@pytest.mark.parametrize(("text", "message"), [(None, "cannot be read"), ("\n", "has no rows")])
def test_a_missing_or_empty_file_ends_the_command_at_once(
    tmp_path: Path, text: str | None, message: str, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "f.jsonl"
    if text is not None:
        path.write_text(text)
    assert sft.main(["--model", "m", "--train-file", str(path), "--output-dir", str(tmp_path / "o")]) == 1
    assert message in capsys.readouterr().err
