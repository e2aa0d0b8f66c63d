"""Predictors that are right, or wrong in a known way: each turns true probabilities into what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.types import FloatArray, IntArray


def times(probability: FloatArray, factor: float) -> FloatArray:
    """Take every hazard for so many times what it is."""
    return np.asarray(1.0 - (1.0 - probability) ** factor)


def too_extreme(probability: FloatArray, slope: float) -> FloatArray:
    """Spread logits out so that this is the calibration slope, while the mean stays what it is."""
    logits, mean = logit(probability) / slope, probability.mean()
    shift = brentq(lambda shift: float(expit(logits + shift).mean()) - mean, -50.0, 50.0)
    return np.asarray(expit(logits + shift))


# What each says, given the true probabilities, (n,), and the centres from 0, (n,).
PREDICTORS: dict[str, Callable[[FloatArray, IntArray], FloatArray]] = {
    "right": lambda true, _: true,
    "risks x 1.5": lambda true, _: times(true, 1.5),
    "slope 0.6": lambda true, _: too_extreme(true, 0.6),
    "risks x 2 in one of eight centres": lambda true, centre: np.where(centre == 0, times(true, 2.0), true),
}
