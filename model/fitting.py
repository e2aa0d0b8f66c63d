"""From a cohort to a `Predictor`: rows, features, scaling, one hazard per cause, draws around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from model.features import at_landmark, feature_list
from model.landmarks import at_risk, supported_until
from model.onset.estimate import CauseFit, TrainingData, fit_cause
from model.onset.grid import TimeGrid
from model.onset.hazard import Parameters
from model.onset.prior import coefficient_prior
from model.onset.scaling import Scaling
from model.predictor import CauseModel, Predictor, fading_features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.study import Study
    from model.types import FloatArray, Histories, IntArray, Outcomes

N_DRAWS = 200


def training_data(study: Study, histories: Histories, outcomes: Outcomes) -> tuple[TrainingData, Scaling]:
    """Lay out the landmark rows of a cohort and learn how to scale their features."""
    grid = TimeGrid.of(study, until=supported_until(study, outcomes))
    rows = at_risk(grid.landmark_month, outcomes.exit_month)
    features = at_landmark(study, histories, rows.patient, rows.landmark_month)
    described = feature_list(study)
    scaling = Scaling.learn(features, described)
    data = TrainingData(study, histories, outcomes, grid, rows, scaling.apply(features), fading_features(described))
    return data, scaling


def fit_predictor(
    study: Study, histories: Histories, outcomes: Outcomes, *, seed: int, published: bool = True
) -> tuple[Predictor, tuple[CauseFit, ...]]:
    """Fit every cause of a study.

    Parameters
    ----------
    seed : of the draws around the maximum; the fit itself is not random
    published : whether the study's published effects are used as prior

    One thread of linear algebra, whatever the machine has: sums must not depend on how work was split.
    """
    with threadpool_limits(limits=1):
        data, scaling = training_data(study, histories, outcomes)
        described = feature_list(study)
        causes, fits = [], []
        for cause, event in enumerate(study.event, 1):
            prior = coefficient_prior(study, described, scaling, event=event.name, published=published)
            fit = fit_cause(data, cause=cause, prior=prior)
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(cause,)))
            causes.append(CauseModel(fit.parameters, _draws(fit, rng), fit.n_events))
            fits.append(fit)
        supported = float(data.grid.landmark_month[-1])
        return Predictor(study, data.grid, scaling, tuple(causes), supported), tuple(fits)


def fit_without_folds(
    study: Study, histories: Histories, outcomes: Outcomes, fold: IntArray, *, seed: int, jobs: int
) -> Sequence[Predictor]:
    """Fit one predictor per fold, on the patients outside it; `fold` is (n_patients,) from 0."""
    numbers = range(int(fold.max()) + 1)
    fits = Parallel(n_jobs=jobs)(
        delayed(fit_predictor)(study, histories.select(fold != k), outcomes.select(fold != k), seed=seed)
        for k in numbers
    )
    return [predictor for predictor, _ in fits]


def _draws(fit: CauseFit, rng: np.random.Generator) -> Parameters:
    """Draw parameters from the normal approximation around the maximum, N_DRAWS of them."""
    value, vector = np.linalg.eigh(fit.covariance)
    # eigh fixes each eigenvector only up to its sign; a fixed sign makes equal data give equal draws.
    vector = vector * np.where(vector[np.abs(vector).argmax(axis=0), np.arange(len(value))] < 0, -1.0, 1.0)
    spread: FloatArray = vector * np.sqrt(np.maximum(value, 0.0))
    drawn = fit.parameters.pack() + rng.standard_normal((N_DRAWS, len(value))) @ spread.T
    return Parameters.unpack(drawn, n_bins=len(fit.parameters.shape), n_scores=len(fit.parameters.steady))
