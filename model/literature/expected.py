"""How many recurrences the model expects to be found under visits that took place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.audit.detection import detection_steps, onset_seen_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.predictor import Predictor
    from model.types import FloatArray, Histories, IntArray

PATIENTS_AT_ONCE = 500


def answered_until(predictor: Predictor) -> float:
    """The last month of follow-up that forecasts cover."""
    return float(_moments(predictor)[-1]) + predictor.grid.horizon_month


def chance_found(predictor: Predictor, histories: Histories, exit_month: FloatArray) -> FloatArray:
    """P(tests find a cause by the end of follow-up), (n_patients, n_causes); zero for a cause not found by tests.

    Parameters
    ----------
    histories : (n_patients, ...) all tests negative
    exit_month : (n_patients,) when each file ends; visits beyond `answered_until` are not predicted

    Notes
    -----
    As forecast at the origin for as long as a forecast reaches, then as forecast at its end by what was found till
    then, and so on. Each visit's chance is conditional on nothing found before, so that their complements multiply.
    """
    log_missed = np.zeros((len(histories), len(predictor.study.event)))
    for moment in _moments(predictor):
        for who in _groups(np.flatnonzero(exit_month > moment)):
            here, end = histories.select(who), exit_month[who]
            onset = onset_seen_from(predictor, here, moment)
            for cause, steps in detection_steps(predictor.study, here, end, onset).items():
                np.add.at(log_missed[:, cause - 1], who[steps.patient], np.log1p(-steps.probability))
    return -np.expm1(log_missed)


def _moments(predictor: Predictor) -> FloatArray:
    """Moments of prediction one horizon apart, as far as the model answers."""
    return np.arange(0.0, predictor.supported_until_month + 1e-9, predictor.grid.horizon_month)


def _groups(who: IntArray) -> Iterator[IntArray]:
    for start in range(0, len(who), PATIENTS_AT_ONCE):
        yield who[start : start + PATIENTS_AT_ONCE]
