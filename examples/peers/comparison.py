"""Predictions of patients whom no model has seen, and how far apart the models' scores are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from examples.peers.rivals import RIVALS, learn, rows_at
from model.audit.metrics import brier_score, cumulative_dynamic_auc
from model.audit.nonparametric import censoring_survival
from model.audit.out_of_fold import predict_at_landmark
from model.audit.resampling import number, patient_weights
from model.audit.weights import ipc_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.predictor import Predictor
    from model.tables.cohort import Cohort
    from model.types import FloatArray, IntArray, Outcomes

LANDMARKS = (0.0, 12.0, 36.0, 60.0)
HORIZON = 24.0
OURS = "model"
NAMES = {OURS: "ours", "landmark_cox": "landmark Cox"}
HEAD = "| landmark | model | Brier | ours minus it | AUC | ours minus it |\n|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Predictions:
    """P(event within HORIZON) of everybody at risk at one landmark, by model name, (n_rows,) each."""

    landmark_month: float
    patient: IntArray
    probability: dict[str, FloatArray]


def predict_all(cohort: Cohort, fold: IntArray, predictors: Sequence[Predictor], *, seed: int) -> list[Predictions]:
    """Predict by every model at every supported landmark, each fold by what was fitted without it."""
    supported = min(each.supported_until_month for each in predictors)
    landmarks = [month for month in LANDMARKS if month <= supported]
    of_fold = [_predict_fold(cohort, fold == k, predictor, landmarks, seed) for k, predictor in enumerate(predictors)]
    return [_join(parts) for parts in zip(*of_fold, strict=True)]


def _predict_fold(
    cohort: Cohort, held_out: np.ndarray, predictor: Predictor, landmarks: Sequence[float], seed: int
) -> list[Predictions]:
    histories, outcomes, study = cohort.histories, cohort.outcomes, predictor.study
    horizon = study.horizon_months.index(HORIZON)
    learned = np.flatnonzero(~held_out)
    fit = partial(learn, horizon_months=HORIZON, until_months=study.horizon_months[-1], seed=seed)
    everything = rows_at(predictor, histories, outcomes, learned, predictor.grid.landmark_month)
    pooled = {rival.name: fit(rival, everything) for rival in RIVALS if rival.rows == "all"}
    found = []
    for landmark in landmarks:
        here = rows_at(predictor, histories, outcomes, learned, np.array([landmark]))
        alone = {rival.name: fit(rival, here) for rival in RIVALS if rival.rows == "landmark"}
        audited = predict_at_landmark(predictor, histories, outcomes, held_out, landmark)
        scores = predictor.scores(histories.select(audited.patient), np.full(len(audited.patient), landmark))
        by_rival = {rival.name: (pooled | alone)[rival.name](scores) for rival in RIVALS}
        ours = {name: audited.incidence[name][:, 0, horizon] for name in NAMES}
        found.append(Predictions(landmark, audited.patient, ours | by_rival))
    return found


def _join(parts: Sequence[Predictions]) -> Predictions:
    names = parts[0].probability
    return Predictions(
        parts[0].landmark_month,
        np.concatenate([part.patient for part in parts]),
        {name: np.concatenate([part.probability[name] for part in parts]) for name in names},
    )


def compare(predictions: Sequence[Predictions], outcomes: Outcomes, *, seed: int) -> list[dict[str, Any]]:
    """Brier score and AUC of every model by landmark, then the means over landmarks; intervals by drawing patients."""
    count = patient_weights(len(outcomes.exit_month), seed=seed)
    scores = [_scores(each, outcomes, count[:, each.patient]) for each in predictions]
    mean = {
        name: {key: np.mean([at[name][key] for at in scores], axis=0) for key in ("brier", "auc")} for name in scores[0]
    }
    places = [f"{each.landmark_month / 12:g} y" for each in predictions]
    return [
        row for place, at in zip([*places, "mean of these"], [*scores, mean], strict=True) for row in _rows(place, at)
    ]


def _scores(predictions: Predictions, outcomes: Outcomes, count: FloatArray) -> dict[str, dict[str, FloatArray]]:
    """By model, each score under every draw, (1 + n_draws,)."""
    months = outcomes.exit_month[predictions.patient] - predictions.landmark_month
    cause = outcomes.cause[predictions.patient]
    censoring = censoring_survival(months, cause, count)
    weight = count * ipc_weights(months, cause, horizon_months=HORIZON, censoring=censoring)
    case = (cause == 1) & (months <= HORIZON)
    return {
        name: {"brier": brier_score(each, case, weight), "auc": cumulative_dynamic_auc(each, case, weight)}
        for name, each in predictions.probability.items()
    }


def _rows(place: str, scores: dict[str, dict[str, FloatArray]]) -> list[dict[str, Any]]:
    ours = scores[OURS]
    return [
        {
            "landmark": place,
            "model": NAMES.get(name, name),
            **{key: number(value) for key, value in of_model.items()},
            "difference": None if name == OURS else {key: number(ours[key] - value) for key, value in of_model.items()},
        }
        for name, of_model in scores.items()
    ]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown for people."""
    return "\n".join([HEAD, *(_line(row) for row in rows)])


def _line(row: dict[str, Any]) -> str:
    cells = [row["landmark"], row["model"]]
    for key, digits in (("brier", 4), ("auc", 3)):
        cells.append(f"{row[key]['value']:.{digits}f}")
        cells.append(_difference(row["difference"][key], digits) if row["difference"] else "")
    return f"| {' | '.join(cells)} |"


def _difference(number_: dict[str, float], digits: int) -> str:
    return f"{number_['value']:+.{digits}f} ({number_['low']:+.{digits}f} to {number_['high']:+.{digits}f})"
