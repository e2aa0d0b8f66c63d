"""The outlook of one cause for some patients: what has begun, weighed by the results, and what may begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.onset.hazard import log_hazard
from model.onset.likelihood import past_hazard
from model.onset.maturation import LEAST, onset_curve, onsets_of_the_begun
from model.onset.posterior import first_beginning

if TYPE_CHECKING:
    from model.onset.grid import TimeGrid
    from model.onset.hazard import Parameters
    from model.onset.observation import PacedLikelihood
    from model.onset.presence import Presence, Readings
    from model.types import FloatArray, IntArray


@dataclass(frozen=True)
class Moment:
    """Patients at the moment of prediction.

    Attributes
    ----------
    month : (n_patients,) since the origin
    scores : (n_rows, n_scores) of the patients now, in order, then of landmarks that they have passed
    row_of : (n_patients, n_landmarks) the row of `scores` that holds a patient's landmark
    fading : (n_fading,) scores with a part that wears off
    grid : its onset bins end with the last patient's month
    readings : of the patients' markers
    """

    month: FloatArray
    scores: FloatArray
    row_of: IntArray
    fading: IntArray
    grid: TimeGrid
    readings: Readings


def future_hazard(parameters: Parameters, moment: Moment, unknown: FloatArray) -> FloatArray:
    """Hazard per month in the risk steps from now on, (..., n_patients, n_steps): draws first.

    unknown : (n_draws, n_patients) log hazard that missing baselines may add, or (1,) zero
    """
    rate = log_hazard(
        parameters,
        moment.scores[: len(moment.month)],
        moment.fading,
        moment.grid,
        landmark_month=moment.month,
        past_edge=moment.grid.risk_month,
        unknown=unknown.T,
    )
    return np.moveaxis(np.exp(rate), 0, -2)


def onset_outlook(
    past: Parameters,
    hazard: FloatArray,
    moment: Moment,
    results: PacedLikelihood,
    *,
    share: FloatArray,
    unknown: FloatArray,
    presence: Presence | None,
) -> FloatArray:
    """P(onset by each risk month) of a cause found by tests, whatever the others do, (..., n_patients, n_steps + 1).

    Parameters
    ----------
    past : the hazard between landmarks
    hazard : (..., n_patients, n_steps) `future_hazard` of beginning
    results : what was seen so far, nothing having been found
    share : (..., n_patients, n_paces) probability of each pace
    unknown : (n_draws, n_patients) as in `future_hazard`, for the hazard between landmarks
    presence : what markers say of it, None if there are none
    """
    grid = moment.grid
    begun = begun_odds(past, moment, results, share=share, unknown=unknown, presence=presence)
    matured = onsets_of_the_begun(begun, results.width, moment.month, grid, results.growth)
    return onset_curve(hazard, matured, begun.sum(axis=(-2, -1)), grid, results.growth, share=share)


def begun_odds(
    past: Parameters,
    moment: Moment,
    results: PacedLikelihood,
    *,
    share: FloatArray,
    unknown: FloatArray,
    presence: Presence | None,
) -> FloatArray:
    """Odds that a cause has begun in each bin at each pace against not at all, (..., n_patients, n_paces, n_onset)."""
    grid = moment.grid
    so_far = past_hazard(past, moment.scores, grid, moment.row_of, unknown[..., None])
    density, never = first_beginning(so_far, results.width)
    # A draw may call a beginning all but certain; the floor keeps its odds a number.
    odds = density / np.maximum(never, LEAST)[..., None]
    begun = odds[..., None, :] * (results.by_pace * share[..., None])
    if presence is not None:
        begun = begun * presence.factors(moment.readings, grid.onset_middle, results.growth)
    return np.asarray(begun)
