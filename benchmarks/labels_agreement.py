"""Agreement with people, without an endpoint: bag of words, evidence inspectors, triage, side by side.

What belongs here: the splits and the tables of agreement. What does not: the gold (`labels_gold`).

Three ways of splitting: `random` folds of conversations; `tasks`, where no conversation of a task is in training and evaluation
(the mean over folds: pooled, it would compare scores of models that knew different tasks); and the part kept aside, looked at
once, by a model that knew its tasks and by models that did not.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.labels_gold import Gold
from wow_flywheel.evaluation.intervals import Interval, wilson
from wow_flywheel.inspection.calibration.agreement import auroc, confusion, kappa_above, measured, precision_at
from wow_flywheel.inspection.triage.estimator import Estimator

Split = tuple[list[int], list[int]]
Scorer = Callable[[Gold, list[int], list[int]], list[float]]


def bag_of_words(gold: Gold, train: list[int], test: list[int]) -> list[float]:
    """TF-IDF of all words said, and logistic regression: the quick baseline."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True)
    known = words.fit_transform([gold.texts[i] for i in train])
    fitted = LogisticRegression(C=10, max_iter=500).fit(known, [gold.truths[i] for i in train])
    return [float(value) for value in fitted.decision_function(words.transform([gold.texts[i] for i in test]))]


def evidence(gold: Gold, train: list[int], test: list[int]) -> list[float]:
    """The evidence inspectors' verdict as it is; nothing is fitted."""
    del train
    return [gold.evidence[i] for i in test]


def triage(gold: Gold, train: list[int], test: list[int]) -> list[float]:
    """The learned triage, without embeddings."""
    plain = replace(gold.examples, meanings=None)
    fitted = Estimator(gold.target).fit(plain.take(train), [gold.truths[i] for i in train])
    return fitted.score(plain.take(test))


def with_embeddings(gold: Gold, train: list[int], test: list[int]) -> list[float]:
    """The learned triage with the sentence embeddings of `WOW_EMBEDDINGS_MODEL`."""
    fitted = Estimator(gold.target).fit(gold.examples.take(train), [gold.truths[i] for i in train])
    return fitted.score(gold.examples.take(test))


SCORERS: dict[str, Scorer] = {"bag of words": bag_of_words, "evidence inspectors": evidence, "triage": triage}
EMBEDDED: dict[str, Scorer] = {"triage with embeddings": with_embeddings}


def random_folds(gold: Gold, rows: Sequence[int], seed: int = 0) -> Iterator[Split]:
    """Five folds of conversations, stratified."""
    from sklearn.model_selection import StratifiedKFold

    picked = np.asarray(rows)
    truths = [gold.truths[i] for i in rows]
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(picked, truths):
        yield picked[train].tolist(), picked[test].tolist()


def task_folds(gold: Gold, rows: Sequence[int], seed: int = 0) -> Iterator[Split]:
    """Five folds of whole tasks; a fold with one kind of truth alone is left out."""
    from sklearn.model_selection import GroupKFold

    picked = np.asarray(rows)
    for train, test in GroupKFold(5, shuffle=True, random_state=seed).split(picked, groups=[gold.tasks[i] for i in rows]):
        chosen = picked[test].tolist()
        if len({gold.truths[i] for i in chosen}) == 2:
            yield picked[train].tolist(), chosen


def scored_only(gold: Gold, splits: Iterator[Split]) -> Iterator[Split]:
    """Splits whose evaluation leaves out rows with feedback in the log; they stay in training."""
    for train, test in splits:
        yield train, [i for i in test if gold.counted[i]]


