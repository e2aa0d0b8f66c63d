"""What the fits of all causes read: a cohort's landmark rows, and what surveillance has shown of each cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from model.onset.hazard import clock_between
from model.onset.likelihood import Watched
from model.onset.observation import averaged_likelihood, ending_of
from model.onset.pace import PaceRule
from model.onset.poisson import RiskRows

if TYPE_CHECKING:
    from model.landmarks import LandmarkRows
    from model.onset.grid import TimeGrid
    from model.onset.missing import Baselines
    from model.onset.presence import Readings
    from model.onset.scaling import Scaling
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Histories, IntArray, Outcomes


@dataclass(frozen=True)
class TrainingData:
    """Landmark rows of a training cohort with everything that a fit reads.

    Attributes
    ----------
    histories, outcomes : (n_patients, ...)
    rows : the landmark rows of these patients
    scaling : how the rows' features became scores
    baselines : of the patients
    scores : (n_rows, n_scores) standard scores of the rows' features
    fading : (n_fading,) scores with a part that wears off
    readings : of the rows' markers
    """

    study: Study
    histories: Histories
    outcomes: Outcomes
    grid: TimeGrid
    rows: LandmarkRows
    scaling: Scaling
    baselines: Baselines
    scores: FloatArray
    fading: IntArray
    readings: Readings


Seen: TypeAlias = "tuple[Watched, BoolArray] | None"
"""What `watch` returns of a cause found by tests; None for one whose time is known."""


def watch(data: TrainingData, cause: int) -> tuple[Watched, BoolArray]:
    """Return what surveillance for a cause has shown, and in whom it was found, (n_patients,)."""
    ending = ending_of(data.study, data.histories, data.outcomes, data.grid, cause=cause)
    growth = PaceRule.of(data.study, cause, data.scaling).growth(data.baselines)
    results = averaged_likelihood(data.study, data.histories, data.grid, growth, ending, cause=cause)
    return Watched(data.rows, data.scores, results, data.grid, usual_clock(data.study, cause)), ending.found


def rough_count(data: TrainingData, cause: int) -> tuple[float, float]:
    """Return (events, months at risk) of one cause, finding taken for happening: enough for a vague prior."""
    if not data.study.found_by_test(cause):
        return float((data.outcomes.cause == cause).sum()), float(data.outcomes.exit_month.sum())
    ending = ending_of(data.study, data.histories, data.outcomes, data.grid, cause=cause)
    return float(ending.found.sum()), max(float(ending.month.sum()), 1.0)


def usual_clock(study: Study, cause: int) -> float:
    """The power by which a cause's hazard goes with time as far as is published, else 0."""
    prior = study.event[cause - 1].prior
    return 0.0 if prior is None else prior.power - 1.0


def risk_rows(data: TrainingData, events: FloatArray, exposure: FloatArray, around: float) -> RiskRows:
    """Lay out events and exposures by hazard bin, (n_rows, n_bins), so that each month of follow-up counts once.

    around : as in Parameters; what its power leaves over counts as exposure
    """
    shared = data.grid.coverage[data.rows.landmark]
    edge = data.rows.landmark_month[:, None] + data.grid.hazard_edge
    clock, rest = clock_between(edge[:, :-1], edge[:, 1:], around)
    exposure = exposure * np.exp(rest)
    return RiskRows(
        data.scores, data.fading, data.grid.fade, clock, events / shared, exposure / shared, data.rows.patient
    )
