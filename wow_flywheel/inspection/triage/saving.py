"""What the triage saves: how much of what has labels would have to be inspected to find most of the dissatisfied.

What belongs here: the measure, and its replay on a team's own labels. What does not: ranking a day (`rank`).
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from wow_flywheel.inspection.triage.estimator import Estimator, Examples
from wow_flywheel.inspection.triage.features import KEY, observe
from wow_flywheel.inspection.triage.meaning import SentenceEncoder
from wow_flywheel.inspection.triage.rank import ENOUGH_OF_EACH, Tables

RECALL: Final = 0.8
LEARNED: Final = 2 / 3
LEAST_FOUND: Final = 10
"""Dissatisfied customers among the later labels, below which a share says nothing."""


def to_find(recall: float, scores: Sequence[float], truths: Sequence[bool]) -> float:
    """The share to inspect, the highest scores first (ties in the given order), to find that share of what is true.

    Args:
        recall: Above 0, up to 1.
        scores: One a case.
        truths: One a case; at least one is true.
    """
    needed, found = -int(-recall * sum(truths) // 1), 0
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    for place, i in enumerate(order, 1):
        found += truths[i]
        if found >= needed:
            return place / len(order)
    return 1.0


def at_random(recall: float, truths: Sequence[bool]) -> float:
    """What `to_find` gives in random order, on average: the k-th of m true ones among n stands at k (n + 1) / (m + 1)."""
    needed = -int(-recall * sum(truths) // 1)
    return needed * (len(truths) + 1) / (sum(truths) + 1) / len(truths)


def saving(tables: Tables, labels: pl.DataFrame, encoder: SentenceEncoder | None = None) -> dict[str, float]:
    """Learn from the older two thirds of the labels and rank the newer third.

    Args:
        tables: See `rank.Tables`; verdicts and inspections without the customers' ratings.
        labels: dt, conversation_id, label (dissatisfied), of conversations in these tables.
        encoder: As for `rank`.

    Returns:
        Share to inspect for 80 % of the dissatisfied: random, evidence, triage. Empty with too few labels.
    """
    conversations = tables["conversations"]
    known = conversations.select(KEY).with_row_index("row").join(labels, on=KEY).sort(*KEY)
    cut = round(LEARNED * known.height)
    older, newer = known.head(cut), known.tail(known.height - cut)
    of_older, truths = older["label"].to_list(), newer["label"].to_list()
    if min(sum(of_older), len(of_older) - sum(of_older)) < ENOUGH_OF_EACH or sum(truths) < LEAST_FOUND:
        return {}
    places = newer["row"].to_list()
    examples = Examples.of(observe(**tables), conversations["scenario"].to_list(), encoder)
    told = tables["verdicts"].select(*KEY, "satisfied_score")
    scores = conversations.select(KEY).join(told, on=KEY, how="left", maintain_order="left")["satisfied_score"].fill_null(0.5)
    fitted = Estimator("dissatisfied").fit(examples.take(older["row"].to_list()), of_older)
    return {
        "random": at_random(RECALL, truths),
        "evidence": to_find(RECALL, [1 - scores[i] for i in places], truths),
        "triage": to_find(RECALL, fitted.score(examples.take(places)), truths),
    }
