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
    latest = as_of_month[:, None, None] + grid.risk_month - growth.delay_months[:, None]
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


def delayed(grid: TimeGrid, growth: Growth) -> FloatArray:
    """Matrix that turns cumulative beginnings at the risk months into cumulative onsets, (n_steps + 1, n_steps + 1)."""
    n_months, step = len(grid.risk_month), grid.risk_month[1]
    place = (grid.risk_month[:, None] - growth.delay_months) / step
    before = np.clip(np.floor(place + 1e-9).astype(np.int64), 0, n_months - 2)
    share = np.clip(place - before, 0.0, 1.0)
    matrix = np.zeros((n_months, n_months))
    row, pace = np.nonzero(place >= -1e-9)
    np.add.at(matrix, (row, before[row, pace]), (growth.share * (1 - share))[row, pace])
    np.add.at(matrix, (row, before[row, pace] + 1), (growth.share * share)[row, pace])
    return matrix


def forecast_onsets(
    hazard_per_month: FloatArray, matured: FloatArray, odds: FloatArray, delay: FloatArray, step_months: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Join what has begun with what may begin, and let causes whose time is exact compete.

    Parameters
    ----------
    hazard_per_month : (..., n_causes, n_steps) of beginning, or of the event itself where its time is exact
    matured : (..., n_causes, n_steps + 1) mass of past beginnings with onset by then, over P(nothing has begun)
    odds : (..., n_causes) mass of all past beginnings, likewise; 0 for exact causes
    delay : (n_causes, n_steps + 1, n_steps + 1) `delayed`, zeros for exact causes
    step_months : (n_steps,)

    Returns
    -------
    unseen : (..., n_causes) P(present now)
    incidence : (..., n_causes, n_steps + 1) P(present by each step), at most one cause being so
    """
    by_test = np.asarray(delay.any(axis=(1, 2)))
    to_begin = cumulative_incidence(np.where(by_test[:, None], hazard_per_month, 0.0), step_months)
    later = np.einsum("...kj,kij->...ki", to_begin, delay)
    onset = (matured + later) / (1.0 + odds.sum(axis=-1))[..., None, None]
    free = np.maximum(1.0 - onset.sum(axis=-2, keepdims=True), LEAST)
    # Hazards of onset that give this very distribution; competing exact causes then act on whoever is free of onset.
    rise = np.maximum(np.diff(onset, axis=-1), 0.0)
    whole = rise.sum(axis=-2, keepdims=True)
    share = np.divide(rise, whole, out=np.zeros_like(rise), where=whole > 0)
    of_onset = share * -np.diff(np.log(free), axis=-1) / step_months
    hazard = np.where(by_test[:, None], of_onset, hazard_per_month)
    incidence = cumulative_incidence(hazard, step_months)
    return onset[..., 0], onset[..., :1] + free[..., :1] * incidence
