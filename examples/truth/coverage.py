"""How often the 95 % band of a patient's risk covers the true risk; and how near the risks come to the true ones.

Quintiles are of predicted risk. "All recorded" are the patients without a blank in any baseline with a published
effect: what is blank is part of the true risk, and no band of a mean can know it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from examples.truth.cohorts import HORIZONS, LANDMARKS, OUTCOMES, study_of
from examples.truth.judged import by_horizon, trained
from examples.truth.tables import header, line
from examples.truth.true_risk import true_risk
from model.forecast import BAND
from synthetic_data.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.truth.judged import Judged
    from examples.truth.options import Options
    from model.predictor import Predictor
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Histories

PATIENTS_AT_ONCE = 250
QUINTILES = 5


def report(options: Options) -> Iterator[str]:
    """One line per landmark, horizon and outcome."""
    judged = trained(study_of(options.variant), options.variant, patients=options.patients)
    yield from header(
        "from month", "within", "onset", "patients", "covered, %", *(f"fifth {q + 1}" for q in range(QUINTILES)),
        "all recorded", "band, mean width", "predicted, mean", "true, mean",
    )  # fmt: skip
    for landmark in LANDMARKS:
        yield from at_landmark(judged, options, landmark)


def at_landmark(judged: Judged, options: Options, landmark: float) -> Iterator[str]:
    """One line per horizon and outcome."""
    who = judged.fresh.followed(landmark)[: options.judged]
    known = judged.fresh.select(who)
    truth = true_risk(known, VARIANTS[options.variant], landmark_month=landmark, horizon_months=HORIZONS)
    recorded = all_recorded(judged.predictor.study, known.histories)
    predicted = judged.predicted(who, landmark)
    low, high = bands(judged.predictor, known.histories, landmark)
    for index, horizon in enumerate(HORIZONS):
        covered = (low[:, index] <= truth[:, index]) & (truth[:, index] <= high[:, index])
        for outcome, name in enumerate(OUTCOMES):
            shares = by_quintile(predicted[:, index, outcome], covered[:, outcome])
            cells = [100 * covered[:, outcome].mean(), *(100 * shares), 100 * covered[recorded, outcome].mean()]
            means = [
                x[:, outcome].mean() for x in (high[:, index] - low[:, index], predicted[:, index], truth[:, index])
            ]
            percents = (f"{cell:.1f}" for cell in cells)
            yield line(landmark, horizon, name, len(who), *percents, *(f"{mean:.4f}" for mean in means))


def bands(predictor: Predictor, histories: Histories, landmark: float) -> tuple[FloatArray, FloatArray]:
    """Lower and upper end of the 95 % band, each (n_patients, n_horizons, 4), by cause and any."""
    parts = []
    for start in range(0, len(histories), PATIENTS_AT_ONCE):
        few = histories.select(np.arange(start, min(start + PATIENTS_AT_ONCE, len(histories))))
        drawn = predictor.predict_draws(few, np.full(len(few), landmark))
        parts.append(np.quantile(by_horizon(drawn), BAND, axis=0))
    low, high = np.concatenate(parts, axis=1)
    return low, high


def by_quintile(predicted: FloatArray, covered: BoolArray) -> FloatArray:
    """Share covered in each fifth of the predicted risks, (5,)."""
    order = np.argsort(predicted, kind="stable")
    return np.array([covered[fifth].mean() for fifth in np.array_split(order, QUINTILES)])


def all_recorded(study: Study, histories: Histories) -> BoolArray:
    """Patients without a blank in any baseline that has a published effect, (n_patients,)."""
    matters = np.array([bool(baseline.prior) for baseline in study.baseline])
    return np.asarray(~np.isnan(histories.baseline[:, matters]).any(axis=1))
