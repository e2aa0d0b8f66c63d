"""The observed-data likelihood of one cause's beginning, and its derivative for every patient.

Between two landmarks the hazard follows from what was known at the first of them:

    log h(t) = level + clock log(t / CLOCK_MONTHS) + z(latest landmark before t) . effects

so each patient has one hazard on the own clock, and the probability of all test results follows from it: a likelihood
in the strict sense, where no stretch of life is counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from model.onset.hazard import Parameters, clock_between
from model.onset.posterior import OnsetPosterior, onset_posterior
from model.onset.sums import sum_by_patient

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.landmarks import LandmarkRows
    from model.onset.grid import TimeGrid
    from model.onset.observation import ResultLikelihood
    from model.onset.poisson import Penalty
    from model.types import FloatArray, IntArray

MAX_ITERATIONS = 100
STEPS_AT_ONCE = 12
TOLERANCE = 1e-6  # of the penalised log likelihood that a step still promises


@dataclass(frozen=True)
class Watched:
    """Patients under surveillance for one cause.

    Attributes
    ----------
    rows : their landmark rows, patients ascending
    scores : (n_rows, n_scores)
    results : (n_patients, ...) what the tests said
    around : as in Parameters
    """

    rows: LandmarkRows
    scores: FloatArray
    results: ResultLikelihood
    grid: TimeGrid
    around: float = 0.0

    def row_of(self) -> IntArray:
        """Row of every patient and landmark, 0 where there is none, (n_patients, n_landmarks)."""
        place = np.zeros((len(self.results.given_none), len(self.grid.landmark_month)), dtype=np.int64)
        place[self.rows.patient, self.rows.landmark] = np.arange(len(self.rows.patient))
        return place


@dataclass(frozen=True)
class Fit:
    """Where the search ended.

    Attributes
    ----------
    parameters : shape has one entry, the level; nothing wears off between two landmarks
    covariance : (n_parameters, n_parameters), from the spread of the patients' scores
    log_likelihood : without the penalty
    """

    parameters: Parameters
    covariance: FloatArray
    posterior: OnsetPosterior
    log_likelihood: float
    iterations: int
    converged: bool


def past_hazard(
    parameters: Parameters,
    scores: FloatArray,
    grid: TimeGrid,
    row_of: IntArray,
    unknown: FloatArray | float = 0.0,
) -> FloatArray:
    """Hazard per month in every onset bin of every patient, each from the latest landmark before it.

    row_of : (n_patients, n_landmarks) the row of `scores` that holds a patient's landmark
    unknown : (n_draws, n_patients, 1) to be added for what is missing, or (1, 1) zero
    Returns (n_patients, n_onset), or (n_draws, n_patients, n_onset) for draws.
    """
    clock, rest = clock_between(grid.onset_edge[:-1], grid.onset_edge[1:], parameters.around)
    linear = (scores @ parameters.steady.T).T + parameters.shape
    log_rate = linear[..., row_of[:, grid.latest_landmark]]
    log_rate += (parameters.clock[..., None] * clock + rest) + unknown
    return np.asarray(np.exp(log_rate, out=log_rate))


def patient_scores(watched: Watched, hazard: FloatArray, posterior: OnsetPosterior) -> FloatArray:
    """Derivative of each patient's log likelihood by the packed parameters, (n_patients, 2 + n_scores).

    hazard : (n_patients, n_onset)
    """
    residual, of_row, clock = _residuals(watched, hazard, posterior)
    first = np.flatnonzero(np.diff(watched.rows.patient, prepend=-1))
    effects = np.zeros((len(hazard), watched.scores.shape[1]))
    effects[watched.rows.patient[first]] = sum_by_patient(watched.rows.patient, watched.scores, of_row)
    return np.column_stack([residual.sum(axis=1), residual @ clock, effects])


def total_score(watched: Watched, hazard: FloatArray, posterior: OnsetPosterior) -> FloatArray:
    """Sum of `patient_scores` over the patients, (2 + n_scores,), at a fraction of the cost."""
    residual, of_row, clock = _residuals(watched, hazard, posterior)
    by_bin = residual.sum(axis=0)
    return np.concatenate([[by_bin.sum()], [by_bin @ clock], of_row @ watched.scores])


def _residuals(
    watched: Watched, hazard: FloatArray, posterior: OnsetPosterior
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Beginnings less those expected by bin and by row, and each bin's clock."""
    begun, expected = _by_bin(watched, hazard, posterior)
    edge = watched.grid.onset_edge
    clock, _ = clock_between(edge[:-1], edge[1:], watched.around)
    return begun - expected, _by_row(watched, begun - expected), clock


def row_events(watched: Watched, fit: Fit) -> tuple[FloatArray, FloatArray]:
    """Beginnings from each landmark row to the next landmark given all results, and those expected, each (n_rows,)."""
    hazard = past_hazard(fit.parameters, watched.scores, watched.grid, watched.row_of())
    begun, expected = _by_bin(watched, hazard, fit.posterior)
    return _by_row(watched, begun), _by_row(watched, expected)


