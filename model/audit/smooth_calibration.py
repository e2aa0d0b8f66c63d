"""How far a smooth calibration curve is from the diagonal: ICI, E50 and E90.

As in `model.audit.calibration`, the curve is fitted once and follows each draw of patients by one Newton step.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.audit.calibration import CLOSE, climb, newton_steps

if TYPE_CHECKING:
    from model.audit.nonparametric import StepCurve
    from model.types import FloatArray, IntArray

KNOTS = (0.1, 0.5, 0.9)
N_GROUPS = 400
LEAST = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class SmoothCalibration:
    """Distance between a smooth calibration curve and the predictions, (1 + n_draws,) each.

    Attributes
    ----------
    ici, e50, e90 : mean, median and 90th percentile over patients of |smoothed - predicted|
    """

    ici: FloatArray
    e50: FloatArray
    e90: FloatArray


def smooth_calibration(
    predicted: FloatArray,
    months_to_exit: FloatArray,
    cause: IntArray,
    count: FloatArray,
    *,
    of_cause: int,
    horizon_months: float,
    censoring: StepCurve,
) -> SmoothCalibration:
    """Fit the curve by a Fine-Gray model on a restricted cubic spline of log(-log(1 - predicted)) with 3 knots.

    Parameters
    ----------
    predicted, months_to_exit, cause : (n_rows,); the whole follow-up is used
    count : (1 + n_draws, n_rows) how often each patient counts, once in the first row
    censoring : G(t) of these rows under each of these counts

    Notes
    -----
    Without other causes this is Austin's Cox model. Austin et al., Statistics in Medicine 39 (2020) 2714-2742, and
    Diagnostic and Prognostic Research 6 (2022) 2. Under the draws the curve is read at N_GROUPS groups of patients.
    """
    nothing = np.full(len(count), np.nan)
    inside = ((predicted > 0) & (predicted < 1)).all()
    scale = np.log(-np.log1p(-predicted)) if inside else predicted
    knots = np.quantile(scale, KNOTS)
    if not inside or np.diff(knots).min() < CLOSE:
        return SmoothCalibration(nothing, nothing, nothing)
    spline, linear = _spline(scale, knots)
    curve = _fine_gray(
        spline,
        months_to_exit,
        cause,
        count,
        start=np.array([linear, 0.0]),  # the effect of right predictions: slope 1, no bend
        of_cause=of_cause,
        horizon_months=horizon_months,
        censoring=censoring,
    )
    if curve is None:
        return SmoothCalibration(nothing, nothing, nothing)
    log_hazard, beta = curve
    exact = np.abs(-np.expm1(-np.exp(log_hazard[0] + spline @ beta[0])) - predicted)
    order = np.argsort(predicted, kind="stable")
    first = np.unique(np.arange(N_GROUPS) * len(order) // N_GROUPS)
    size = np.diff(first, append=len(order))
    groups = np.add.reduceat(np.column_stack([spline, predicted])[order], first) / size[:, None]
    many = np.add.reduceat(count[1:, order], first, axis=1)
    with np.errstate(over="ignore"):  # a risk of 1
        rate = np.exp(log_hazard[1:, None] + beta[1:] @ groups[:, :2].T)
    off = np.abs(-np.expm1(-rate) - groups[:, 2])
    return SmoothCalibration(
        np.append(exact.mean(), (off * many).sum(axis=1) / many.sum(axis=1)),
        np.append(np.quantile(exact, 0.5), _weighted_quantile(off, many, 0.5)),
        np.append(np.quantile(exact, 0.9), _weighted_quantile(off, many, 0.9)),
    )


def _spline(x: FloatArray, knots: FloatArray) -> tuple[FloatArray, float]:
    """Restricted cubic spline, linear beyond the outer of three knots: x and the bend, (n_rows, 2), and the sd of x.

    In standard scores, the bend without what is linear in it.
    """
    low, middle, high = knots
    cube = [np.maximum(x - knot, 0.0) ** 3 for knot in knots]
    bend = cube[0] - cube[1] * (high - low) / (high - middle) + cube[2] * (middle - low) / (high - middle)
    line, bend = x - x.mean(), bend - bend.mean()
    bend = bend - line * (line @ bend) / (line @ line)
    return np.column_stack([line / line.std(), bend / bend.std()]), float(line.std())


@dataclass(frozen=True)
class _Bins:
    """Some patients, sorted by how many event moments they passed; `edge`, (n_bins + 1,), cuts them into bins."""

    order: IntArray
    edge: IntArray

    @classmethod
    def of(cls, passed: IntArray, who: IntArray, n_bins: int) -> _Bins:
        order = who[np.argsort(passed[who], kind="stable")]
        return cls(order, np.searchsorted(passed[order], np.arange(n_bins + 1)))

    def sums(self, weight: FloatArray, column: FloatArray) -> FloatArray:
        """Weighted sums of (n_rows, n_columns) within each bin, (n_weights, n_bins, n_columns)."""
        weight, column = weight[:, self.order], column[self.order]
        total = np.zeros((len(weight), len(self.edge) - 1, column.shape[1]))
        for number, (a, b) in enumerate(itertools.pairwise(self.edge.tolist())):
            if b > a:
                total[:, number] = weight[:, a:b] @ column[a:b]
        return total


def _fine_gray(
    covariate: FloatArray,
    months_to_exit: FloatArray,
    cause: IntArray,
    count: FloatArray,
    *,
    start: FloatArray,
    of_cause: int,
    horizon_months: float,
    censoring: StepCurve,
) -> tuple[FloatArray, FloatArray] | None:
    """Log cumulative subdistribution hazard at the horizon, (1 + n_draws,), and effects, (1 + n_draws, 2).

    Whoever left by another cause stays at risk with weight G(t-) / G(T-). None if no maximum was found.
    """
    n_columns = covariate.shape[1]
    event = cause == of_cause
    other = np.flatnonzero((cause > 0) & ~event)
    moment = np.unique(months_to_exit[event])
    passed = np.searchsorted(moment, months_to_exit, side="right")
    square = (covariate[:, :, None] * covariate[:, None, :]).reshape(len(covariate), -1)
    column = np.column_stack([np.ones(len(covariate)), covariate, square])
    bins = _Bins.of(passed, np.arange(len(passed)), len(moment) + 1)
    bins_of_other = _Bins.of(passed, other, len(moment) + 1)
    happened = _Bins.of(passed, np.flatnonzero(event), len(moment) + 1).sums(count, column[:, : 1 + n_columns])[:, 1:]
    left = censoring.just_before(months_to_exit[other])
    stays = np.zeros_like(count)
    stays[:, other] = np.divide(count[:, other], left, out=np.zeros_like(left), where=left > 0)
    uncensored = censoring.just_before(moment)

    def at_risk(rows: slice, beta: FloatArray) -> FloatArray:
        """Sums over those at risk at each event moment under these rows of counts, (n_rows, n_moments, n_sums)."""
        moments = column * np.exp(covariate @ beta)[:, None]
        there, gone = bins.sums(count[rows], moments), bins_of_other.sums(stays[rows], moments)
        later = np.cumsum(there[:, ::-1], axis=1)[:, ::-1][:, 1:]
        return np.asarray(later + uncensored[rows, :, None] * np.cumsum(gone, axis=1)[:, :-1])

    def steps(rows: slice, sums: FloatArray) -> FloatArray:
        mean = sums[..., 1:] / np.maximum(sums[..., :1], LEAST)
        first, second = mean[..., :n_columns], mean[..., n_columns:].reshape(*mean.shape[:2], n_columns, n_columns)
        spread = second - first[..., :, None] * first[..., None, :]
        score = (happened[rows, :, 1:] - happened[rows, :, :1] * first).sum(axis=1)
        return newton_steps(np.einsum("dt,dtbc->dbc", happened[rows, :, 0], spread), score)

    def log_likelihood(beta: FloatArray, sums: FloatArray) -> float:
        return float((happened[0, :, 1:] @ beta - happened[0, :, 0] * np.log(sums[0, :, 0])).sum())

    def at(beta: FloatArray) -> tuple[float, FloatArray]:
        sums = at_risk(slice(0, 1), beta)
        return log_likelihood(beta, sums), steps(slice(0, 1), sums)

    beta = climb(start, at)
    if beta is None:
        return None
    sums = at_risk(slice(None), beta)
    change = steps(slice(None), sums)
    change[0] = 0.0
    rise = happened[..., 0] / np.maximum(sums[..., 0], LEAST) * (moment <= horizon_months)
    # How the cumulative hazard answers to the change of the effects, to first order in its logarithm.
    fall = np.einsum("dt,dtc->dc", rise, sums[..., 1 : 1 + n_columns] / np.maximum(sums[..., :1], LEAST))
    with np.errstate(divide="ignore", invalid="ignore"):  # a draw without an event: not a number, and left out later
        hazard = rise.sum(axis=1)
        return np.log(hazard) - (fall * change).sum(axis=1) / hazard, beta + change


def _weighted_quantile(value: FloatArray, weight: FloatArray, share: float) -> FloatArray:
    """Least value with at least that share of the weight at or below it, per row."""
    order = np.argsort(value, axis=1)
    passed = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    place = (passed < share * passed[:, -1:]).sum(axis=1)
    return np.take_along_axis(np.take_along_axis(value, order, axis=1), place[:, None], axis=1)[:, 0]
