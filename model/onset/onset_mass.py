"""Where the onset of one cause may lie, pace by pace: past, hidden and to come. What a plan of visits is weighed on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from model.onset.grid import TimeGrid
from model.onset.growth import Growth
from model.onset.maturation import onsets_of_the_begun, onsets_to_come
from model.onset.outlook import begun_odds

if TYPE_CHECKING:
    from model.onset.hazard import Parameters
    from model.onset.observation import PacedLikelihood
    from model.onset.outlook import Moment
    from model.onset.presence import Presence
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


def onsets_by_pace(
    past: Parameters,
    hazard: FloatArray,
    moment: Moment,
    results: PacedLikelihood,
    *,
    share: FloatArray,
    unknown: FloatArray,
    presence: Presence | None,
    edge: FloatArray,
) -> FloatArray:
    """P(onset by each edge, growing at each pace) of a cause alone, (..., n_patients, n_paces, n_edges).

    What `onset_outlook` sums up, kept apart: over the paces it adds up to that curve, at risk months of the grid.

    Parameters
    ----------
    past, hazard, moment, results, share, unknown, presence : as in `onset_outlook`
    edge : (n_edges,) months from now, ascending; from 0 on they are risk months of the grid
    """
    grid, growth = moment.grid, results.growth
    begun = begun_odds(past, moment, results, share=share, unknown=unknown, presence=presence)
    passed = np.cumsum(hazard * np.diff(grid.risk_month), axis=-1)
    begins = np.concatenate([np.zeros((*passed.shape[:-1], 1)), -np.expm1(-passed)], axis=-1)

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
    later = onsets_to_come(np.repeat(begins, n_paces, axis=-2), grid, alone, np.ones_like(alone.pace))
    n_past = int(np.searchsorted(edge, 0.0))
    step = np.rint(edge[n_past:] / grid.risk_month[1]).astype(np.int64)
    curve = matured.reshape(*lead, n_paces, -1)
    curve[..., n_past:] += share[..., None] * later.reshape(*lead, n_paces, -1)[..., step]
    return np.asarray(curve / (1.0 + begun.sum(axis=(-2, -1)))[..., None, None])
