"""Many comparisons at once: how surprising each is, and what remains when all of them are borne in mind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammainc, gammaincc
from scipy.stats import norm

if TYPE_CHECKING:
    from model.types import FloatArray


def chance_of_count(observed: float, expected: float) -> float:
    """Two-sided mid-p value of an observed number of events where `expected` > 0 are, for a Poisson number.

    The sum of rare events that are expected one by one is nearly Poisson, and less spread if they are not so rare. Half
    of the probability of the very number counts, so that the value is right on average. `expected` need not be whole,
    nor need `observed`.
    """
    at_least = float(gammainc(observed, expected)) if observed > 0 else 1.0
    more = float(gammainc(observed + 1, expected))
    at_most, less = float(gammaincc(observed + 1, expected)), 1.0 - at_least
    return min(1.0, at_least + more, at_most + less)


def chance_of_slope(value: float, low: float, high: float) -> float:
    """Two-sided p-value of a slope other than 1, from its 95 % interval: normal with the spread that this implies."""
    error = (high - low) / (2 * norm.ppf(0.975))
    return float(2 * norm.sf(abs(value - 1) / error)) if error > 0 else float(value == 1)


def holm(p_value: FloatArray) -> FloatArray:
    """Adjust p-values, (n,), for being n: those at most a level have a chance below it of holding any false alarm.

    True whatever the comparisons have to do with each other. Holm, Scand J Statist 6 (1979) 65-70.
    """
    order = np.argsort(p_value, kind="stable")
    adjusted = np.empty(len(p_value))
    adjusted[order] = np.maximum.accumulate(p_value[order] * np.arange(len(p_value), 0, -1))
    return np.minimum(adjusted, 1.0)
