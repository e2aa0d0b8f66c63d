"""Calibration on the logit scale: are predictions too high or low, too extreme or too timid.

Fitted once to the whole cohort. Under each draw of patients one Newton step is made from there, which agrees with
fitting anew to first order and costs one pass over the weights. `weight` and the shapes are those of
`model.audit.metrics`. What cannot be fitted is NaN: anything if some prediction is 0 or 1, a
slope if predictions do not differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.types import BoolArray, FloatArray

MAX_STEPS = 50
CLOSE = 1e-8


def intercept_and_slope(predicted: FloatArray, case: BoolArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weighted logistic regression of being a case on logit(predicted), (1 + n_draws,) each.

    Intercept: with the slope held at 1; above 0 means more cases than predicted. Slope: with a free intercept; below 1
    means predictions that are too extreme. Right predictions have 0 and 1.
    """
    if not ((predicted > 0) & (predicted < 1)).all():
        return np.full(len(weight), np.nan), np.full(len(weight), np.nan)
    logit = np.log(predicted / (1.0 - predicted))
    ones, middle = np.ones_like(logit), logit.mean()
    intercept = _logistic(ones[:, None], logit, case, weight)
    slope = _logistic(np.column_stack([ones, logit - middle]), middle * ones, case, weight)
    return intercept[:, 0], slope[:, 1]


def _logistic(design: FloatArray, offset: FloatArray, case: BoolArray, weight: FloatArray) -> FloatArray:
    """Coefficients under each row of weights, (1 + n_draws, n_columns), searched from those of right predictions."""
    n_columns = design.shape[1]
    beta = np.arange(n_columns, dtype=np.float64)  # intercept 0 and, where it is free, slope 1

    square = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)

    def at(beta: FloatArray, weight: FloatArray) -> tuple[float, FloatArray]:
        linear = offset + design @ beta
        fitted = np.exp(-np.logaddexp(0.0, -linear))
        score = weight @ (design * (case - fitted)[:, None])
        information = weight @ (square * (fitted * (1.0 - fitted))[:, None])
        log_likelihood = float(weight[:1].sum(axis=0) @ (case * linear - np.logaddexp(0.0, linear)))
        return log_likelihood, newton_steps(information.reshape(-1, n_columns, n_columns), score)

    found = climb(beta, lambda beta: at(beta, weight[:1]))
    if found is None:
        return np.full((len(weight), n_columns), np.nan)
    return np.concatenate([found[None], found + at(found, weight[1:])[1]])


def climb(start: FloatArray, at: Callable[[FloatArray], tuple[float, FloatArray]]) -> FloatArray | None:
    """Find the maximum of a log likelihood, or None if there is none to be found.

    at : coefficients to the log likelihood and the Newton step, (1, n_columns); a step longer than 1 is shortened, and
        halved as long as they lead down by more than rounding
    """
    beta, (height, step) = start, at(start)
    for _ in range(MAX_STEPS):
        if not np.isfinite(step).all():
            return None
        if np.abs(step).max() < CLOSE:
            return beta
        change = step[0] / max(1.0, float(np.abs(step).max()))
        ahead, step = at(beta + change)
        while not ahead >= height - CLOSE * abs(height) and np.abs(change).max() > CLOSE:
            change = change / 2
            ahead, step = at(beta + change)
        beta, height = beta + change, ahead
    return None


def newton_steps(information: FloatArray, score: FloatArray) -> FloatArray:
    """Newton steps, (n_draws, n_columns); NaN where the information is singular."""
    step = np.full_like(score, np.nan)
    sound = np.flatnonzero(np.isfinite(information).all(axis=(1, 2)) & np.isfinite(score).all(axis=1))
    sound = sound[np.linalg.cond(information[sound]) < 1 / CLOSE]
    step[sound] = np.linalg.solve(information[sound], score[sound][..., None])[..., 0]
    return step
