"""When what has begun, or will begin, becomes an onset: the delay of its pace later."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

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
    # Read-only arrays would be compiled for apart.
    lead, kept = values.shape[:-n_kept], values.shape[-n_kept:]
    return np.require(values.reshape(math.prod(lead), *kept), requirements=["C", "W"])


def onset_curve(
    hazard_per_month: FloatArray,
    matured: FloatArray,
    odds: FloatArray,
    grid: TimeGrid,
    growth: Growth,
    *,
    share: FloatArray,
) -> FloatArray:
    """P(onset by each risk month) of one cause, whatever the other causes do, (..., n_patients, n_steps + 1).

    Parameters
    ----------
    hazard_per_month : (..., n_patients, n_steps) of beginning
    matured : (..., n_patients, n_steps + 1) mass of past beginnings with onset by then, over P(it has not begun)
    odds : (..., n_patients) mass of all past beginnings, likewise
    share : (..., n_patients, n_paces) probability of each pace
    """
    passed = np.cumsum(hazard_per_month * np.diff(grid.risk_month), axis=-1)
    begins = np.concatenate([np.zeros((*passed.shape[:-1], 1)), -np.expm1(-passed)], axis=-1)
    later = onsets_to_come(begins, grid, growth, share)
    return np.asarray((matured + later) / (1.0 + odds)[..., None])


def compete(curve: FloatArray, hazard_per_month: FloatArray, step_months: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Let independent causes compete to come first.

    Parameters
    ----------
    curve : (..., n_by_test, n_steps + 1) P(onset by each month) of the causes found by tests, each alone
    hazard_per_month : (..., n_exact, n_steps) of the causes whose time is exact

    Returns
    -------
    unseen : (..., n_by_test) P(this cause is there now and came first)
    incidence : (..., n_by_test + n_exact, n_steps + 1) P(it comes first, by then)
    """
    passed = 0.0 - np.log(np.maximum(1.0 - curve, LEAST))  # from 0, so that no onset is 0 and not -0
    at_start, rise = passed[..., 0], np.maximum(np.diff(passed, axis=-1), 0.0)
    hazard = np.concatenate([rise / step_months, hazard_per_month], axis=-2)
    there = at_start.sum(axis=-1, keepdims=True)
    share = np.divide(at_start, there, out=np.zeros_like(at_start), where=there > 0)
    unseen = -np.expm1(-there) * share
    incidence = np.exp(-there)[..., None] * cumulative_incidence(hazard, step_months)
    incidence[..., : curve.shape[-2], :] += unseen[..., None]
    return unseen, incidence
