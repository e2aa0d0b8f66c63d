"""Predictions of patients whom a model has never seen: every fold by the predictor that was fitted without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from model.audit.baselines import ALIKE, COX, everyone_alike, landmark_cox
from model.audit.detection import detection_steps, onset_seen_from, onset_seen_from_each_landmark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.audit.detection import DetectionSteps
    from model.predictor import Predictor
    from model.types import FloatArray, Histories, IntArray, Outcomes

MODEL = "model"


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
    predictor: Predictor, histories: Histories, outcomes: Outcomes, held_out: np.ndarray, landmark_month: float
) -> LandmarkPredictions:
    """Predict the held-out patients at risk at a landmark, by the model and by baselines fitted on all the others.

    held_out : (n_patients,) bool, the patients whom `predictor` was fitted without
    """
    with threadpool_limits(limits=1):  # sums must not depend on how the work is split
        at_risk = outcomes.exit_month > landmark_month
        judged, learned = np.flatnonzero(at_risk & held_out), np.flatnonzero(at_risk & ~held_out)
        horizons, n_causes = predictor.study.horizon_months, len(predictor.study.event)
        here = histories.select(judged)
        now = np.full(len(judged), landmark_month)
        forecast = predictor.predict(here, now)
        months, cause = outcomes.exit_month[learned] - landmark_month, outcomes.cause[learned]
        alike = everyone_alike(months, cause, n_causes=n_causes, horizon_months=horizons)
        cox = landmark_cox(
            predictor.scores(histories.select(learned), np.full(len(learned), landmark_month)),
            months,
            cause,
            predictor.scores(here, now),
            n_causes=n_causes,
            horizon_months=horizons,
        )
        incidence = {
            MODEL: np.stack([forecast.at(horizon) for horizon in horizons], axis=-1),
            ALIKE: np.broadcast_to(alike, cox.shape),
            COX: cox,
        }
        expected = _expected_detections(predictor, here, outcomes.exit_month[judged], landmark_month)
        return LandmarkPredictions(landmark_month, judged, incidence, expected)


def predict_every_visit(
    predictor: Predictor, histories: Histories, outcomes: Outcomes, held_out: IntArray
) -> dict[int, DetectionSteps]:
    """Predict, for each cause found by tests, every visit of the held-out patients from what was known before it.

    held_out : (n_held_out,) patients whom `predictor` was fitted without; the steps number patients as the cohort does
    """
    with threadpool_limits(limits=1):
        histories, exit_month = histories.select(held_out), outcomes.exit_month[held_out]
        found = {}
        for cause, onset in onset_seen_from_each_landmark(predictor, histories, exit_month).items():
            steps = detection_steps(predictor.study, histories, exit_month, onset, cause=cause)
            found[cause] = steps.of_patients(held_out)
        return found


def _expected_detections(
    predictor: Predictor, histories: Histories, exit_month: FloatArray, landmark_month: float
) -> FloatArray:
    horizons = predictor.study.horizon_months
    expected = np.zeros((len(histories), len(predictor.study.event), len(horizons)))
    for cause, onset in onset_seen_from(predictor, histories, landmark_month).items():
        steps = detection_steps(predictor.study, histories, exit_month, onset, cause=cause)
        for index, horizon in enumerate(horizons):
            within = np.where(steps.month <= landmark_month + horizon, steps.probability, 0.0)
            expected[:, cause - 1, index] = np.bincount(steps.patient, within, minlength=len(histories))
    return expected
