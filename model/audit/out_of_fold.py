"""Predictions of patients whom a model has never seen: every fold by the predictor that was fitted without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from model.audit.baselines import ALIKE, COX, everyone_alike, landmark_cox
from model.audit.detection import (
    DetectionSteps,
    onset_seen_from,
    onset_seen_from_each_landmark,
)
from model.audit.named import named_detections
from model.audit.strata import STRATA, strata_levels, within_strata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.predictor import Predictor
    from model.types import BoolArray, FloatArray, Histories, IntArray, Outcomes

MODEL, PRIOR = "model", "prior_alone"
PATIENTS_AT_ONCE = 500


@dataclass(frozen=True)
class LandmarkPredictions:
    """What was predicted at one landmark for everybody at risk there; one row per patient.

    Attributes
    ----------
    landmark_month : months since the origin
    patient : (n_rows,)
    incidence : by model name, (n_rows, n_causes, n_horizons)
    expected_detections : (n_rows, n_causes, n_horizons) compensator of the detections under the visits that happened;
        0 for causes that are not found by tests
    """

    landmark_month: float
    patient: IntArray
    incidence: dict[str, FloatArray]
    expected_detections: FloatArray

    @classmethod
    def join(cls, parts: Sequence[LandmarkPredictions]) -> LandmarkPredictions:
        """Put the folds of one landmark together, patients ascending."""
        patient = np.concatenate([part.patient for part in parts])
        order = np.argsort(patient)
        return cls(
            parts[0].landmark_month,
            patient[order],
            {name: np.concatenate([part.incidence[name] for part in parts])[order] for name in parts[0].incidence},
            np.concatenate([part.expected_detections for part in parts])[order],
        )


def predict_at_landmark(
    predictor: Predictor,
    histories: Histories,
    outcomes: Outcomes,
    held_out: BoolArray,
    landmark_month: float,
    *,
    prior_alone: Predictor | None = None,
    baselines: bool = True,
) -> LandmarkPredictions:
    """Predict the held-out patients at risk at a landmark, by the model and by baselines fitted on all the others.

    held_out : (n_patients,) the patients whom `predictor` and `prior_alone` were fitted without
    baselines : whether to fit any; without, nobody else is needed
    """
    with threadpool_limits(limits=1):  # sums must not depend on how the work is split
        at_risk = outcomes.exit_month > landmark_month
        judged, learned = np.flatnonzero(at_risk & held_out), np.flatnonzero(at_risk & ~held_out)
        incidence = {MODEL: _predicted(predictor, histories, judged, landmark_month)}
        if baselines:
            incidence |= _baselines(predictor, histories, outcomes, judged, learned, landmark_month=landmark_month)
        if prior_alone is not None:
            incidence[PRIOR] = _predicted(prior_alone, histories, judged, landmark_month)
        return LandmarkPredictions(
            landmark_month,
            judged,
            incidence,
            _expected_detections(predictor, histories, outcomes, judged, landmark_month),
        )


def predict_every_visit(
    predictor: Predictor, histories: Histories, outcomes: Outcomes, held_out: IntArray
) -> dict[int, DetectionSteps]:
    """Predict, for each cause found by tests, every visit of the held-out patients from what was known before it.

    held_out : (n_held_out,) patients whom `predictor` was fitted without; the steps number patients as the cohort does
    """
    study = predictor.study
    parts: dict[int, list[DetectionSteps]] = {}
    with threadpool_limits(limits=1):
        for who in _in_chunks(_by_length(held_out, outcomes)):
            here, exit_month = histories.select(who), outcomes.exit_month[who]
            onset = onset_seen_from_each_landmark(predictor, here, exit_month)
            for cause, steps in named_detections(study, here, exit_month, onset).items():
                parts.setdefault(cause, []).append(steps.of_patients(who))
    return {cause: DetectionSteps.join(found) for cause, found in parts.items()}


def _in_chunks(patient: IntArray) -> list[IntArray]:
    """Cut a list of patients, at least once, so that memory does not grow with it."""
    return [patient[start : start + PATIENTS_AT_ONCE] for start in range(0, max(len(patient), 1), PATIENTS_AT_ONCE)]


def _by_length(patient: IntArray, outcomes: Outcomes) -> IntArray:
    """Sort patients by how long they were followed: whoever is worked on together has as many visits to go through."""
    return patient[np.argsort(outcomes.exit_month[patient], kind="stable")]


def _predicted(predictor: Predictor, histories: Histories, patient: IntArray, landmark_month: float) -> FloatArray:
    """Incidence as it is delivered, (n_rows, n_causes, n_horizons)."""
    forecasts = [
        predictor.predict(histories.select(who), np.full(len(who), landmark_month)) for who in _in_chunks(patient)
    ]
    horizons = predictor.study.horizon_months
    return np.concatenate([np.stack([each.at(horizon) for horizon in horizons], axis=-1) for each in forecasts])


def _baselines(
    predictor: Predictor,
    histories: Histories,
    outcomes: Outcomes,
    judged: IntArray,
    learned: IntArray,
    *,
    landmark_month: float,
) -> dict[str, FloatArray]:
    """Incidence by the models to beat, fitted on `learned`, each (n_judged, n_causes, n_horizons)."""
    study = predictor.study
    here, others = histories.select(judged), histories.select(learned)
    months, cause = outcomes.exit_month[learned] - landmark_month, outcomes.cause[learned]
    n_causes, horizons = len(study.event), study.horizon_months
    scores, new_scores = (predictor.scores(each, np.full(len(each), landmark_month)) for each in (others, here))
    alike = everyone_alike(months, cause, n_causes=n_causes, horizon_months=horizons)
    found = {
        ALIKE: np.broadcast_to(alike, (len(judged), *alike.shape)),
        COX: landmark_cox(scores, months, cause, new_scores, n_causes=n_causes, horizon_months=horizons),
    }
    if study.strata:
        levels, new_levels = (strata_levels(study, each.baseline) for each in (others, here))
        found[STRATA] = within_strata(levels, months, cause, new_levels, n_causes=n_causes, horizon_months=horizons)
    return found


def _expected_detections(
    predictor: Predictor, histories: Histories, outcomes: Outcomes, judged: IntArray, landmark_month: float
) -> FloatArray:
    """Expected detections by every horizon under the visits that happened, (n_judged, n_causes, n_horizons)."""
    horizons = predictor.study.horizon_months
    expected = np.zeros((len(outcomes.cause), len(predictor.study.event), len(horizons)))
    for who in _in_chunks(_by_length(judged, outcomes)):
        here, exit_month = histories.select(who), outcomes.exit_month[who]
        onset = onset_seen_from(predictor, here, landmark_month)
        for cause, steps in named_detections(predictor.study, here, exit_month, onset).items():
            for index, horizon in enumerate(horizons):
                within = np.where(steps.month <= landmark_month + horizon, steps.probability, 0.0)
                expected[who, cause - 1, index] = np.bincount(steps.patient, within, minlength=len(who))
    return np.asarray(expected[judged])
