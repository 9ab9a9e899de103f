"""Which scenario a conversation is of, and which policies it was to follow.

What belongs here: the recogniser, and the rows of the table `policy_matches`. What does not: loading policies (`units`), what
follows from a change of one (`stale`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import POLICY_MATCHES
from wow_flywheel.dialogue import Message
from wow_flywheel.policies.units import Policy

UNKNOWN: Final = "unknown"
SHARPNESS: Final = 12.0
LEAST: Final = 0.3
WINDOW: Final = 8
MIN_HISTORY: Final = 2
Said = Mapping[str, Any]


@dataclass(slots=True)
class Recogniser:
    """Compares what was said and called with what policies say, and with earlier conversations whose scenario is known.

    From the policies' text alone it is the cosine of TF-IDF vectors; with earlier conversations, logistic regression over the
    same vectors, whose examples are both. It never reads the scenario that a log names.

    Attributes:
        policies: The policies to tell apart.
    """

    policies: Sequence[Policy]
    _vectorizer: Any = field(init=False, default=None)
    _classifier: Any = field(init=False, default=None)
    _own: Any = field(init=False, default=None)
    _names: list[str] = field(init=False, default_factory=list)

    def fit(self, earlier: Sequence[Sequence[Message]] = (), scenarios: Sequence[str] = ()) -> "Recogniser":
        """Learn.

        Args:
            earlier: Conversations whose scenario is known; none means that only the policies' text is there.
            scenarios: Of each.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        own = {name: self._text_of(name) for policy in self.policies for name in policy.scenarios}
        texts = [spoken(messages) for messages in earlier]
        self._vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=TOKENS)
        matrix = self._vectorizer.fit_transform([*own.values(), *texts])
        self._names, self._own = list(own), matrix[: len(own)]
        if len(set(scenarios)) >= MIN_HISTORY:
            from sklearn.linear_model import LogisticRegression

            self._classifier = LogisticRegression(C=30, max_iter=300).fit(matrix, [*own, *scenarios])
        return self

    def scores(self, conversations: Sequence[Sequence[Message]]) -> list[dict[str, float]]:
        """For each conversation, the confidence in each scenario; the confidences of one add up to 1."""
        import numpy as np

        matrix = self._vectorizer.transform([spoken(messages) for messages in conversations])
        if self._classifier is not None:
            names = self._classifier.classes_.tolist()
            chances = self._classifier.predict_proba(matrix)
        else:
            names = self._names
            powers = np.exp(SHARPNESS * (matrix @ self._own.T).toarray())
            chances = powers / powers.sum(axis=1, keepdims=True)
        return [dict(zip(names, map(float, row), strict=True)) for row in chances]

    def within(self, conversations: Sequence[Sequence[Message]]) -> list[dict[str, float]]:
        """For each conversation, the confidence that it, or a stretch of it, is of each scenario: they may add up to over 1.

        A stretch is eight messages; the next one begins four later.
        """
        starts = [range(0, max(1, len(messages) - WINDOW // 2), WINDOW // 2) for messages in conversations]
        pieces = [messages[i : i + WINDOW] for messages, places in zip(conversations, starts, strict=True) for i in places]
        of_pieces = iter(self.scores(pieces))
        found = []
        for whole, places in zip(self.scores(conversations), starts, strict=True):
            best = max(whole, key=whole.__getitem__)
            parts = [next(of_pieces) for _ in places]
            scores = {name: max(whole[name], *(part[name] for part in parts)) for name in whole}
            found.append(scores | {best: max(scores.values())})
        return found

    def _text_of(self, scenario: str) -> str:
        of_it = [policy for policy in self.policies if scenario in policy.scenarios]
        return "\n".join([scenario.replace("_", " "), f"tool:{scenario.lower()}", *(policy.text for policy in of_it)])


TOKENS: Final = r"(?u)tool:[\w.-]+|[^\W\d_]{2,}|[\u4e00-\u9fff]"


def spoken(messages: Sequence[Message]) -> str:
    """What a recogniser may see of a conversation: the words of both sides, and which tools were called; no log field."""
    words = [message.get("content") or "" for message in messages if message["role"] in {"user", "assistant"}]
    tools = [f"tool:{call['name'].lower()}" for message in messages for call in message.get("tool_calls") or []]
    return "\n".join([*words, *tools, *(tool.removeprefix("tool:").replace("_", " ") for tool in tools)])


def match(conversations: pl.DataFrame, policies: Sequence[Policy], history: pl.DataFrame) -> pl.DataFrame:
    """The policies that each conversation was to follow.

    A scenario that the log names and a policy governs is taken as it is, with confidence 1; the others are recognised.

    Args:
        conversations: Contract `conversations`.
        policies: All policies, of any time.
        history: Earlier conversations, contract `conversations`: those with a known scenario teach the recogniser.

    Returns:
        Contract `policy_matches`, by conversation and rank: the best scenario always, further ones from `LEAST` on. A
        conversation without any policy in force has no row.
    """
    governed = sorted({name for policy in policies for name in policy.scenarios})
    if not governed or conversations.is_empty():
        return POLICY_MATCHES.empty()
    logged = conversations.filter(pl.col("scenario").is_in(governed))
    others = conversations.filter(pl.col("scenario").is_in(governed).not_())
    rows = [row for key in logged.iter_rows(named=True) for row in _rows(key, {key["scenario"]: 1.0}, policies)]
    if others.height:
        taught = history.filter(pl.col("scenario").is_in(governed))
        recogniser = Recogniser(policies).fit(taught["messages"].to_list(), taught["scenario"].to_list())
        scores = recogniser.within(others["messages"].to_list())
        for key, chances in zip(others.iter_rows(named=True), scores, strict=True):
            rows += _rows(key, chances, policies)
    found = pl.DataFrame(rows, schema=POLICY_MATCHES.columns)
    return POLICY_MATCHES.conform(found.sort("conversation_id", "rank", "policy_id"))


def _rows(key: Said, chances: Mapping[str, float], policies: Sequence[Policy]) -> list[dict[str, Any]]:
    day = key["dt"]  # the business day, in the zone of the logs: what a policy's validity is written in
    ordered = sorted(chances, key=lambda name: (-chances[name], name))
    taken = [name for i, name in enumerate(ordered) if i == 0 or chances[name] >= LEAST]
    found: dict[str, dict[str, Any]] = {}
    for rank, name in enumerate(taken, 1):
        for policy in policies:
            if name in policy.scenarios and policy.holds_on(day):
                row = {
                    "dt": key["dt"],
                    "conversation_id": key["conversation_id"],
                    "scenario": key["scenario"],
                    "recognised": name,
                    "policy_id": policy.policy_id,
                    "policy_version": policy.version,
                    "rank": rank,
                    "confidence": chances[name],
                }
                found.setdefault(policy.policy_id, row)
    return list(found.values())
