"""What was said last, as sentence embeddings of a local encoder.

What belongs here: the encoder, and one row of numbers a conversation. What does not: the estimator that weighs them
(`estimator`). torch and transformers are imported when an encoder is loaded, and only where one is configured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from wow_flywheel.dialogue import Message
from wow_flywheel.errors import SettingsError
from wow_flywheel.inspection.wording import text_of

LAST: Final = 3
"""Turns of each side whose mean stands for how the conversation ended."""

LONGEST: Final = 128
"""Tokens of a turn that the encoder reads: what sentence encoders of this kind were trained on."""

BATCH: Final = 64


@dataclass(frozen=True, slots=True)
class SentenceEncoder:
    """A sentence encoder: mean pooling over the last layer, unit length (Reimers and Gurevych 2019, arXiv 1908.10084).

    Attributes:
        tokenizer: Of the model.
        model: A transformers encoder in evaluation mode.
    """

    tokenizer: Any
    model: Any

    @classmethod
    def load(cls, name: str) -> "SentenceEncoder":
        """Load an encoder such as all-MiniLM-L6-v2.

        Args:
            name: A local folder, or a hub id.

        Raises:
            SettingsError: torch or transformers are missing, or there is no such encoder.
        """
        try:
            from transformers import AutoModel, AutoTokenizer
            from transformers.utils import logging
        except ImportError as error:
            raise SettingsError(
                "WOW_EMBEDDINGS_MODEL needs torch and transformers",
                hint="pip install -c constraints.txt '.[train]', or unset it",
            ) from error
        logging.disable_progress_bar()
        try:
            return cls(AutoTokenizer.from_pretrained(name), AutoModel.from_pretrained(name).eval())
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"WOW_EMBEDDINGS_MODEL={name!r} is no encoder that transformers can load",
                hint="set it to a folder with config.json, tokenizer.json and weights",
            ) from error

    def encode(self, texts: Sequence[str]) -> Any:
        """The embeddings of some texts; equal ones are computed once.

        Returns:
            Float32 array of shape (texts, width of the model), each row of length 1.
        """
        import numpy as np

        different = sorted(set(texts), key=lambda text: (len(text), text))
        rows = [self._batch(different[start : start + BATCH]) for start in range(0, len(different), BATCH)]
        places = {text: place for place, text in enumerate(different)}
        width = int(self.model.config.hidden_size)
        known = np.concatenate(rows) if rows else np.zeros((0, width), dtype=np.float32)
        return known[[places[text] for text in texts]]

    def _batch(self, texts: Sequence[str]) -> Any:
        import torch

        batch = self.tokenizer(list(texts), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
        with torch.inference_mode():
            hidden = self.model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1)
        means = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
        return torch.nn.functional.normalize(means, dim=1).numpy()


def endings(talks: Sequence[Sequence[Message]], encoder: SentenceEncoder) -> Any:
    """How each conversation ended, in meaning.

    Args:
        talks: The messages of each conversation.
        encoder: The encoder.

    Returns:
        Float32 array of shape (conversations, 2 × width): the mean embedding of the customer's last turns, then of the
        assistant's; zeros where a side said nothing.
    """
    import numpy as np

    width = int(encoder.model.config.hidden_size)
    sides = [_last(messages, role) for messages in talks for role in ("user", "assistant")]
    known = encoder.encode([text for said in sides for text in said])
    ends = np.cumsum([0, *map(len, sides)])
    means = [known[a:b].mean(axis=0) if b > a else np.zeros(width) for a, b in pairwise(ends)]
    return np.array(means, dtype=np.float32).reshape(len(talks), 2 * width)


def _last(messages: Sequence[Message], role: str) -> list[str]:
    said = [text_of(message) for message in messages if message["role"] == role]
    return [text for text in said if text.strip()][-LAST:]
