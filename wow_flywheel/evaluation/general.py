"""General ability: the loss on texts that have nothing to do with the domain, and how far it has moved from the base model.

What belongs here: reading such texts, and the outcomes. What does not: what movement is too much (`release.gate`).

The change is measured against the first base model and not against the release in use: a loss that creeps by a little each
cycle would else never show. The report saw 2.93 % on a 34B model, and proposes less than 3 %.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import polars as pl

from wow_flywheel.errors import SettingsError
from wow_flywheel.evaluation.first_lines import first_lines

GENERAL = {
    "model": pl.String,
    "episode": pl.String,
    "user_id": pl.String,
    "scenario": pl.String,
    "general_loss": pl.Float64,
    "general_loss_change": pl.Float64,
}


class TextScorer(Protocol):
    """An engine that says how likely it finds texts: `serving.engine.ReplyEngine`."""

    def text_losses(self, texts: Sequence[str]) -> list[float | None]:
        """Mean negative log-likelihood of each text, in nats per token."""
        ...


def read_texts(path: Path, limit: int) -> list[str]:
    """The first `limit` texts of a JSON Lines file whose lines have `text`.

    Raises:
        SettingsError: The file is missing, holds none, or a line has no text; the message names it.
    """
    if not path.is_file():
        raise SettingsError(f"WOW_GENERAL_SET: there is no file {path}", hint='name a file of lines like {"text": "…"}')
    texts = [_text(line, f"WOW_GENERAL_SET: {path}, line {number}") for number, line in first_lines(path, limit)]
    if not texts:
        raise SettingsError(f"WOW_GENERAL_SET: {path} holds no text", hint='write lines like {"text": "…"}')
    return texts


def general_outcomes(losses: Mapping[str, Sequence[float | None]], base: str) -> pl.DataFrame:
    """Losses as outcomes; the change is (loss − base loss) / base loss of each text.

    Args:
        losses: By model, one loss a text, in nats per token.
        base: The model that the change is measured against.
    """
    rows = [
        {"model": model, "episode": f"text-{i}", "user_id": f"text-{i}", "scenario": "general", "general_loss": loss}
        | {"general_loss_change": None if loss is None or not first else (loss - first) / first}
        for model, found in losses.items()
        for i, (loss, first) in enumerate(zip(found, losses[base], strict=True))
    ]
    return pl.DataFrame(rows, schema=GENERAL)


def _text(line: str, where: str) -> str:
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("text"), str) or not record["text"].strip():
        raise SettingsError(f"{where} has no text", hint='write lines like {"text": "…"}')
    text: str = record["text"]
    return text
