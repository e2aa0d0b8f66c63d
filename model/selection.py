"""Which learner to use: the simplest whose cross-validated likelihood is within a standard error of the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from model.features import at_landmark, baseline_features
from model.fitting import LEARNERS, fit_predictor
from model.landmarks import at_risk
from model.onset.estimate import TrainingData, log_likelihood_known, watch
from model.onset.likelihood import past_hazard
from model.onset.posterior import onset_posterior

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.predictor import Predictor
    from model.study import Study
    from model.types import FloatArray, Histories, IntArray, Outcomes

LABELS = {
    "linear": "Penalised regression, straight lines",
    "splines": "Penalised regression, restricted cubic splines",
    "boosting": "Penalised regression, then gradient-boosted trees",
}


@dataclass(frozen=True)
class Selection:
    """How the learners compared.

    Attributes
    ----------
    chosen : one of LEARNERS
    table : a row per learner, as audit.json holds it
    held_out : per learner the predictors of the folds
    """

    chosen: str
    table: list[dict[str, Any]]
    held_out: dict[str, Sequence[Predictor]]


def select_learner(
    study: Study, histories: Histories, outcomes: Outcomes, fold: IntArray, *, seed: int, jobs: int
) -> Selection:
    """Fit every learner without each fold and judge it by that fold's patients; `fold` is (n_patients,) from 0."""
    numbers = range(int(fold.max()) + 1)
    tasks = [(learner, number) for learner in LEARNERS for number in numbers]
    done = Parallel(n_jobs=jobs)(
        delayed(_judge)(study, histories, outcomes, fold == number, seed=seed, learner=learner)
        for learner, number in tasks
    )
    by_learner = {
        learner: [part for task, part in zip(tasks, done, strict=True) if task[0] == learner] for learner in LEARNERS
    }
    patient = np.concatenate([np.flatnonzero(fold == number) for number in numbers])
    likelihood = {
        learner: np.concatenate([part[1] for part in parts])[np.argsort(patient)]
        for learner, parts in by_learner.items()
    }
    n_parameters = {learner: parts[0][0].causes[0].hazard.best.pack().size for learner, parts in by_learner.items()}
    chosen, table = choose(likelihood, n_parameters)
    return Selection(chosen, table, {learner: [part[0] for part in parts] for learner, parts in by_learner.items()})


def choose(likelihood: dict[str, FloatArray], n_parameters: dict[str, int]) -> tuple[str, list[dict[str, Any]]]:
    """Apply the rule to held-out log likelihoods, (n_patients,) each, simplest first; returns (chosen, table)."""
    best = max(likelihood, key=lambda learner: float(likelihood[learner].sum()))
    behind = {learner: _mean(values - likelihood[best]) for learner, values in likelihood.items()}
    chosen = next(learner for learner, row in behind.items() if row["value"] >= -row["standard_error"])
    return chosen, [
        {
            "name": learner,
            "label": LABELS[learner],
            "n_parameters": n_parameters[learner],
            "log_likelihood": float(values.sum()),
            "per_patient": _mean(values),
            "difference_to_best": behind[learner],
            "chosen": learner == chosen,
        }
        for learner, values in likelihood.items()
    ]


def log_likelihood(predictor: Predictor, histories: Histories, outcomes: Outcomes) -> FloatArray:
    """Observed-data log likelihood of patients under a predictor, all causes together, (n_patients,).

    Causes found by tests: probability of all their results. Causes of known time: density of the time. Each with the
    hazards seen from the latest landmark before.
    """
    with threadpool_limits(limits=1):
        study, grid = predictor.study, predictor.grid
        rows = at_risk(grid.landmark_month, outcomes.exit_month)
        baselines = predictor.scaling.baselines_of(baseline_features(study, histories.baseline))
        features = at_landmark(study, histories, rows.patient, rows.landmark_month)
        scores = predictor.scaling.apply(features, baselines.expected[rows.patient])
        data = TrainingData(
            study, histories, outcomes, grid, rows, predictor.scaling, baselines, scores, predictor.fading
        )
        total = np.zeros(len(histories))
        for number, cause in enumerate(predictor.causes, 1):
            if cause.past is None:
                total += log_likelihood_known(data, cause.hazard.best, cause=number)
            else:
                watched, _ = watch(data, number)
                hazard = past_hazard(cause.past.best, scores, grid, watched.row_of())
                total += onset_posterior(hazard, watched.results).log_evidence
        return total


def _judge(
    study: Study, histories: Histories, outcomes: Outcomes, out: np.ndarray, *, seed: int, learner: str
) -> tuple[Predictor, FloatArray]:
    predictor, _ = fit_predictor(study, histories.select(~out), outcomes.select(~out), seed=seed, learner=learner)
    return predictor, log_likelihood(predictor, histories.select(out), outcomes.select(out))


def _mean(values: FloatArray) -> dict[str, float]:
    """Mean over patients, and its standard error."""
    return {"value": float(values.mean()), "standard_error": float(values.std(ddof=1) / np.sqrt(len(values)))}
