"""A model trained on one synthetic cohort, and a fresh cohort to judge it by: what most tables start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from examples.truth.cohorts import ANY, FRESH_SEED, HORIZONS, LEARN_SEED, draw
from model.learning.fitting import fit_predictor

if TYPE_CHECKING:
    from examples.truth.cohorts import Known
    from model.forecast import Forecast
    from model.predictor import Predictor
    from model.study.definition import Study
    from model.types import FloatArray, IntArray

# Between the seeds of one repetition and the next.
AGAIN = 100


@dataclass(frozen=True)
class Judged:
    """A predictor, the cohort it learned from, and one it has never seen."""

    predictor: Predictor
    learned: Known
    fresh: Known

    def predicted(self, who: IntArray, landmark_month: float) -> FloatArray:
        """P(first onset within each of HORIZONS) of fresh patients, by cause and any, (n_who, n_horizons, 4)."""
        return predicted(self.predictor, self.fresh, who, landmark_month)


def trained(study: Study, variant: str, *, patients: int, published: bool = True, again: int = 0) -> Judged:
    """Draw both cohorts of a variant, read them as the study says, and train on the first.

    again : number of the repetition, each with cohorts of its own
    """
    seeds = (seed + AGAIN * again for seed in (LEARN_SEED, FRESH_SEED))
    learned, fresh = (draw(variant, study, patients=patients, seed=seed) for seed in seeds)
    predictor, _ = fit_predictor(study, learned.histories, learned.cohort.outcomes, seed=1, published=published)
    return Judged(predictor, learned, fresh)


def predicted(predictor: Predictor, known: Known, who: IntArray, landmark_month: float) -> FloatArray:
    """P(first onset within each of HORIZONS), by cause and any, (n_who, n_horizons, 4)."""
    forecast = predictor.predict(known.histories.select(who), np.full(len(who), landmark_month))
    return by_horizon(forecast)


def by_horizon(forecast: Forecast) -> FloatArray:
    """Incidence at each of HORIZONS, by cause and any, (..., n_patients, n_horizons, 4)."""
    return np.stack([with_any(forecast.at(horizon)) for horizon in HORIZONS], axis=-2)


def with_any(incidence: FloatArray) -> FloatArray:
    """Of incidences by event, (..., n_causes), the three recurrences and their sum, (..., 4)."""
    targets = incidence[..., :ANY]
    return np.concatenate([targets, targets.sum(axis=-1, keepdims=True)], axis=-1)