def tables(gold: Gold) -> Iterator[str]:
    """Markdown: AUROC by scorer and split, then what the triage's ranking is good for on the part kept aside."""
    known = gold.where(lambda i: not gold.aside(i))
    kept = gold.where(lambda i: gold.aside(i) and gold.counted[i])
    positives = sum(gold.truths[i] for i in kept)
    yield f"\n### {gold.name}: {len(known)} known rows, {len(kept)} kept aside ({positives} positive)\n"
    yield "| AUROC | random folds | tasks never seen (mean of folds, range) | kept aside | kept aside, task never seen |"
    yield "|---|---|---|---|---|"
    final: dict[str, list[float]] = {}
    scorers = SCORERS if gold.examples.meanings is None else SCORERS | EMBEDDED
    for name, scorer in scorers.items():
        random = [_fold(gold, scorer, split) for split in scored_only(gold, random_folds(gold, known))]
        unseen = [_fold(gold, scorer, split) for seed in (0, 1) for split in scored_only(gold, task_folds(gold, known, seed))]
        final[name] = scorer(gold, known, kept)
        aside = measured(auroc, final[name], [gold.truths[i] for i in kept])
        never = _never_seen(gold, scorer, known, kept)
        new = f"{np.mean(unseen):.3f} ({min(unseen):.2f}–{max(unseen):.2f})"
        yield f"| {name} | {np.mean(random):.3f} | {new} | {shown(aside)} | {shown(never)} |"
    yield from _uses(gold, kept, final)


def _fold(gold: Gold, scorer: Scorer, split: Split) -> float:
    train, test = split
    return auroc(np.array(scorer(gold, train, test)), np.array([gold.truths[i] for i in test]))


def _never_seen(gold: Gold, scorer: Scorer, known: Sequence[int], kept: Sequence[int]) -> Interval:
    """Each fifth of the tasks scored by a model that knew none of them; AUROC within each fifth, averaged by its pairs."""
    tasks = sorted(set(gold.tasks))
    parts: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = []
    order = np.random.default_rng(0).permutation(len(tasks))
    for fold in range(5):
        hidden = {tasks[i] for i in order[fold::5]}
        test = [i for i in kept if gold.tasks[i] in hidden]
        scores = scorer(gold, [i for i in known if gold.tasks[i] not in hidden], test) if test else []
        parts.append((np.array(scores), np.array([gold.truths[i] for i in test], dtype=bool)))
    generator = np.random.default_rng(0)
    value = _averaged(parts)
    draws = [
        _averaged([(s[p], t[p]) for s, t in parts for p in [generator.integers(0, len(s), len(s))] if len(s)])
        for _ in range(500)
    ]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return Interval(value, float(low), float(high), len(kept))


def _averaged(parts: Sequence[tuple[Any, Any]]) -> float:
    weights = [float(t.sum() * (len(t) - t.sum())) for _, t in parts]
    values = [auroc(s, t) if w else 0.0 for (s, t), w in zip(parts, weights, strict=True)]
    return float(np.average(values, weights=weights)) if sum(weights) else float("nan")


def _uses(gold: Gold, kept: Sequence[int], final: dict[str, list[float]]) -> Iterator[str]:
    truths = [gold.truths[i] for i in kept]
    share = sum(truths) / len(truths)
    k = sum(truths)
    yield f"\nOn the part kept aside, calling positive as many as there are ({k}, base rate {share:.0%}):\n"
    head = f"| inspector | precision at {k} | precision at {max(1, k // 2)} | Cohen's κ | hits | alarms | misses | rest"
    yield f"{head} | found | wrongly called |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for name, scores in final.items():
        cut = sorted(scores, reverse=True)[k - 1]
        table = confusion([score >= cut for score in scores], truths)
        cells = [
            shown(measured(precision_at(k), scores, truths)),
            shown(measured(precision_at(max(1, k // 2)), scores, truths)),
            shown(measured(kappa_above(cut), scores, truths)),
            *map(str, table.values()),
            shown(wilson(table["hits"], table["hits"] + table["misses"])),
            shown(wilson(table["alarms"], table["alarms"] + table["rest"])),
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def shown(interval: Interval) -> str:
    """An estimate with its 95 % interval."""
    if interval.value is None:
        return "–"
    if interval.low is None or interval.high is None:
        return f"{interval.value:.3f}"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
