"""Intervals against numbers worked out by hand."""

import numpy as np
import pytest

from wow_flywheel.evaluation.intervals import Interval, clustered_mean, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # z = 1.959964, z² = 3.841459. p = 0.8, n = 10: centre (0.8 + 0.192073) / 1.384146 = 0.716740,
        # half 1.959964 · √(0.016 + 0.009604) / 1.384146 = 0.226577.
        (8, 10, 0.490162, 0.943318),
        # p = 0: the lower bound is 0 and the upper z² / (n + z²) = 3.841459 / 13.841459.
        (0, 10, 0.0, 0.277533),
        (10, 10, 0.722467, 1.0),
        # p = 0.5: symmetric around 0.5, half = z / (2 √(n + z²)) = 1.959964 / (2 · 10.190258).
        (50, 100, 0.403832, 0.596168),
    ],
)
def test_wilson(successes: int, n: int, low: float, high: float) -> None:
    interval = wilson(successes, n)
    assert (interval.value, interval.n) == (successes / n, n)
    assert interval.low == pytest.approx(low, abs=2e-6)
    assert interval.high == pytest.approx(high, abs=2e-6)


def test_wilson_of_nothing_has_no_value() -> None:
    assert wilson(0, 0) == Interval(None, None, None, 0)


def test_wilson_refuses_more_successes_than_trials() -> None:
    with pytest.raises(ValueError, match="3 successes of 2"):
        wilson(3, 2)


def test_bootstrap_of_two_customers_reaches_both_extremes() -> None:
    """Resamples are {0,0}, {0,1}, {1,0}, {1,1}: means 0, ½, ½, 1 with ¼ each in the tails, so the 95 % bounds are 0 and 1."""
    assert clustered_mean(np.array([0.0, 1.0]), np.array(["a", "b"])) == Interval(0.5, 0.0, 1.0, 2)


def test_bootstrap_of_a_normal_mean_agrees_with_the_textbook() -> None:
    """Values 1…100: s = 29.01, so the mean 50.5 ± 1.96 · 29.01 / 10 · √(99/100) = 50.5 ± 5.66."""
    interval = clustered_mean(np.arange(1.0, 101.0), np.arange(100))
    assert interval.value == 50.5
    assert interval.low == pytest.approx(44.84, abs=0.5)
    assert interval.high == pytest.approx(56.16, abs=0.5)


def test_episodes_of_one_customer_are_drawn_together() -> None:
    """Ten customers of ten equal episodes carry the information of ten episodes, not of a hundred."""
    values = np.array([0.0, 1.0] * 5)
    alone = clustered_mean(values, np.arange(10))
    repeated = clustered_mean(np.repeat(values, 10), np.repeat(np.arange(10), 10))
    assert repeated.n == 100
    assert (repeated.low, repeated.high) == pytest.approx((alone.low, alone.high))


def test_a_skewed_sample_moves_both_bounds_to_the_long_tail() -> None:
    """BCa corrects for skew: 19 zeros and one 20 (mean 1) reach further up than a symmetric interval would."""
    interval = clustered_mean(np.array([0.0] * 19 + [20.0]), np.arange(20))
    assert interval.low is not None
    assert interval.high is not None
    assert interval.high - 1.0 > 2 * (1.0 - interval.low)


def test_one_customer_gives_no_interval() -> None:
    assert clustered_mean(np.array([1.0, 0.0]), np.array(["a", "a"])) == Interval(0.5, None, None, 2)


def test_nothing_gives_nothing() -> None:
    assert clustered_mean(np.array([]), np.array([])) == Interval(None, None, None, 0)


def test_equal_values_give_a_point() -> None:
    assert clustered_mean(np.full(30, 0.25), np.arange(30)) == Interval(0.25, 0.25, 0.25, 30)


def test_the_same_data_give_the_same_interval_and_another_seed_does_not() -> None:
    values, clusters = np.arange(40.0) ** 2, np.arange(40)
    assert clustered_mean(values, clusters) == clustered_mean(values, clusters)
    assert clustered_mean(values, clusters) != clustered_mean(values, clusters, seed=1)


def test_many_customers_are_drawn_in_blocks() -> None:
    """5,000 customers do not fit one block of draws: the bounds still follow s / √n = 0.5 / 70.7, times 1.96 = 0.0139."""
    interval = clustered_mean(np.tile([0.0, 1.0], 2500), np.arange(5000))
    assert interval.low == pytest.approx(0.5 - 0.0139, abs=0.001)
    assert interval.high == pytest.approx(0.5 + 0.0139, abs=0.001)
