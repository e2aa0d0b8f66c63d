"""Fit the hazard of one cause: of its beginning where it is found by tests, of itself where its time is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import inv

from model.onset.expectation import Placement, exact_rows, expected_rows
from model.onset.hazard import Parameters
from model.onset.likelihood import TOLERANCE as LIKELIHOOD_TOLERANCE
from model.onset.likelihood import Fit, Watched, maximise, past_hazard, row_events
from model.onset.observation import ending_of
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
from model.onset.presence_fit import StageRows, fit_presence
from model.onset.prior import MARKER, with_learned_widths, without_markers
from model.onset.stages import Course, Reading, by_stage
from model.onset.together import StagesOfAll
from model.onset.training import Seen, TrainingData, risk_rows, usual_clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model.onset.presence_fit import PresenceFit
    from model.onset.prior import HazardPrior
    from model.types import BoolArray, FloatArray

MAX_ITERATIONS = 100
WIDTH_ROUNDS = 3  # of learning how wide unknown effects lie; the widths move little after these
MOST_PATIENTS = 4000  # without the cause, to learn from what markers say of it
ROUGH = 0.01  # tolerance of the likelihood meanwhile
TOLERANCE = 1e-6  # largest change of any parameter, on the scale of log hazard ratios per standard deviation


@dataclass(frozen=True)
class CauseFit:
    """What was learned about one cause.

    Attributes
    ----------
    parameters : the maximum
    covariance : (n_parameters, n_parameters) of the packed parameters
    past : the hazard between landmarks, None for a cause whose time is known
    presence : what markers say of beginnings, of all causes that tests find, if there are any
    place : of the cause among those
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
    place: int = 0


@dataclass(frozen=True)
class Past:
    """A cause found by tests, and the hazard between landmarks that was fitted to them.

    Attributes
    ----------
    found : (n_patients,)
    prior : its unknown widths learned, without the markers
    """

    watched: Watched
    found: BoolArray
    fit: Fit
    prior: HazardPrior


def fit_causes(data: TrainingData, asked: Mapping[int, tuple[Seen, HazardPrior]]) -> dict[int, CauseFit]:
    """Fit some causes, 1..K, of each of which surveillance has shown what `Seen` says.

    Where tests find a cause, first the hazard between landmarks, by its likelihood; then what markers say of all such
    causes together; then, from where both put the beginnings, the forecast.
    """
    pasts = {
        cause: Past(*seen, *_fit_past(seen[0], prior)) for cause, (seen, prior) in asked.items() if seen is not None
    }
    place = {cause: index for index, cause in enumerate(pasts)}
    presence, free = _presence(data, pasts)
    return {
        cause: _fit_known(data, cause, prior)
        if seen is None
        else replace(_forecast(data, pasts[cause], prior, free[cause]), presence=presence, place=place[cause])
        for cause, (seen, prior) in asked.items()
    }


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


def _forecast(data: TrainingData, past: Past, prior: HazardPrior, free: FloatArray) -> CauseFit:
    """Fit the hazard past a landmark: a regression on the expected events and exposures of every landmark row.

    free : (n_rows, 1) how markers move P(none begun)
    """
    watched, known_later = past.watched, past.prior
    placement = Placement.of(data.rows, data.grid, watched.results.width)
    events, exposure = expected_rows(placement, past.fit.posterior, watched.results)
    rows = risk_rows(data, events * free, exposure * free, watched.around)
    prior = replace(prior, sd=np.where(prior.unknown == MARKER, prior.sd, known_later.sd))
    centre = penalty(prior, n_bins=len(data.grid.fade), n_fading=len(data.fading))
    parameters, _, converged = _climb(rows, centre, watched.around)
    # The score given what was seen is the expected complete score, so its spread over patients is the information
    # that was really there; the complete data's curvature would overstate it.
    by_patient = patient_scores(parameters, rows)
    covariance = inv(by_patient.T @ by_patient + centre.precision)
    converged &= past.fit.converged
    n_events, iterations = int(past.found.sum()), past.fit.iterations
    return CauseFit(parameters, covariance, past.fit, prior, n_events, iterations, converged)


def _presence(data: TrainingData, pasts: Mapping[int, Past]) -> tuple[PresenceFit | None, Mapping[int, FloatArray]]:
    """What markers say of beginnings, and how that moves P(none begun) of each landmark row, (n_rows, 1), by cause.

    Everybody in whom one of the causes was found is looked at, and enough of the others, who stand for the rest.
    """
    free = {cause: np.ones((len(data.rows.patient), 1)) for cause in pasts}
    found = np.any([past.found for past in pasts.values()], axis=0) if pasts else np.zeros(len(data.histories), bool)
    every = max(int(len(found) // MOST_PATIENTS), 1)
    others = np.flatnonzero(~found)[::every]
    who = np.sort(np.concatenate([np.flatnonzero(found), others]))
    place = np.full(len(found), -1)
    place[who] = np.arange(len(who))
    here = np.flatnonzero((place[data.rows.patient] >= 0) & (data.readings.month > 0))
    if not len(here) or not found.any():
        return None, free
    readings, patient = data.readings.select(here), place[data.rows.patient[here]]
    reading = Reading(patient, data.rows.landmark_month[here], readings.month)
    histories, baselines = data.histories.select(who), data.baselines
    by_cause = [
        by_stage(
            Course(
                study=data.study,
                cause=cause,
                grid=data.grid,
                histories=histories,
                ending=ending_of(data.study, data.histories, data.outcomes, data.grid, cause=cause).select(who),
                growth=PaceRule.of(data.study, cause, data.scaling).growth(baselines).select(who),
                hazard=past_hazard(past.fit.parameters, data.scores, data.grid, past.watched.row_of()[who]),
            ),
            reading,
        )
        for cause, past in pasts.items()
    ]
    so_far, in_all = (StagesOfAll.of(each) for each in zip(*by_cause, strict=True))
    weight = np.where(found[who], 1.0, every)[patient]
    fit = fit_presence(StageRows(readings.design, so_far.told_apart(), in_all.told_apart(), weight, patient))
    for cause, ratio in zip(pasts, in_all.none_moved(readings.design @ fit.effect.T).T, strict=True):
        free[cause][here, 0] = ratio
    return fit, free


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
