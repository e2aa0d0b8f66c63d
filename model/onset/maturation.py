"""When what has begun, or will begin, becomes an onset: the delay of its pace later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    latest = as_of_month[:, None, None] + grid.risk_month - growth.delay_months[:, :, None]
    last = len(grid.onset_edge) - 2
    before = np.clip(np.searchsorted(grid.onset_edge, latest, side="right") - 1, 0, last)
    considered = np.take_along_axis(np.broadcast_to(width[:, None], (*before.shape[:2], last + 1)), before, axis=2)
    past = latest - grid.onset_edge[before]
    share = np.clip(np.divide(past, considered, out=np.ones_like(past), where=considered > 0), 0.0, 1.0)
    share[latest < 0] = 0.0
    cumulative = np.concatenate([np.zeros_like(begun[..., :1]), np.cumsum(begun, axis=-1)], axis=-1)
    who, pace = np.ogrid[: before.shape[0], : before.shape[1]]
    at = (..., who[:, :, None], pace[:, :, None])
    by_pace = cumulative[(*at, before)] * (1 - share) + cumulative[(*at, before + 1)] * share
    return np.asarray(by_pace.sum(axis=-2))


def onsets_to_come(begins: FloatArray, grid: TimeGrid, growth: Growth, share: FloatArray) -> FloatArray:
    """P(onset by each risk month) of what is yet to begin, (..., n_patients, n_steps + 1): the delay of its pace later.

    Parameters
    ----------
    begins : (..., n_patients, n_steps + 1) P(beginning by each risk month)
    share : (..., n_patients, n_paces) probability of each pace
    """
    n_months, step = len(grid.risk_month), grid.risk_month[1]
    place = (grid.risk_month - growth.delay_months[:, :, None]) / step  # patients, paces, months
    before = np.clip(np.floor(place + 1e-9).astype(np.int64), 0, n_months - 2)
    later = np.clip(place - before, 0.0, 1.0)
    who = np.arange(len(place))[:, None, None]
    low, high = begins[..., who, before], begins[..., who, before + 1]
    return np.asarray(np.einsum("...g,...gt->...t", share, low + (high - low) * later))


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
