"""Expected events and exposure of landmark rows: from known times, or from the posterior of an unseen onset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.landmarks import LandmarkRows
    from model.onset.grid import TimeGrid
    from model.onset.observation import ResultLikelihood
    from model.onset.posterior import OnsetPosterior
    from model.types import BoolArray, FloatArray, IntArray


def exact_rows(
    rows: LandmarkRows, grid: TimeGrid, *, exit_month: FloatArray, happened: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Events and months at risk by hazard bin when times are known, each (n_rows, n_bins).

    exit_month, happened : (n_patients,)
    """
    past = (exit_month[rows.patient] - rows.landmark_month)[:, None]
    start, end = grid.hazard_edge[:-1], grid.hazard_edge[1:]
    exposure = np.clip(past - start, 0.0, end - start)
    events = (happened[rows.patient][:, None] & (past > start) & (past <= end)).astype(float)
    return events, exposure


def expected_rows(
    rows: LandmarkRows, grid: TimeGrid, posterior: OnsetPosterior, results: ResultLikelihood
) -> tuple[FloatArray, FloatArray]:
    """Expected events and months at risk by hazard bin when only test results are known, each (n_rows, n_bins).

    A row counts by the probability that its patient's onset lies after the landmark: nothing else is a weight.
    """
    by_then = np.concatenate([np.zeros((len(posterior.none), 1)), np.cumsum(posterior.beginning, axis=1)], axis=1)
    # Onsets are uniform in their bin, so half of a bin's mass is still at risk on average.
    still_free = results.width * (1.0 - (by_then[:, 1:] + by_then[:, :-1]) / 2)
    at_risk = np.concatenate([np.zeros((len(by_then), 1)), np.cumsum(still_free, axis=1)], axis=1)
    moment = rows.landmark_month[:, None] + grid.hazard_edge
    before, share = _place(moment, grid, results.width[rows.patient])
    who = rows.patient[:, None]
    events, exposure = (
        np.diff(curve[who, before] * (1 - share) + curve[who, before + 1] * share) for curve in (by_then, at_risk)
    )
    return events, exposure


def _place(month: FloatArray, grid: TimeGrid, width: FloatArray) -> tuple[IntArray, FloatArray]:
    """Onset bin that holds a moment, and the share of the bin's considered part that has passed by then.

    month : (n_rows, n_moments); width : (n_rows, n_onset); both returned are (n_rows, n_moments).
    """
    last = len(grid.onset_edge) - 2
    before = np.clip(np.searchsorted(grid.onset_edge, month + 1e-9, side="right") - 1, 0, last)
    past = month - grid.onset_edge[before]
    considered = np.take_along_axis(width, before, axis=1)
    share = np.divide(past, considered, out=np.ones_like(past), where=considered > 0)
    return before, np.clip(share, 0.0, 1.0)
