"""A predictor whose hazards are set by hand, and a cohort that follows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.features import at_landmark, baseline_features, feature_list
from model.onset.grid import TimeGrid
from model.onset.growth import sensitivity_at
from model.onset.hazard import Parameters
from model.onset.scaling import Scaling
from model.predictor import CauseModel, Fitted, Predictor
from model.tables.cohort import Cohort
from tests.model.builders import histories, outcomes

if TYPE_CHECKING:
    from model.study.definition import Study
    from model.types import Histories, Outcomes


def cohort_of(study: Study, history: Histories, ended: Outcomes) -> Cohort:
    """Patients named by their number."""
    names = [str(number) for number in range(len(history))]
    return Cohort(study, names, [None] * len(names), history, ended, {})


def constant_predictor(study: Study, hazard: list[float]) -> Predictor:
    """One constant hazard per month and cause, whatever the patient is like."""
    grid = TimeGrid.of(study, until=study.landmark_months[-1])
    nobody = np.zeros(1, dtype=np.int64)
    nothing = histories(np.zeros(1), np.zeros((1, 0)), np.zeros((1, 0)))
    features = at_landmark(study, nothing, nobody, np.zeros(1))
    baseline = baseline_features(study, nothing.baseline)
    scaling = Scaling.learn(features, feature_list(study), baseline)
    causes = [
        CauseModel(
            _constant(each, n_bins=len(grid.fade), n_scores=scaling.n_scores),
            _constant(each, n_bins=1, n_scores=scaling.n_scores) if study.found_by_test(cause) else None,
            0,
        )
        for cause, each in enumerate(hazard, 1)
    ]
    luck = np.zeros((1, baseline.shape[1]))
    return Predictor(study, grid, scaling, tuple(causes), float(grid.landmark_month[-1]), luck)


def _constant(hazard: float, *, n_bins: int, n_scores: int) -> Fitted:
    packed = np.append(np.full(n_bins, np.log(hazard)), np.zeros(1 + n_scores))
    best, draws = (Parameters.unpack(each, n_bins=n_bins, n_scores=n_scores) for each in (packed, packed[None]))
    return Fitted(best, draws)


def surveilled_with(
    rng: np.random.Generator, study: Study, n: int, *, hazard: float, death: float, until: float
) -> tuple[Histories, Outcomes, np.ndarray]:
    """Scans of a growing lesion on a plan that reacts: every negative scan makes the next interval longer.

    Returns histories, outcomes and the true onset. `scan` sees it as the study says; death and the end of the study
    at `until` stop follow-up.
    """
    onset, dies = rng.exponential(1 / hazard, n), rng.exponential(1 / death, n)
    sees = study.test[0].sees["recurrence"]
    month, scan = np.full((n, 40), np.inf), np.full((n, 40), -1)
    now, found = np.zeros(n), np.zeros(n, dtype=bool)
    for visit in range(40):
        now = now + rng.uniform(2.0, 6.0, n) + visit
        here = ~found & (now < np.minimum(dies, until))
        positive = here & (rng.random(n) < sensitivity_at(sees, now - onset, months_per_unit=1.0))
        month[here, visit], scan[here, visit] = now[here], positive[here]
        found |= positive
    last = np.where(np.isfinite(month), month, 0.0).max(axis=1)
    end = np.where(found, last, np.minimum(dies, until))
    cause = np.where(found, 1, np.where(dies < until, 2, 0))
    return histories(np.zeros(n), month, scan), outcomes(end, cause), onset
