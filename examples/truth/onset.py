"""Observed onsets over expected ones, by cause; beside the model what models of the day of finding expect.

Those are the Aalen-Johansen estimate of detections in the learning cohort, and the landmark Cox model on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from examples.truth.cohorts import HORIZONS, LANDMARKS, OUTCOMES, study_of
from examples.truth.judged import trained
from examples.truth.tables import header, line
from model.audit.baselines import everyone_alike, landmark_cox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.truth.judged import Judged
    from examples.truth.options import Options
    from model.types import FloatArray, IntArray


def report(options: Options) -> Iterator[str]:
    """Draw, train, predict, count: a line per landmark and horizon."""
    judged = trained(study_of(options.variant), options.variant, patients=options.patients)
    yield from header("from month", "within", *OUTCOMES, "Aalen-Johansen, any", "landmark Cox, any")
    for landmark in LANDMARKS:
        yield from at_landmark(judged, landmark)


def at_landmark(judged: Judged, landmark: float) -> Iterator[str]:
    """One line per horizon."""
    fresh = judged.fresh
    who = fresh.followed(landmark)
    found = detections_expected(judged, who, landmark)
    predicted = judged.predicted(who, landmark).sum(axis=0)
    for index, horizon in enumerate(HORIZONS):
        observed = fresh.happened(who, landmark + horizon).sum(axis=0)
        cells = [f"{o / e:.2f} ({o})" for o, e in zip(observed, predicted[index], strict=True)]
        yield line(landmark, horizon, *cells, *(f"{observed[-1] / e:.2f}" for e in found[:, index]))


def detections_expected(judged: Judged, who: IntArray, landmark: float) -> FloatArray:
    """Expected number of fresh patients in whom any recurrence is found, (2, n_horizons): Aalen-Johansen, Cox."""
    predictor, outcomes, here = judged.predictor, judged.learned.cohort.outcomes, judged.learned.followed(landmark)
    months, cause = outcomes.exit_month[here] - landmark, outcomes.cause[here]
    causes, targets = len(predictor.study.event), [k - 1 for k in predictor.study.targets]
    learned, new = (
        predictor.scores(known.histories.select(rows), np.full(len(rows), landmark))
        for known, rows in ((judged.learned, here), (judged.fresh, who))
    )
    alike = everyone_alike(months, cause, n_causes=causes, horizon_months=HORIZONS)
    cox = landmark_cox(learned, months, cause, new, n_causes=causes, horizon_months=HORIZONS)
    return np.array([len(who) * alike[targets].sum(axis=0), cox[:, targets].sum(axis=(0, 1))])
