"""Two rules for missing baselines, compared on truth: the training mean, or what is expected given the known ones.

Both add a term for being missing. Under the first rule nothing goes together, so every missing baseline takes its mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np

from examples.truth.cohorts import HORIZONS, LANDMARKS, study_of
from examples.truth.coverage import all_recorded
from examples.truth.judged import trained
from examples.truth.tables import header, line
from model.onset.missing import JointNormal
from synthetic_data.parameters import CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.truth.options import Options
    from model.types import BoolArray, FloatArray

LEAST = 1e-6


def report(options: Options) -> Iterator[str]:
    """One line per landmark and horizon: log likelihood of the truth per patient, and observed over expected."""
    study = study_of(options.variant)
    with patch.object(JointNormal, "learn", classmethod(_nothing_goes_together)):
        alone = trained(study, options.variant, patients=options.patients)
    together = trained(study, options.variant, patients=options.patients)
    yield from header(
        "from month", "within", "patients with a blank", "log likelihood, training mean", "given the known",
        "difference", "standard error", "O/E, training mean", "given the known",
    )  # fmt: skip
    for landmark in LANDMARKS:
        who = together.fresh.followed(landmark)
        who = who[~all_recorded(study, together.fresh.histories.select(who))]
        risks = [judged.predicted(who, landmark) for judged in (alone, together)]
        for index, horizon in enumerate(HORIZONS):
            happened = together.fresh.happened(who, landmark + horizon)[:, : len(CAUSES)]
            first, second = (log_likelihood(risk[:, index, : len(CAUSES)], happened) for risk in risks)
            gain = second - first
            ratios = (happened.sum() / risk[:, index, : len(CAUSES)].sum() for risk in risks)
            error = gain.std(ddof=1) / np.sqrt(len(gain))
            cells = (f"{first.mean():.5f}", f"{second.mean():.5f}", f"{gain.mean():.5f}", f"{error:.5f}")
            yield line(landmark, horizon, len(who), *cells, *(f"{ratio:.3f}" for ratio in ratios))


def log_likelihood(risk: FloatArray, happened: BoolArray) -> FloatArray:
    """Log chance of which onset came first, or none, not below log LEAST; (n_patients, n_causes) to (n_patients,)."""
    chance = np.column_stack([risk, 1.0 - risk.sum(axis=1)])
    came = np.column_stack([happened, ~happened.any(axis=1)])
    return np.asarray(np.log(np.maximum(chance[came], LEAST)))


def _nothing_goes_together(cls: type[JointNormal], scores: FloatArray) -> JointNormal:
    n_columns = scores.shape[1]
    known = np.nan_to_num(scores)
    mean = known.sum(axis=0) / np.maximum((~np.isnan(scores)).sum(axis=0), 1)
    return cls(mean, np.eye(n_columns))
