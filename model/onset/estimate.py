"""Fit the hazard of one cause's beginning: EM where it is found by tests, plain Newton where its time is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.linalg import inv

from model.onset.expectation import exact_rows, expected_rows
from model.onset.hazard import Parameters, clock_at, linear_parts
from model.onset.observation import informative_end, result_likelihood
from model.onset.poisson import RiskRows, curvature, newton_step, patient_scores, penalty
from model.onset.posterior import onset_posterior

if TYPE_CHECKING:
    from model.landmarks import LandmarkRows
    from model.onset.grid import TimeGrid
    from model.onset.prior import CoefficientPrior
    from model.study import Study
    from model.types import BoolArray, FloatArray, Histories, IntArray, Outcomes

MAX_ITERATIONS = 100
TOLERANCE = 1e-3  # largest change of any parameter, on the scale of log hazard ratios per standard deviation


@dataclass(frozen=True)
class TrainingData:
    """Landmark rows of a training cohort with everything that a fit reads.

    Attributes
    ----------
    histories, outcomes : (n_patients, ...)
    rows : the landmark rows of these patients
    scores : (n_rows, n_scores) standard scores of the rows' features
    fading : (n_fading,) scores with a part that wears off
    """

    study: Study
    histories: Histories
    outcomes: Outcomes
    grid: TimeGrid
    rows: LandmarkRows
    scores: FloatArray
    fading: IntArray

    def select(self, kept: BoolArray) -> Self:
        """Keep some of the rows; the patients stay."""
        return replace(self, rows=self.rows.select(kept), scores=self.scores[kept])


@dataclass(frozen=True)
class CauseFit:
    """What was learned about one cause.

    Attributes
    ----------
    parameters : the maximum
    covariance : (n_parameters, n_parameters) of the packed parameters
    n_events : patients in whom the cause was observed
    iterations, converged : how the search ended
    """

    parameters: Parameters
    covariance: FloatArray
    n_events: int
    iterations: int
    converged: bool


def fit_cause(data: TrainingData, *, cause: int, prior: CoefficientPrior) -> CauseFit:
    """Fit the hazard of one cause, 1..K."""
    fit = _fit_by_tests if data.study.found_by_test(cause) else _fit_known
    return fit(data, cause, prior)


def _fit_by_tests(data: TrainingData, cause: int, prior: CoefficientPrior) -> CauseFit:
    """EM: spread each patient's onset over where it may lie, take a Newton step, and again until nothing moves."""
    end, found = informative_end(data.study, data.histories, data.outcomes, data.grid, cause=cause)
    results = result_likelihood(
        data.study,
        data.histories,
        data.grid,
        cause=cause,
        end_month=end,
        found=found,
        last_negative_month=np.where(found, data.outcomes.last_negative_month, np.nan),
    )
    row_of = np.zeros((len(end), len(data.grid.landmark_month)), dtype=np.int64)
    row_of[data.rows.patient, data.rows.landmark] = np.arange(len(data.rows.patient))
    informative = data.select(data.rows.landmark_month < end[data.rows.patient])

    def expect(parameters: Parameters) -> RiskRows:
        hazard = past_hazard(parameters, data.scores, data.fading, data.grid, row_of)
        posterior = onset_posterior(hazard, results)
        return _risk_rows(informative, *expected_rows(informative.rows, data.grid, posterior, results))

    n_events = int(found.sum())
    centre = penalty(prior, n_bins=len(data.grid.fade), events=n_events, exposure=max(float(end.sum()), 1.0))
    parameters = Parameters.unpack(centre.centre, n_bins=len(data.grid.fade), n_scores=data.scores.shape[1])
    iteration, change = 0, np.inf
    while len(informative.rows.patient) and iteration < MAX_ITERATIONS and change > TOLERANCE:
        moved, _ = newton_step(parameters, expect(parameters), centre)
        change = float(np.abs(moved.pack() - parameters.pack()).max())
        parameters, iteration = moved, iteration + 1
    # The score given what was seen is the expected complete score, so its spread over patients is the information
    # that was really there; the complete data's curvature would overstate it.
    by_patient = patient_scores(parameters, expect(parameters))
    covariance = inv(by_patient.T @ by_patient + centre.precision)
    return CauseFit(parameters, covariance, n_events, iteration, converged=change <= TOLERANCE)


def past_hazard(
    parameters: Parameters, scores: FloatArray, fading: IntArray, grid: TimeGrid, row_of: IntArray
) -> FloatArray:
    """Hazard per month in every onset bin of every patient, each from the latest landmark before it.

    row_of : (n_patients, n_landmarks) the row of `scores` that holds a patient's landmark
    Returns (n_patients, n_onset), or (n_draws, n_patients, n_onset) for draws.
    """
    steady, wearing_off = linear_parts(parameters, scores, fading)
    at = row_of[:, grid.latest_landmark]
    bins = grid.latest_hazard_bin
    shape = parameters.shape[..., None, :][..., bins]
    clock = parameters.clock[..., None] * clock_at(grid.onset_middle)
    log_rate = steady.T[..., at] + wearing_off.T[..., at] * grid.fade[bins] + shape + clock
    return np.exp(log_rate)


def _fit_known(data: TrainingData, cause: int, prior: CoefficientPrior) -> CauseFit:
    """Newton's method to the end, and a covariance that allows for a patient's rows being about the same life."""
    happened = data.outcomes.cause == cause
    risk_rows = _risk_rows(
        data, *exact_rows(data.rows, data.grid, exit_month=data.outcomes.exit_month, happened=happened)
    )
    events, exposure = float(risk_rows.events.sum()), float(risk_rows.exposure.sum())
    centre = penalty(prior, n_bins=len(data.grid.fade), events=events, exposure=exposure)
    parameters = Parameters.unpack(centre.centre, n_bins=len(data.grid.fade), n_scores=data.scores.shape[1])
    iteration, change = 0, np.inf
    while iteration < MAX_ITERATIONS and change > TOLERANCE**2:
        moved, _ = newton_step(parameters, risk_rows, centre)
        change = float(np.abs(moved.pack() - parameters.pack()).max())
        parameters, iteration = moved, iteration + 1
    by_patient = patient_scores(parameters, risk_rows)
    bread = inv(curvature(parameters, risk_rows) + centre.precision)
    covariance = bread @ (by_patient.T @ by_patient + centre.precision) @ bread
    return CauseFit(parameters, covariance, int(happened.sum()), iteration, converged=change <= TOLERANCE**2)


def _risk_rows(data: TrainingData, events: FloatArray, exposure: FloatArray) -> RiskRows:
    shared = data.grid.coverage[data.rows.landmark]
    middle = (data.grid.hazard_edge[1:] + data.grid.hazard_edge[:-1]) / 2
    clock = clock_at(data.rows.landmark_month[:, None] + middle)
    return RiskRows(
        data.scores, data.fading, data.grid.fade, clock, events / shared, exposure / shared, data.rows.patient
    )
