"""What was said last as embeddings: a tiny encoder with random weights stands for a trained one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wow_flywheel.errors import SettingsError
from wow_flywheel.inspection.triage.estimator import Estimator, Examples
from wow_flywheel.inspection.triage.meaning import SentenceEncoder, endings
from wow_flywheel.inspection.triage.relative import relative

WIDTH = 16
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "hello", "my", "parcel", "is", "late", "thanks", "sorry"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    path = tmp_path_factory.mktemp("encoder")
    (path / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    torch.manual_seed(0)
    shape = {"hidden_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(WORDS), **shape)).save_pretrained(path)
    BertTokenizerFast(vocab={word: place for place, word in enumerate(WORDS)}).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def encoder(folder: Path) -> SentenceEncoder:
    return SentenceEncoder.load(str(folder))


def test_an_embedding_has_length_one_and_does_not_hang_on_its_batch(encoder: SentenceEncoder) -> None:
    both = encoder.encode(["hello", "my parcel is late thanks sorry", "hello"])
    assert both.shape == (3, WIDTH)
    assert np.linalg.norm(both, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert both[0] == pytest.approx(both[2], abs=0)
    assert encoder.encode(["hello"])[0] == pytest.approx(both[0], abs=1e-5)
    assert not np.allclose(both[0], both[1], atol=0.01)


def test_no_texts_give_no_rows(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, WIDTH)


def test_an_ending_is_the_mean_of_each_sides_last_three_turns(encoder: SentenceEncoder) -> None:
    said = ["hello", "my parcel is late", "thanks", "sorry"]
    talk = [{"role": "user", "content": text} for text in said] + [{"role": "assistant", "content": " "}]
    (row,) = endings([talk], encoder)
    assert row[:WIDTH] == pytest.approx(encoder.encode(said[1:]).mean(axis=0), abs=1e-5)
    assert row[WIDTH:].tolist() == [0.0] * WIDTH


def test_no_conversations_give_no_rows(encoder: SentenceEncoder) -> None:
    assert endings([], encoder).shape == (0, 2 * WIDTH)


def test_what_only_the_embeddings_tell_is_learned() -> None:
    generator = np.random.default_rng(0)
    labels = [place % 2 == 0 for place in range(60)]
    meanings = generator.normal(size=(60, 8))
    meanings[:, 3] += np.where(labels, 3.0, -3.0)
    numbers = np.column_stack([np.arange(60.0) // 2 % 2, np.full(60, np.nan)])
    scenarios = ["parcel"] * 60
    blind = Examples(("turns", "solved_score"), numbers, relative(numbers, scenarios), ["hello"] * 60, scenarios)
    seeing = replace(blind, meanings=meanings.astype(np.float32))

    def apart(examples: Examples) -> bool:
        known = Estimator("unsolved").fit(examples.take(range(40)), labels[:40])
        scores = known.score(examples.take(range(40, 60)))
        return min(scores[::2]) > max(scores[1::2])

    assert not apart(blind)
    assert apart(seeing)


def test_a_folder_without_an_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"WOW_EMBEDDINGS_MODEL='.*' is no encoder") as caught:
        SentenceEncoder.load(str(tmp_path))
    assert "config.json" in caught.value.hint
