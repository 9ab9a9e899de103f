"""Agreement measures, against values worked out by hand."""

import math

import numpy as np

from wow_flywheel.inspection.calibration.agreement import auroc, confusion, kappa, measured, precision_at

SCORES = np.array([0.9, 0.8, 0.7, 0.6])
TRUTHS = np.array([True, False, True, False])


def test_auroc_is_the_share_of_pairs_in_the_right_order() -> None:
    assert auroc(SCORES, TRUTHS) == 0.75
    assert auroc(np.array([1.0, 1.0]), np.array([True, False])) == 0.5
    assert math.isnan(auroc(SCORES, np.ones(4, dtype=bool)))


def test_precision_at_k_looks_at_the_top_alone() -> None:
    assert [precision_at(k)(SCORES, TRUTHS) for k in (1, 2, 3)] == [1.0, 0.5, 2 / 3]


def test_kappa_is_agreement_beyond_chance() -> None:
    said = np.array([True] * 25 + [False] * 25)
    true = np.array([True] * 20 + [False] * 5 + [True] * 10 + [False] * 15)
    assert abs(kappa(said, true) - 0.4) < 1e-12  # agreed 0.7, by chance 0.5: Cohen's own kind of example
    assert math.isnan(kappa(np.ones(3, dtype=bool), np.ones(3, dtype=bool)))


def test_confusion_counts_the_four_kinds() -> None:
    assert confusion([True, True, False, False], [True, False, True, False]) == {"hits": 1, "alarms": 1, "misses": 1, "rest": 1}


def test_an_interval_holds_its_estimate_and_whole_clusters_widen_it() -> None:
    generator = np.random.default_rng(1)
    truths = generator.random(300) < 0.5
    scores = truths + generator.normal(size=300)
    plain = measured(auroc, scores.tolist(), truths.tolist())
    assert plain.low is not None
    assert plain.high is not None
    assert plain.low < plain.value < plain.high
    copies = measured(
        auroc, np.repeat(scores, 4).tolist(), np.repeat(truths, 4).tolist(), [str(i) for i in range(300) for _ in range(4)]
    )
    assert copies.low is not None
    assert abs(copies.low - plain.low) < 0.02
    assert measured(auroc, [0.1], [True]).value is None
