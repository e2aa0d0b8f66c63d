"""Where the onset of one cause may lie, pace by pace: past, hidden and to come. What a plan of visits is weighed on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from model.onset.grid import TimeGrid
from model.onset.growth import Growth
from model.onset.maturation import begins_by, onsets_of_the_begun, onsets_to_come

if TYPE_CHECKING:
    from model.onset.outlook import Begun, Moment
    from model.types import FloatArray


@dataclass(frozen=True)
class StepGrid(TimeGrid):
    """The model's bins, asked at equal steps of another length and number.

    Past the longest horizon the last hazard bin goes on, moved by its clock.

    Attributes
    ----------
    step_month : length of a step
    n_steps : from now on
    """

    step_month: float = 1.0
    n_steps: int = 60

    @classmethod
    def like(cls, grid: TimeGrid, *, step_month: float, n_steps: int) -> Self:
        """Ask a model's grid at other steps."""
        return cls(
            grid.landmark_month, grid.horizon_month, grid.n_onset, grid.exact, step_month=step_month, n_steps=n_steps
        )

    @cached_property
    def risk_month(self) -> FloatArray:
        """Months past the moment of prediction, (n_steps + 1,) from 0."""
        return np.multiply(np.arange(self.n_steps + 1), self.step_month)


@dataclass(frozen=True)
class _Asked(TimeGrid):
    """The same clock, asked at any months before and past the moment of prediction."""

    asked_month: tuple[float, ...] = ()

    @cached_property
    def risk_month(self) -> FloatArray:
        return np.array(self.asked_month)


def onsets_by_pace(begun: FloatArray, hazard: FloatArray, moment: Moment, of: Begun, *, edge: FloatArray) -> FloatArray:
    """P(onset by each edge, growing at each pace) of a cause, (..., n_patients, n_paces, n_edges).

    What `outlook` sums up, kept apart: over the paces it adds up to that curve, at risk months of the grid.

    Parameters
    ----------
    begun : (..., n_patients, n_paces, n_onset) P(it has begun in each bin), as by `begun_by_cause`
    hazard : (..., n_patients, n_steps) `future_hazard` of beginning
    edge : (n_edges,) months from now, ascending; from 0 on they are risk months of the grid
    """
    grid, results = moment.grid, of.results
    growth = results.growth

    # Each pace of a patient is taken for a patient of one pace, so that nothing is summed over them.
    lead, n_paces = begun.shape[:-2], growth.pace.shape[1]
    alone = Growth(growth.lead_months, growth.pace.reshape(-1, 1), np.ones(1))
    matured = onsets_of_the_begun(
        begun.reshape(*lead[:-1], lead[-1] * n_paces, 1, -1),
        np.repeat(results.width, n_paces, axis=0),
        np.repeat(moment.month, n_paces),
        _Asked(grid.landmark_month, grid.horizon_month, grid.n_onset, grid.exact, tuple(edge)),
        alone,
    )
    begins = np.repeat(begins_by(hazard, grid), n_paces, axis=-2)
    later = onsets_to_come(begins, grid, alone, np.ones_like(alone.pace))
    none_begun = 1.0 - begun.sum(axis=(-2, -1))
    n_past = int(np.searchsorted(edge, 0.0))
    step = np.rint(edge[n_past:] / grid.risk_month[1]).astype(np.int64)
    curve = matured.reshape(*lead, n_paces, -1)
    to_come = of.share[..., None] * later.reshape(*lead, n_paces, -1)[..., step]
    curve[..., n_past:] += none_begun[..., None, None] * to_come
    return np.asarray(curve)
