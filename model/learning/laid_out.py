"""What patients say about the numbers of a model that was fitted on others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from model.features import at_landmark, baseline_features
from model.landmarks import LandmarkRows, at_risk
from model.onset.expectation import Placement, exact_rows, expected_rows
from model.onset.likelihood import Watched, past_hazard
from model.onset.likelihood import patient_scores as watched_scores
from model.onset.observation import ResultLikelihood
from model.onset.poisson import Penalty, derivatives, objective, patient_scores, row_log_likelihood
from model.onset.posterior import onset_posterior
from model.onset.presence import Readings
from model.onset.training import TrainingData, risk_rows, watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.onset.hazard import Parameters
    from model.onset.poisson import RiskRows
    from model.predictor import Predictor
    from model.types import BoolArray, FloatArray, Histories, Outcomes


@dataclass(frozen=True)
class View:
    """The likelihood of patients, seen from one vector of parameters.

    Attributes
    ----------
    gradient : (n_parameters,) derivative of the log likelihood
    curvature : (n_parameters, n_parameters) by which the next step is measured
    patient_scores : works out each patient's share of the gradient, (n_patients, n_parameters)
    """

    log_likelihood: float
    gradient: FloatArray
    curvature: FloatArray
    patient_scores: Callable[[], FloatArray]


@dataclass(frozen=True)
class LaidOut:
    """Patients laid out for a model: on its grid, with scores that mean what its own do.

    Attributes
    ----------
    data : their landmark rows
    watched : per cause what its tests have shown, None for a cause whose time is known
    happened : per cause in whom it was observed, (n_patients,)
    """

    data: TrainingData
    watched: tuple[Watched | None, ...]
    happened: tuple[BoolArray, ...]

    @classmethod
    def of(cls, predictor: Predictor, histories: Histories, outcomes: Outcomes) -> Self:
        """Lay out a cohort."""
        study, grid, scaling = predictor.study, predictor.grid, predictor.scaling
        rows = at_risk(grid.landmark_month, outcomes.exit_month)
        features = at_landmark(study, histories, rows.patient, rows.landmark_month)
        baselines = predictor.baselines(histories)
        scores = scaling.apply(features, baselines.expected[rows.patient])
        readings = Readings.of(features, scores, predictor.features, scaling, rows.landmark_month)
        data = TrainingData(
            study, histories, outcomes, grid, rows, scaling, baselines, scores, predictor.fading, readings
        )
        causes = range(1, len(study.event) + 1)
        seen = [watch(data, k) if study.found_by_test(k) else (None, outcomes.cause == k) for k in causes]
        return cls(data, tuple(watched for watched, _ in seen), tuple(found for _, found in seen))

    def select(self, kept: BoolArray) -> Self:
        """Return some of the patients, (n_patients,), with all that was worked out about them."""
        data = self.data
        of_kept = kept[data.rows.patient]
        renumbered = np.cumsum(kept) - 1
        few = data.rows.select(of_kept)
        rows = LandmarkRows(renumbered[few.patient], few.landmark, few.landmark_month)
        histories = data.histories.select(kept)
        data = replace(
            data,
            histories=histories,
            outcomes=data.outcomes.select(kept),
            rows=rows,
            baselines=data.scaling.baselines_of(baseline_features(data.study, histories.baseline)),
            scores=data.scores[of_kept],
            readings=data.readings.select(np.flatnonzero(of_kept)),
        )
        watched = (None if each is None else _selected(each, data, kept) for each in self.watched)
        return type(self)(data, tuple(watched), tuple(found[kept] for found in self.happened))

    def rows_of(self, cause: int, past: Parameters | None, *, around: float) -> RiskRows:
        """Events and exposures past every landmark: as known, or as expected under the hazard between landmarks.

        around : as in Parameters
        """
        watched, data = self.watched[cause - 1], self.data
        if watched is None or past is None:
            exit_month, happened = data.outcomes.exit_month, self.happened[cause - 1]
            events, exposure = exact_rows(data.rows, data.grid, exit_month=exit_month, happened=happened)
        else:
            posterior = onset_posterior(past_hazard(past, data.scores, data.grid, watched.row_of()), watched.results)
            placement = Placement.of(data.rows, data.grid, watched.results.width)
            events, exposure = expected_rows(placement, posterior, watched.results)
        return risk_rows(data, events, exposure, around)

    def log_likelihoods(self, predictor: Predictor) -> FloatArray:
        """Log likelihood of what was observed in each patient, by cause, (n_patients, n_causes).

        Of the test results where a cause is found by tests; elsewhere of the event itself, each month of follow-up
        counted once, as the mean over the landmarks that predict it.
        """
        data = self.data
        columns: list[FloatArray] = []
        for number, cause in enumerate(predictor.causes, 1):
            watched = self.watched[number - 1]
            if watched is not None and cause.past is not None:
                hazard = past_hazard(cause.past.best, data.scores, data.grid, watched.row_of())
                columns.append(onset_posterior(hazard, watched.results).log_evidence)
                continue
            rows = self.rows_of(number, None, around=cause.hazard.best.around)
            by_row = row_log_likelihood(cause.hazard.best, rows)
            columns.append(np.bincount(rows.patient, by_row, minlength=len(data.histories)).astype(np.float64))
        return np.column_stack(columns)


def view_results(watched: Watched) -> Callable[[Parameters], View]:
    """View the likelihood of test results; a step is measured by the spread of the patients' scores (BHHH)."""
    row_of = watched.row_of()

    def view(parameters: Parameters) -> View:
        hazard = past_hazard(parameters, watched.scores, watched.grid, row_of)
        posterior = onset_posterior(hazard, watched.results)
        scores = watched_scores(watched, hazard, posterior)
        return View(float(posterior.log_evidence.sum()), scores.sum(axis=0), scores.T @ scores, lambda: scores)

    return view


def view_rows(rows: RiskRows) -> Callable[[Parameters], View]:
    """View the Poisson likelihood of events on exposures."""

    def view(parameters: Parameters) -> View:
        size = len(parameters.pack())
        free = Penalty(np.zeros(size), np.zeros((size, size)))
        gradient, curvature = derivatives(parameters, rows)
        height = objective(parameters, rows, free)
        return View(height, gradient, curvature, lambda: patient_scores(parameters, rows))

    return view


def _selected(watched: Watched, data: TrainingData, kept: BoolArray) -> Watched:
    results = watched.results
    few = ResultLikelihood(results.width[kept], results.given_beginning[kept], results.given_none[kept])
    return Watched(data.rows, data.scores, few, data.grid, watched.around)
