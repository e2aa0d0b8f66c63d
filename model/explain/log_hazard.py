"""The log hazard just past a moment, taken apart: parts of each score that add up to it exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.features import MONTHS_PER_DECADE
from model.onset.hazard import clock_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.onset.hazard import Parameters
    from model.predictor import Predictor
    from model.types import FloatArray, Histories

# Per event of the study.
LogHazard = dict[str, float]


def parts(predictor: Predictor, histories: Histories, as_of_month: FloatArray) -> FloatArray:
    """Return what each score adds to each event's log hazard, (n_patients, n_causes, n_scores).

    The hazard is that of the first step past `as_of_month`, (n_patients,), from what was recorded by then. All parts of
    an event sum to the log hazard minus that of the average row, at the average landmark.
    """
    away = predictor.scores(histories, as_of_month) - average_scores(predictor)
    added = [_added(predictor, cause.hazard.best, away, as_of_month) for cause in predictor.causes]
    return np.stack(added, axis=1)


def by_source(predictor: Predictor, of_scores: FloatArray) -> dict[str, FloatArray]:
    """Sum parts, (..., n_scores), over the scores of each source (`Scaling.sources`), in the study's order."""
    return _summed(predictor.scaling.sources(predictor.features), of_scores)


def by_group(predictor: Predictor, of_scores: FloatArray) -> dict[str, FloatArray]:
    """Sum parts, (..., n_scores), over the scores of each group; what comes from many groups is one of its own."""
    group = {feature.source: feature.group for feature in predictor.features}
    return _summed([group.get(name, name) for name in predictor.scaling.sources(predictor.features)], of_scores)


def average_scores(predictor: Predictor) -> FloatArray:
    """Scores of the average row, (n_scores,): every input known and at its mean over the training rows."""
    scaling = predictor.scaling
    n_first = len(scaling.baselines.mean)
    return np.asarray(scaling.apply(scaling.mean[None], np.zeros((1, n_first)))[0])


def named(predictor: Predictor, of_causes: FloatArray) -> LogHazard:
    """Give the events' names to their values, (n_causes,)."""
    return dict(zip(predictor.study.event_names, of_causes.tolist(), strict=True))


def average_landmark(predictor: Predictor) -> FloatArray:
    """Month of the average landmark row in training, of which the feature holds decades."""
    return np.array(predictor.scaling.mean[_time(predictor)] * MONTHS_PER_DECADE)


def _added(predictor: Predictor, parameters: Parameters, away: FloatArray, as_of_month: FloatArray) -> FloatArray:
    """Each score's part for one cause, (n_patients, n_scores), `away` being the scores minus those of the average row.

    The clock is part of the landmark's, and counts from the average landmark like every other score.
    """
    fading = predictor.fading
    added = away * parameters.steady
    added[:, fading] += away[:, fading] * parameters.wearing_off * predictor.grid.fade[0]
    step = predictor.grid.risk_month[1]
    now, usual = (
        slope * parameters.clock + rest
        for slope, rest in (
            clock_between(start, start + step, parameters.around)
            for start in (as_of_month, average_landmark(predictor))
        )
    )
    added[:, _time(predictor)] += now - usual
    return added


def _time(predictor: Predictor) -> int:
    return next(index for index, feature in enumerate(predictor.features) if feature.what == "time")


def _summed(names: Sequence[str], of_scores: FloatArray) -> dict[str, FloatArray]:
    named_scores = np.array(names)
    return {name: of_scores[..., named_scores == name].sum(axis=-1) for name in dict.fromkeys(names)}
