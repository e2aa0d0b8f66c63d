"""When what has begun, or will begin, becomes an onset: the delay of its pace later."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from model.compiling import laid_out
from model.onset.delays import begun_by, later_by
from model.onset.incidence import cumulative_incidence

if TYPE_CHECKING:
    from model.onset.grid import TimeGrid
    from model.onset.growth import Growth
    from model.types import FloatArray

LEAST = 1e-12


def onsets_of_the_begun(
    begun: FloatArray, width: FloatArray, as_of_month: FloatArray, grid: TimeGrid, growth: Growth
) -> FloatArray:
    """Mass of past beginnings whose onset lies by each risk month, (..., n_patients, n_steps + 1).

    Parameters
    ----------
    begun : (..., n_patients, n_paces, n_onset) mass by bin on the patient's clock
    width : (n_patients, n_onset) of the part of each bin before `as_of_month`, (n_patients,)
    """
    drawn = _by_draw(begun, 3)
    until = as_of_month[:, None] + grid.risk_month
    found = begun_by(drawn, np.ascontiguousarray(width), grid.onset_edge, until, growth.delay_months)
    return found.reshape(*begun.shape[:-2], until.shape[1])


def onsets_to_come(begins: FloatArray, grid: TimeGrid, growth: Growth, share: FloatArray) -> FloatArray:
    """P(onset by each risk month) of what is yet to begin, (..., n_patients, n_steps + 1): the delay of its pace later.

    Parameters
    ----------
    begins : (..., n_patients, n_steps + 1) P(beginning by each risk month)
    share : (..., n_patients, n_paces) probability of each pace
    """
    drawn = _by_draw(begins, 2)
    shares = _by_draw(np.broadcast_to(share, (*begins.shape[:-1], share.shape[-1])), 2)
    return later_by(drawn, shares, growth.delay_months, float(grid.risk_month[1])).reshape(begins.shape)


def _by_draw(values: FloatArray, n_kept: int) -> FloatArray:
    """Make one axis of all but the last few."""
    lead, kept = values.shape[:-n_kept], values.shape[-n_kept:]
    return laid_out(values.reshape(math.prod(lead), *kept))


def begins_by(hazard_per_month: FloatArray, grid: TimeGrid) -> FloatArray:
    """P(beginning by each risk month), from a hazard in the steps between, (..., n_steps) to (..., n_steps + 1)."""
    passed = np.cumsum(hazard_per_month * np.diff(grid.risk_month), axis=-1)
    return np.concatenate([np.zeros((*passed.shape[:-1], 1)), -np.expm1(-passed)], axis=-1)


def compete(
    curve: FloatArray, free: FloatArray, hazard_per_month: FloatArray, step_months: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Let causes compete to come first.

    Parameters
    ----------
    curve : (..., n_by_test, n_steps + 1) P(onset by each month) of the causes found by tests, each alone
    free : (..., n_steps + 1) P(none of them by each month); the product of 1 - curve if they are independent
    hazard_per_month : (..., n_exact, n_steps) of the causes whose time is exact, independent of the others

    Returns
    -------
    unseen : (..., n_by_test) P(this cause is there now and came first)
    incidence : (..., n_by_test + n_exact, n_steps + 1) P(it comes first, by then)

    Notes
    -----
    Of the onsets in a step, a cause has the share that its own curve would have if causes were independent.
    """
    alone = np.diff(0.0 - np.log(np.maximum(1.0 - curve, LEAST)), axis=-1, prepend=0.0)
    alone = np.maximum(alone, 0.0)
    in_all = np.diff(0.0 - np.log(np.maximum(free, LEAST)), axis=-1, prepend=0.0)
    of_all = alone.sum(axis=-2)
    scale = np.divide(np.maximum(in_all, 0.0), of_all, out=np.zeros_like(of_all), where=of_all > 0)
    rise = alone * scale[..., None, :]
    at_start, rise = rise[..., 0], rise[..., 1:]
    hazard = np.concatenate([rise / step_months, hazard_per_month], axis=-2)
    there = at_start.sum(axis=-1, keepdims=True)
    share = np.divide(at_start, there, out=np.zeros_like(at_start), where=there > 0)
    unseen = -np.expm1(-there) * share
    incidence = np.exp(-there)[..., None] * cumulative_incidence(hazard, step_months)
    incidence[..., : curve.shape[-2], :] += unseen[..., None]
    return unseen, incidence
