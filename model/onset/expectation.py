"""Expected events and exposure of landmark rows: from known times, or from the posterior of an unseen onset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

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


@dataclass(frozen=True)
class Placement:
    """Where the edges of landmark rows' hazard bins fall among the onset bins of their patients.

    Attributes
    ----------
    patient : (n_rows,)
    before : (n_rows, n_bins + 1) onset bin that holds the moment
    share : (n_rows, n_bins + 1) part of the bin's considered width that has passed by then
    """

    patient: IntArray
    before: IntArray
    share: FloatArray

    @classmethod
    def of(cls, rows: LandmarkRows, grid: TimeGrid, width: FloatArray) -> Self:
        """Place rows; `width` is (n_patients, n_onset)."""
        moment = rows.landmark_month[:, None] + grid.hazard_edge
        last = len(grid.onset_edge) - 2
        before = np.clip(np.searchsorted(grid.onset_edge, moment + 1e-9, side="right") - 1, 0, last)
        past = moment - grid.onset_edge[before]
        considered = width[rows.patient[:, None], before]
        share = np.divide(past, considered, out=np.ones_like(past), where=considered > 0)
        return cls(rows.patient, before, np.clip(share, 0.0, 1.0))

    def between(self, curve: FloatArray) -> FloatArray:
        """Rise of a cumulative curve, (n_patients, n_onset + 1), within each hazard bin, (n_rows, n_bins)."""
        n_edges = curve.shape[1]
        at = self.patient[:, None] * n_edges + self.before
        low = curve.ravel()[at]
        return np.diff(low + (curve.ravel()[at + 1] - low) * self.share)


def expected_rows(
    placement: Placement, posterior: OnsetPosterior, results: ResultLikelihood
) -> tuple[FloatArray, FloatArray]:
    """Expected events and months at risk by hazard bin when only test results are known, each (n_rows, n_bins).

    A row counts by the probability that its patient's onset lies after the landmark: nothing else is a weight.
    """
    by_then = _cumulative(posterior.beginning)
    # Onsets are uniform in their bin, so half of a bin's mass is still at risk on average.
    still_free = results.width * (1.0 - (by_then[:, 1:] + by_then[:, :-1]) / 2)
    return placement.between(by_then), placement.between(_cumulative(still_free))


def _cumulative(value: FloatArray) -> FloatArray:
    """Running sum along bins with a leading 0, (n_patients, n_bins + 1)."""
    total = np.zeros((len(value), value.shape[1] + 1))
    np.cumsum(value, axis=1, out=total[:, 1:])
    return total
