"""Which learner to use: the simplest whose cross-validated likelihood is within a standard error of the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import delayed
from threadpoolctl import threadpool_limits

from model.learning.fitting import fit_predictor
from model.learning.laid_out import LaidOut
from model.watch import runner, unwatched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.predictor import Predictor
    from model.study.definition import Study
    from model.types import FloatArray, Histories, IntArray, Outcomes
    from model.watch import Watch

LABELS = {
    "published": "What is published, nothing learned",
    "linear": "Penalised regression, straight lines",
    "splines": "Penalised regression, restricted cubic splines",
    "boosting": "Penalised regression, then gradient-boosted trees",
}


@dataclass(frozen=True)
class Selection:
    """How the learners compared.

    Attributes
    ----------
    chosen : one of the learners
    table : a row per learner, as audit.json holds it
    held_out : per learner the predictors of the folds
    """

    chosen: str
    table: list[dict[str, Any]]
    held_out: dict[str, Sequence[Predictor]]


def select_learner(
    study: Study,
    histories: Histories,
    outcomes: Outcomes,
    fold: IntArray,
    *,
    learners: Sequence[str],
    seed: int,
    jobs: int,
    watch: Watch = unwatched,
) -> Selection:
    """Fit every learner without each fold and judge it by that fold's patients.

    fold : (n_patients,) from 0
    learners : of LEARNERS, simplest first
    """
    numbers = range(int(fold.max()) + 1)
    tasks = [(learner, number) for learner in learners for number in numbers]
    done = runner(jobs, watch)(
        "folds left out, each learner",
        [
            delayed(_judge)(study, histories, outcomes, fold == number, seed=seed, learner=learner)
            for learner, number in tasks
        ],
    )
    by_learner = {
        learner: [part for task, part in zip(tasks, done, strict=True) if task[0] == learner] for learner in learners
    }
    patient = np.concatenate([np.flatnonzero(fold == number) for number in numbers])
    likelihood = {
        learner: np.concatenate([part[1] for part in parts])[np.argsort(patient)]
        for learner, parts in by_learner.items()
    }
    n_parameters = {
        learner: 0 if learner == "published" else parts[0][0].causes[0].hazard.best.pack().size
        for learner, parts in by_learner.items()
    }
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


def _judge(
    study: Study, histories: Histories, outcomes: Outcomes, out: np.ndarray, *, seed: int, learner: str
) -> tuple[Predictor, FloatArray]:
    predictor, _ = fit_predictor(study, histories.select(~out), outcomes.select(~out), seed=seed, learner=learner)
    with threadpool_limits(limits=1):
        judged = LaidOut.of(predictor, histories.select(out), outcomes.select(out))
        return predictor, judged.log_likelihoods(predictor).sum(axis=1)


def _mean(values: FloatArray) -> dict[str, float]:
    """Mean over patients, and its standard error."""
    return {"value": float(values.mean()), "standard_error": float(values.std(ddof=1) / np.sqrt(len(values)))}
