"""One figure from several centres that may truly differ: its mean, and where it may lie in a centre yet to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.stats import t

if TYPE_CHECKING:
    from model.types import FloatArray

FEWEST = 3  # The interval for a further centre has n - 2 degrees of freedom.
LEVEL = 0.975


@dataclass(frozen=True)
class Pooled:
    """What several centres say together.

    Attributes
    ----------
    mean, low, high : of the mean over centres like these, with its 95 % interval
    next_low, next_high : 95 % interval of the true value in a further centre like these
    between_sd : standard deviation between the true values
    """

    mean: float
    low: float
    high: float
    next_low: float
    next_high: float
    between_sd: float


def pooled(value: FloatArray, variance: FloatArray) -> Pooled:
    """Pool estimates, (n,) with n >= FEWEST, of given variances.

    Variance between centres: Paule and Mandel, Journal of Research of the National Bureau of Standards 87 (1982)
    377-385. Interval of the mean: Hartung and Knapp, Statistics in Medicine 20 (2001) 3875-3889, no narrower than with
    the variances taken for true. Interval for a further centre: Higgins et al., Journal of the Royal Statistical
    Society A 172 (2009) 137-159.
    """
    n = len(value)
    if n < FEWEST:
        raise ValueError(f"{n} estimates cannot be pooled, {FEWEST} are needed")

    def excess(between: float) -> float:
        weight = 1.0 / (variance + between)
        mean = weight @ value / weight.sum()
        return float(weight @ (value - mean) ** 2) - (n - 1)

    between = 0.0
    if excess(0.0) > 0:
        between = float(brentq(excess, 0.0, float(np.var(value, ddof=1)) * n, xtol=1e-12))
    weight = 1.0 / (variance + between)
    mean = float(weight @ value / weight.sum())
    spread = float(weight @ (value - mean) ** 2) / (n - 1)
    error = max(spread, 1.0) / float(weight.sum())
    half = float(t.ppf(LEVEL, n - 1)) * error**0.5
    ahead = float(t.ppf(LEVEL, n - 2)) * (between + error) ** 0.5
    return Pooled(mean, mean - half, mean + half, mean - ahead, mean + ahead, between**0.5)
