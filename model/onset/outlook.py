"""The outlook of causes found by tests: what has begun, weighed by results and markers, and what may begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.onset.hazard import log_hazard
from model.onset.likelihood import past_hazard
from model.onset.maturation import LEAST, begins_by, onsets_of_the_begun, onsets_to_come
from model.onset.posterior import first_beginning
from model.onset.together import Together, onsets_together

if TYPE_CHECKING:
    from collections.abc import Sequence

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


@dataclass(frozen=True)
class Begun:
    """What may have begun of a cause, by itself, against its not having begun.

    Attributes
    ----------
    odds : (..., n_patients, n_paces, n_onset) of a beginning in each bin at each pace, by the test results
    told : likewise, times what markers say of it
    results : what was seen so far, nothing having been found
    share : (..., n_patients, n_paces) probability of each pace
    """

    odds: FloatArray
    told: FloatArray
    results: PacedLikelihood
    share: FloatArray


def begun_odds(
    past: Parameters,
    moment: Moment,
    results: PacedLikelihood,
    *,
    share: FloatArray,
    unknown: FloatArray,
    presence: Presence | None,
) -> Begun:
    """Weigh what may have begun of a cause.

    Parameters
    ----------
    past : the hazard between landmarks
    results, share : as in `Begun`
    unknown : (n_draws, n_patients) as in `future_hazard`, for the hazard between landmarks
    presence : what markers say of it, None if there are none
    """
    grid = moment.grid
    so_far = past_hazard(past, moment.scores, grid, moment.row_of, unknown[..., None])
    density, never = first_beginning(so_far, results.width)
    # A draw may call a beginning all but certain; the floor keeps its odds a number.
    odds = density / np.maximum(never, LEAST)[..., None]
    odds = odds[..., None, :] * (results.by_pace * share[..., None])
    told = odds
    if presence is not None:
        told = odds * presence.factors(moment.readings, grid.onset_middle, results.growth)
    return Begun(odds, told, results, share)


def begun_by_cause(causes: Sequence[Begun]) -> list[FloatArray]:
    """P(a cause has begun in each bin at each pace), (..., n_patients, n_paces, n_onset), of each of the causes."""
    if not causes:
        return []
    there, told = _in_all(causes)
    found = Together.of(np.ones_like(there), there, told)
    speaking, beside = found.speaking / found.total[..., None], found.beside / found.total[..., None]
    return [
        cause.told * speaking[..., k, None, None] + cause.odds * beside[..., k, None, None]
        for k, cause in enumerate(causes)
    ]


def outlook(causes: Sequence[Begun], hazards: Sequence[FloatArray], moment: Moment) -> tuple[FloatArray, FloatArray]:
    """Follow causes found by tests to their onset.

    Parameters
    ----------
    causes, hazards : at least one; of each what may have begun, and the `future_hazard` of beginning

    Returns
    -------
    curve : (n_causes, ..., n_patients, n_steps + 1) P(onset by each risk month) of each, whatever the others do
    free : P(none of them by each risk month), (..., n_patients, n_steps + 1): less than if they were independent where
        markers say that something has begun, but not which of them
    """
    grid = moment.grid
    there_by, told_by = (
        np.stack([_matured(each, cause, moment) for each, cause in zip(which, causes, strict=True)])
        for which in ([cause.odds for cause in causes], [cause.told for cause in causes])
    )
    later = np.stack(
        [
            onsets_to_come(begins_by(hazard, grid), grid, cause.results.growth, cause.share)
            for hazard, cause in zip(hazards, causes, strict=True)
        ]
    )
    return onsets_together(there_by, told_by, later, *_in_all(causes))


def _in_all(causes: Sequence[Begun]) -> tuple[FloatArray, FloatArray]:
    """Weight of all beginnings, and that times what markers say of them, each (..., n_causes)."""
    there = np.stack([cause.odds.sum(axis=(-2, -1)) for cause in causes], axis=-1)
    return there, np.stack([cause.told.sum(axis=(-2, -1)) for cause in causes], axis=-1)


def _matured(mass: FloatArray, cause: Begun, moment: Moment) -> FloatArray:
    return onsets_of_the_begun(mass, cause.results.width, moment.month, moment.grid, cause.results.growth)
