"""Fit the hazard of one cause: of its beginning where it is found by tests, of itself where its time is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy.linalg import inv

from model.onset.expectation import Placement, exact_rows, expected_rows
from model.onset.hazard import Parameters, clock_between
from model.onset.likelihood import TOLERANCE as LIKELIHOOD_TOLERANCE
from model.onset.likelihood import Fit, Watched, maximise, past_hazard, row_events
from model.onset.observation import averaged_likelihood, ending_of
from model.onset.pace import PaceRule
from model.onset.poisson import (
    Penalty,
    RiskRows,
    derivatives,
    expected_events,
    newton_step,
    patient_scores,
    penalty,
)
from model.onset.posterior import OnsetPosterior
from model.onset.presence import StageRows, fit_presence
from model.onset.prior import MARKER, with_learned_widths, without_markers
from model.onset.stages import Course, Reading, by_stage

if TYPE_CHECKING:
    from model.landmarks import LandmarkRows
    from model.onset.grid import TimeGrid
    from model.onset.missing import Baselines
    from model.onset.presence import PresenceFit, Readings
    from model.onset.prior import HazardPrior
    from model.onset.scaling import Scaling
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Histories, IntArray, Outcomes

MAX_ITERATIONS = 100
WIDTH_ROUNDS = 3  # of learning how wide unknown effects lie; the widths move little after these
MOST_PATIENTS = 4000  # without the cause, to learn from what markers say of it
ROUGH = 0.01  # tolerance of the likelihood meanwhile
TOLERANCE = 1e-6  # largest change of any parameter, on the scale of log hazard ratios per standard deviation


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


@dataclass(frozen=True)
class CauseFit:
    """What was learned about one cause.

    Attributes
    ----------
    parameters : the maximum
    covariance : (n_parameters, n_parameters) of the packed parameters
    past : the hazard between landmarks, None for a cause whose time is known
    presence : what markers say of beginnings, if there are any
    prior : what was believed before, its unknown widths learned
    n_events : patients in whom the cause was observed
    iterations, converged : how the search ended
    """

    parameters: Parameters
    covariance: FloatArray
    past: Fit | None
    prior: HazardPrior
    n_events: int
    iterations: int
    converged: bool
    presence: PresenceFit | None = None


def fit_cause(data: TrainingData, seen: Seen, *, cause: int, prior: HazardPrior) -> CauseFit:
    """Fit the hazard of one cause, 1..K, of which surveillance has shown what `seen` says."""
    return _fit_known(data, cause, prior) if seen is None else _fit_by_tests(data, seen, cause, prior)


def believed(data: TrainingData, prior: HazardPrior, *, cause: int) -> CauseFit:
    """Return the prior in place of a fit of one cause: nothing learned, however many events there are."""
    around = usual_clock(data.study, cause)
    past = None
    if data.study.found_by_test(cause):
        between = penalty(prior, n_bins=1, n_fading=0)
        level = Parameters.unpack(between.centre, n_bins=1, n_scores=prior.n_scores, around=around)
        past = Fit(level, inv(between.precision), OnsetPosterior(*(np.zeros(0),) * 3), 0.0, 0, converged=True)
    n_bins = len(data.grid.fade)
    centre = penalty(prior, n_bins=n_bins, n_fading=len(data.fading))
    parameters = Parameters.unpack(centre.centre, n_bins=n_bins, n_scores=prior.n_scores, around=around)
    n_events = int((data.outcomes.cause == cause).sum())
    return CauseFit(parameters, inv(centre.precision), past, prior, n_events, 0, converged=True)


def events_and_expected(
    data: TrainingData, seen: Seen, *, cause: int, prior: HazardPrior
) -> tuple[FloatArray, FloatArray]:
    """Events of one cause that each landmark row predicts, and those a fit to these scores expects, each (n_rows,).

    Beginnings up to the next landmark where the cause is found by tests, events up to the longest horizon elsewhere.
    """
    if seen is None:
        fit = _fit_known(data, cause, prior)
        happened = data.outcomes.cause == cause
        events, exposure = exact_rows(data.rows, data.grid, exit_month=data.outcomes.exit_month, happened=happened)
        rows = risk_rows(data, events, exposure, fit.parameters.around)
        return rows.events.sum(axis=1), expected_events(fit.parameters, rows)
    watched = seen[0]
    return row_events(watched, _fit_past(watched, prior)[0])


def rough_count(data: TrainingData, cause: int) -> tuple[float, float]:
    """Return (events, months at risk) of one cause, finding taken for happening: enough for a vague prior."""
    if not data.study.found_by_test(cause):
        return float((data.outcomes.cause == cause).sum()), float(data.outcomes.exit_month.sum())
    ending = ending_of(data.study, data.histories, data.outcomes, data.grid, cause=cause)
    return float(ending.found.sum()), max(float(ending.month.sum()), 1.0)


def _fit_past(watched: Watched, prior: HazardPrior) -> tuple[Fit, HazardPrior]:
    """Fit the hazard between landmarks by its likelihood; the prior that is returned has learned its widths."""
    known_later = without_markers(prior)
    past = maximise(watched, penalty(known_later, n_bins=1, n_fading=0), tolerance=ROUGH)
    for round_ in range(WIDTH_ROUNDS):
        known_later = with_learned_widths(known_later, past.parameters.steady, np.diag(past.covariance)[2:])
        last = round_ == WIDTH_ROUNDS - 1
        narrowed, here = penalty(known_later, n_bins=1, n_fading=0), past.parameters.pack()
        past = maximise(watched, narrowed, start=here, tolerance=LIKELIHOOD_TOLERANCE if last else ROUGH)
    return past, known_later


def _fit_by_tests(data: TrainingData, seen: tuple[Watched, BoolArray], cause: int, prior: HazardPrior) -> CauseFit:
    """First the hazard between landmarks, by its likelihood; then, from where that puts the beginnings, the forecast.

    The forecast's hazard past a landmark is a regression on the expected events and exposures of every landmark row.
    """
    watched, found = seen
    past, known_later = _fit_past(watched, prior)
    placement = Placement.of(data.rows, data.grid, watched.results.width)
    events, exposure = expected_rows(placement, past.posterior, watched.results)
    presence, free = _presence(data, watched, past, found, cause=cause)
    rows = risk_rows(data, events * free, exposure * free, watched.around)
    prior = replace(prior, sd=np.where(prior.unknown == MARKER, prior.sd, known_later.sd))
    centre = penalty(prior, n_bins=len(data.grid.fade), n_fading=len(data.fading))
    parameters, _, converged = _climb(rows, centre, watched.around)
    # The score given what was seen is the expected complete score, so its spread over patients is the information
    # that was really there; the complete data's curvature would overstate it.
    by_patient = patient_scores(parameters, rows)
    covariance = inv(by_patient.T @ by_patient + centre.precision)
    converged &= past.converged
    return CauseFit(parameters, covariance, past, prior, int(found.sum()), past.iterations, converged, presence)


def _presence(
    data: TrainingData, watched: Watched, past: Fit, found: BoolArray, *, cause: int
) -> tuple[PresenceFit | None, FloatArray]:
    """What markers say of beginnings, and how that moves P(none begun) of each landmark row, (n_rows, 1).

    Everybody in whom the cause was found is looked at, and enough of the others, who stand for the rest.
    """
    free = np.ones((len(data.rows.patient), 1))
    every = max(int(len(found) // MOST_PATIENTS), 1)
    others = np.flatnonzero(~found)[::every]
    who = np.sort(np.concatenate([np.flatnonzero(found), others]))
    place = np.full(len(found), -1)
    place[who] = np.arange(len(who))
    here = np.flatnonzero((place[data.rows.patient] >= 0) & (data.readings.month > 0))
    if not len(here) or not found.any():
        return None, free
    course = Course(
        study=data.study,
        cause=cause,
        grid=data.grid,
        histories=data.histories.select(who),
        ending=ending_of(data.study, data.histories, data.outcomes, data.grid, cause=cause).select(who),
        growth=PaceRule.of(data.study, cause, data.scaling).growth(data.baselines).select(who),
        hazard=past_hazard(past.parameters, data.scores, data.grid, watched.row_of()[who]),
    )
    readings, patient = data.readings.select(here), place[data.rows.patient[here]]
    so_far, in_all = by_stage(course, Reading(patient, data.rows.landmark_month[here], readings.month))
    weight = np.where(found[who], 1.0, every)[patient]
    staged = StageRows(readings.design, so_far, in_all, weight, patient)
    fit = fit_presence(staged)
    free[here, 0] = staged.none_in_all(fit.best.effect)
    return fit, free


def watch(data: TrainingData, cause: int) -> tuple[Watched, BoolArray]:
    """Return what surveillance for a cause has shown, and in whom it was found, (n_patients,)."""
    ending = ending_of(data.study, data.histories, data.outcomes, data.grid, cause=cause)
    growth = PaceRule.of(data.study, cause, data.scaling).growth(data.baselines)
    results = averaged_likelihood(data.study, data.histories, data.grid, growth, ending, cause=cause)
    return Watched(data.rows, data.scores, results, data.grid, usual_clock(data.study, cause)), ending.found


def _fit_known(data: TrainingData, cause: int, prior: HazardPrior) -> CauseFit:
    """Newton's method to the end, and a covariance that allows for a patient's rows being about the same life."""
    happened, around = data.outcomes.cause == cause, usual_clock(data.study, cause)
    known = exact_rows(data.rows, data.grid, exit_month=data.outcomes.exit_month, happened=happened)
    rows = risk_rows(data, *known, around)
    start = None
    for _ in range(1 + WIDTH_ROUNDS):
        centre = penalty(prior, n_bins=len(data.grid.fade), n_fading=len(data.fading))
        parameters, iterations, converged = _climb(rows, centre, around, start=start)
        start = parameters
        by_patient = patient_scores(parameters, rows)
        bread = inv(derivatives(parameters, rows)[1] + centre.precision)
        covariance = bread @ (by_patient.T @ by_patient + centre.precision) @ bread
        effects = slice(len(data.grid.fade) + 1, None)
        used, prior = prior, with_learned_widths(prior, parameters.pack()[effects], np.diag(covariance)[effects])
    n_events = int((happened & (data.outcomes.exit_month <= data.grid.onset_edge[-1])).sum())
    return CauseFit(parameters, covariance, None, used, n_events, iterations, converged)


def _climb(
    rows: RiskRows, centre: Penalty, around: float, start: Parameters | None = None
) -> tuple[Parameters, int, bool]:
    """Newton's method to the maximum; returns (parameters, iterations, whether it converged)."""
    parameters = start
    if parameters is None:
        sizes = {"n_bins": len(rows.fade), "n_scores": rows.scores.shape[1]}
        parameters = Parameters.unpack(centre.centre, **sizes, around=around)
    for iteration in range(1, MAX_ITERATIONS + 1):
        moved, _ = newton_step(parameters, rows, centre)
        change = float(np.abs(moved.pack() - parameters.pack()).max())
        parameters = moved
        if change <= TOLERANCE:
            return parameters, iteration, True
    return parameters, MAX_ITERATIONS, False


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
