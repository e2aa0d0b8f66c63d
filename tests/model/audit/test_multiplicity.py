import numpy as np
import pytest
from scipy.stats import poisson

from model.audit.multiplicity import chance_of_count, chance_of_slope, holm


def test_no_event_where_three_are_expected_by_hand():
    # P(0) = exp(-3); half of it counts, on both sides.
    assert chance_of_count(0, 3.0) == pytest.approx(np.exp(-3.0))


@pytest.mark.parametrize(("observed", "expected"), [(4, 15.0), (15, 15.0), (31, 15.0), (1, 0.2)])
def test_the_chance_of_a_count_is_that_of_a_poisson_number(observed, expected):
    at, below = poisson.pmf(observed, expected), poisson.cdf(observed - 1, expected)
    assert chance_of_count(observed, expected) == pytest.approx(min(1, 2 * min(below + at / 2, 1 - below - at / 2)))


@pytest.mark.parametrize("expected", [3.0, 20.0, 200.0])
def test_right_expectations_seldom_surprise(expected):
    # Added up over all counts: the chance of a p-value of at most 1.67 % is about that, whatever is expected.
    counts = np.arange(int(expected + 12 * np.sqrt(expected) + 20))
    surprising = [chance_of_count(count, expected) <= 0.05 / 3 for count in counts]
    assert poisson.pmf(counts, expected)[surprising].sum() < 0.02


def test_the_chance_of_a_slope_by_hand():
    # An interval of 1.96 standard errors either way that just touches 1 has a p-value of 5 %.
    assert chance_of_slope(0.8, 0.6, 1.0) == pytest.approx(0.05)
    assert chance_of_slope(1.0, 0.9, 1.1) == 1


def test_holm_by_hand():
    # Sorted: .005 x 4, .01 x 3, .03 x 2, .04 x 1; none below the one before it.
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]
    assert holm(np.zeros(0)).tolist() == []
