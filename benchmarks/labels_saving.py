"""What the triage saves: inspections needed to find the same share of dissatisfied customers, week over week, on STAR.

What belongs here: the simulation. What does not: the estimator. Days are taken in order, three of them as a week. Each week a
budget of inspections is spent in the order of the triage (and a part of it at random, an audit that keeps rates honest); an
inspection reveals what the person said; the next week's triage learns from what was inspected so far, and from nothing else.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.labels_gold import Gold, frames, low_satisfaction
from wow_flywheel.inspection.triage.estimator import Estimator
from wow_flywheel.inspection.triage.rank import ENOUGH_OF_EACH

DAYS: Final = 3
BUDGET: Final = 0.4
AUDIT: Final = 0.1
RECALLS: Final = (0.6, 0.8)


def tables() -> Iterator[str]:
    """Markdown: share of conversations to inspect for a given recall, by week and order."""
    gold = low_satisfaction()
    days = dict(frames("star")["conversations"].select("conversation_id", "dt").iter_rows())
    order = sorted(set(days.values()))
    weeks = [
        [i for i in gold.where(lambda i: gold.counted[i]) if order.index(days[gold.ids[i]]) // DAYS == w] for w in range(5)
    ]
    heads = " | ".join(f"{name}, recall {recall:.0%}" for recall in RECALLS for name in ("random", "evidence", "triage"))
    yield "\nShare of the week's conversations that must be inspected to find that share of the dissatisfied:\n"
    yield f"| week | conversations | dissatisfied | labels known before | {heads} |"
    yield "|" + "---|" * (4 + 3 * len(RECALLS))
    inspected: list[int] = []
    later: list[tuple[list[float], int]] = []
    for number, week in enumerate(weeks, 1):
        ranking = _ranking(gold, week, inspected)
        cells = [share for recall in RECALLS for share in _shares(gold, week, ranking, recall)]
        positives = sum(gold.truths[i] for i in week)
        yield f"| {number} | {len(week)} | {positives} | {len(inspected)} | {' | '.join(f'{c:.0%}' for c in cells)} |"
        if number > 1:
            later.append((cells, len(week)))
        inspected += _spent(ranking, number)
    total = sum(size for _, size in later)
    means = [sum(cells[i] * size for cells, size in later) / total for i in range(3 * len(RECALLS))]
    yield f"| 2–5 | {total} | | | {' | '.join(f'{mean:.0%}' for mean in means)} |"


def _ranking(gold: Gold, week: Sequence[int], inspected: Sequence[int]) -> list[int]:
    truths = [gold.truths[i] for i in inspected]
    if min(sum(truths), len(truths) - sum(truths)) < ENOUGH_OF_EACH:
        return sorted(week, key=lambda i: -gold.evidence[i])
    fitted = Estimator("dissatisfied").fit(gold.examples.take(inspected), truths)
    scores = dict(zip(week, fitted.score(gold.examples.take(week)), strict=True))
    return sorted(week, key=lambda i: -scores[i])


def _shares(gold: Gold, week: Sequence[int], ranking: Sequence[int], recall: float) -> Iterator[float]:
    """Random order (its expectation), the evidence inspectors' order, the triage's order."""
    positives = sum(gold.truths[i] for i in week)
    needed = -int(-recall * positives // 1)
    yield needed * (len(week) + 1) / (positives + 1) / len(week)
    for order in (sorted(week, key=lambda i: -gold.evidence[i]), ranking):
        found = 0
        for place, i in enumerate(order, 1):
            found += gold.truths[i]
            if found >= needed:
                yield place / len(week)
                break


def _spent(ranking: Sequence[int], seed: int) -> list[int]:
    first = round(BUDGET * len(ranking))
    rest = list(ranking[first:])
    return [*ranking[:first], *random.Random(seed).sample(rest, round(AUDIT * len(ranking)))]