def _by_bin(watched: Watched, hazard: FloatArray, posterior: OnsetPosterior) -> tuple[FloatArray, FloatArray]:
    """Beginnings and their expectation, whose difference is the derivative by each bin's log hazard."""
    in_bin = hazard * watched.results.width
    # d log(1 - exp(-x)) / d log x: beginnings in a bin use up some of the bin's own time at risk.
    left = in_bin * np.exp(-in_bin)
    still = np.divide(left, -np.expm1(-in_bin), out=np.ones_like(in_bin), where=in_bin > 0)
    later = 1.0 - np.cumsum(posterior.beginning, axis=1)
    return posterior.beginning, in_bin * later + posterior.beginning * (1.0 - still)


def _by_row(watched: Watched, value: FloatArray) -> FloatArray:
    """Sum over the onset bins that each landmark row rules, (n_patients, n_onset) to (n_rows,)."""
    latest, rows = watched.grid.latest_landmark, watched.rows
    by_landmark = np.add.reduceat(value, np.searchsorted(latest, np.arange(latest[-1] + 1)), axis=1)
    reached = rows.landmark < by_landmark.shape[1]
    total = np.zeros(len(rows.patient))
    total[reached] = by_landmark[rows.patient[reached], rows.landmark[reached]]
    return total


def maximise(
    watched: Watched, penalty: Penalty, *, start: FloatArray | None = None, tolerance: float = TOLERANCE
) -> Fit:
    """Climb in coordinates in which the spread of the patients' scores is 1: it estimates the information there.

    start : (n_parameters,) where to begin; None = at the prior's mean

    L-BFGS learns what that spread (Berndt, Hall, Hall and Hausman) gets wrong; the coordinates are set anew every few
    steps. No step goes down.
    """
    row_of = watched.row_of()
    vector = penalty.centre if start is None else start
    parameters = Parameters.unpack(vector, n_bins=1, n_scores=watched.scores.shape[1], around=watched.around)

    def look(vector: FloatArray) -> tuple[FloatArray, OnsetPosterior]:
        hazard = past_hazard(parameters.like(vector), watched.scores, watched.grid, row_of)
        return hazard, onset_posterior(hazard, watched.results)

    def depth(step: FloatArray, start: FloatArray, root: FloatArray) -> tuple[float, FloatArray]:
        """Return minus the penalised log likelihood and its derivative, in the coordinates of `root`."""
        vector = start + solve_triangular(root, step)
        away = vector - penalty.centre
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            hazard, posterior = look(vector)
            gradient = total_score(watched, hazard, posterior) - penalty.precision @ away
        height = float(posterior.log_evidence.sum()) - float(away @ penalty.precision @ away) / 2
        if not (np.isfinite(height) and np.isfinite(gradient).all()):
            raise _TooFarError
        return -height, -solve_triangular(root, gradient, trans="T")

    iterations = 0
    while True:
        hazard, posterior = look(vector)
        scores = patient_scores(watched, hazard, posterior)
        information = scores.T @ scores + penalty.precision
        root = cholesky(information)
        gradient = scores.sum(axis=0) - penalty.precision @ (vector - penalty.centre)
        whitened = solve_triangular(root, gradient, trans="T")
        converged = float(whitened @ whitened) / 2 < tolerance
        if converged or iterations >= MAX_ITERATIONS:
            break
        options = {"maxiter": STEPS_AT_ONCE, "gtol": np.sqrt(2 * tolerance / len(vector)), "ftol": 0.0}
        here = partial(depth, start=vector, root=root)
        try:
            # The stubs want a function of anything.
            found = minimize(here, np.zeros(len(vector)), jac=True, method="L-BFGS-B", options=options)  # type: ignore[call-overload]
            step, taken = found.x, found.nit
        except _TooFarError:
            step, taken = _short_step(here, whitened), 1
        vector = vector + solve_triangular(root, step)
        iterations += taken
        if not step.any():  # No step goes up any more: rounding decides.
            break
    covariance = cho_solve((root, False), np.eye(len(vector)))
    log_likelihood = float(posterior.log_evidence.sum())
    return Fit(parameters.like(vector), covariance, posterior, log_likelihood, iterations, converged)


class _TooFarError(Exception):
    """A trial step went where hazards are no numbers."""


def _short_step(depth: Callable[[FloatArray], tuple[float, FloatArray]], upwards: FloatArray) -> FloatArray:
    """Step uphill by the length of one spread at most, halved until it helps; none where none does."""
    here, _ = depth(np.zeros(len(upwards)))
    step = upwards / max(float(np.linalg.norm(upwards)), 1.0)
    for _ in range(30):
        try:
            if depth(step)[0] < here:
                return step
        except _TooFarError:
            pass
        step = step / 2
    return np.zeros(len(upwards))
