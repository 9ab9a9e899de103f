"""The customer's words as features, without those that only some scenarios use.

What belongs here: the vocabulary and its weights. What does not: the estimator that weighs them (`estimator`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.wording import text_of

WORDS = r"(?u)[^\W\d_][^\W\d_']*|[\u4e00-\u9fff]|[!?！？]+"
"""Words without digits, single Chinese characters (pairs come from the bigrams), and marks that tell a mood."""


def said_by_customer(messages: Sequence[Message]) -> str:
    """The customer's turns as one text."""
    return "\n".join(text_of(message) for message in messages if message["role"] == "user")


@dataclass(slots=True)
class CommonWords:
    """TF-IDF of words and pairs of words that at least `spread` of the scenarios in training use.

    A word that a few scenarios use names what they are about: learned, it would tell a scenario's base rate and fail on the
    next scenario.

    Attributes:
        spread: Least share of scenarios.
    """

    spread: float = 0.25
    _vectorizer: Any = field(init=False, default=None)
    _kept: Any = field(init=False, default=None)

    def fit(self, texts: Sequence[str], scenarios: Sequence[str]) -> Any:
        """Learn the vocabulary; gives the texts' sparse matrix."""
        import numpy as np
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True, token_pattern=WORDS)
        matrix = self._vectorizer.fit_transform(texts)
        names = np.asarray(scenarios)
        users = np.zeros(matrix.shape[1])
        for name in sorted(set(scenarios)):
            users += np.asarray((matrix[names == name] != 0).sum(axis=0)).ravel() > 0
        self._kept = np.flatnonzero(users >= self.spread * len(set(scenarios)))
        return matrix[:, self._kept]

    def transform(self, texts: Sequence[str]) -> Any:
        """The sparse matrix of other texts, by the vocabulary learned."""
        return self._vectorizer.transform(texts)[:, self._kept]
