"""Sample sizes against numbers worked out by hand, and by simulation."""

import numpy as np
import pytest

from wow_flywheel.evaluation.intervals import clustered_sd
from wow_flywheel.evaluation.power import detectable, episodes_for, power_of


@pytest.mark.parametrize(
    ("margin", "sd", "needed"),
    [
        # z₀.₉₇₅ + z₀.₈ = 1.959964 + 0.841621 = 2.801585; squared 7.848880.
        (0.05, 0.5, 785),  # 7.848880 · 0.25 / 0.0025 = 784.9
        (0.05, 1.0, 3140),  # 7.848880 / 0.0025 = 3139.6
        (0.5, 0.1, 2),  # 0.31, but two customers are the least that have an interval
    ],
)
def test_episodes_for_a_margin_at_eighty_per_cent(margin: float, sd: float, needed: int) -> None:
    assert episodes_for(margin, sd) == needed


def test_the_three_functions_agree() -> None:
    assert detectable(785, 0.5) == pytest.approx(0.05, abs=1e-4)
    assert power_of(785, 0.05, 0.5) == pytest.approx(0.8, abs=1e-3)
    assert power_of(10, 0.05, 0.0) == 1.0


def test_the_stated_power_is_what_drawing_data_gives() -> None:
    """Of 2,000 experiments with 785 differences of ±0.5 and no true difference, about 80 % exclude a loss of 0.05."""
    draws = np.random.default_rng(7).choice([-0.5, 0.5], size=(2000, 785))
    lower = draws.mean(axis=1) - 1.959964 * draws.std(axis=1, ddof=1) / np.sqrt(785)
    assert np.mean(lower > -0.05) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("wrong", [(0.0, 1.0), (0.1, -1.0)])
def test_what_has_no_sample_size_is_refused(wrong: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="no sample size"):
        episodes_for(*wrong)
    with pytest.raises(ValueError, match="no episodes"):
        detectable(0, 1.0)


def test_customers_who_come_twice_with_the_same_result_count_once() -> None:
    """Each of 50 customers twice: the mean is as sure as of 50, so the deviation of one of 100 is √2 larger."""
    values = np.tile([0.0, 1.0], 25)
    alone = clustered_sd(values, np.arange(50))
    assert alone == pytest.approx(0.50508, abs=1e-4)  # the sample deviation: √(0.25 · 50 / 49)
    assert clustered_sd(np.repeat(values, 2), np.repeat(np.arange(50), 2)) == pytest.approx(alone * 2**0.5)
    assert clustered_sd(np.array([1.0]), np.array(["a"])) is None
