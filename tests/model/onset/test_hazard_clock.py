"""The mean of a power of time over a stretch: against integration, and two ways of cutting the time."""

import numpy as np
import pytest
from scipy.integrate import quad

from model.onset.hazard import CLOCK_MONTHS, clock_between


@pytest.mark.parametrize("around", [-0.9, -0.4, 0.0, 0.7])
def test_around_its_power_a_stretch_has_its_mean_and_the_means_slope(around):
    start, end = np.array([0.0, 0.0, 1.0, 59.0, 3.0]), np.array([1.0, 3.0, 2.0, 60.0, 90.0])
    slope, rest = clock_between(start, end, around)

    def log_mean(power):
        areas = [
            quad(lambda t: (t / CLOCK_MONTHS) ** power, *ends, epsabs=0, limit=500)[0]
            for ends in np.stack([start, end], axis=1)
        ]
        return np.log(np.array(areas) / (end - start))

    assert slope * around + rest == pytest.approx(log_mean(around), abs=1e-6)
    step = 0.01
    difference = (log_mean(around + step) - log_mean(around - step)) / (2 * step)
    assert slope == pytest.approx(difference, rel=0.01, abs=1e-4)


def test_around_none_it_is_the_mean_log_and_nothing_is_left_over():
    start, end = np.array([0.0, 6.0]), np.array([2.0, 12.0])
    slope, rest = clock_between(start, end)
    means = [quad(lambda t: np.log(t / CLOCK_MONTHS), a, b)[0] / (b - a) for a, b in np.stack([start, end], axis=1)]
    assert slope == pytest.approx(means)
    assert rest == pytest.approx(np.zeros(2), abs=1e-12)


def test_a_hazard_is_the_same_however_its_time_is_cut():
    fine = np.linspace(0.0, 60.0, 241)
    for power in (-0.5, -0.4, -0.3):
        slope, rest = clock_between(fine[:-1], fine[1:], -0.4)
        months = (np.exp(power * slope + rest) * 0.25).reshape(20, 12).sum(axis=1)
        wide_slope, wide_rest = clock_between(fine[:-1:12], fine[12::12], -0.4)
        # To second order in how far the power lies from -0.4; around 0 the first stretch would be 12 % short.
        assert np.exp(power * wide_slope + wide_rest) * 3.0 == pytest.approx(months, rel=0.03 if power + 0.4 else 1e-9)
