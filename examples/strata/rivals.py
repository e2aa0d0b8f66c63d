"""What guidelines' strata predict: the incidence of the patients of the same stratum in a cohort to learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.audit.baselines import everyone_alike
from model.audit.strata import strata_levels, within_strata
from model.guidelines.advice import follow_up

if TYPE_CHECKING:
    from examples.truth.cohorts import Known
    from model.guidelines.entries import GuidelineFile
    from model.predictor import Predictor
    from model.study.definition import Study
    from model.types import FloatArray, IntArray

OURS, TENTHS, ALIKE, STRATA = "our model", "tenths of our model's risk", "everybody alike", "size and grade"
ANY, OTHER = 1, 2


def outcome(known: Known, who: IntArray, landmark_month: float) -> tuple[FloatArray, IntArray]:
    """What was recorded of these patients: months from the landmark, and 0, ANY recurrence or OTHER, (n_who,) each."""
    outcomes, targets = known.cohort.outcomes, known.cohort.study.targets
    cause = outcomes.cause[who]
    merged = np.where(np.isin(cause, targets), ANY, np.where(cause > 0, OTHER, 0))
    return outcomes.exit_month[who] - landmark_month, merged


def presence(known: Known, who: IntArray, landmark_month: float) -> tuple[FloatArray, IntArray]:
    """What is true of them: months to the first onset, found or not, or to death; 0 where it has begun already."""
    _, month = known.first_onset()
    death = known.lesions.death_month
    came = np.isfinite(month[who])
    return np.maximum(np.where(came, month[who], death[who]) - landmark_month, 0.0), np.where(came, ANY, OTHER)


def sortings(study: Study, guidelines: GuidelineFile, baseline: FloatArray) -> dict[str, IntArray]:
    """Sort patients as each guideline's follow-up does and by size and grade: strata, (n_patients, n_columns) each.

    Facts that nobody recorded are read as the guidelines file says; patients of whom a guideline says nothing are a
    stratum of their own.
    """
    by_guideline = {
        each.title: follow_up(each, guidelines, study, baseline, assume=True).entry[:, None]
        for each in guidelines.guideline
    }
    return {STRATA: strata_levels(study, baseline), **by_guideline}


def predictions(
    predictor: Predictor, guidelines: GuidelineFile, learned: Known, fresh: Known, *, landmark: float, horizon: float
) -> dict[str, FloatArray]:
    """P(any recurrence within the horizon) of fresh patients followed at the landmark, (n_fresh,), by who says it.

    Strata speak of recurrences found, since that is what a cohort records; our model of those that are there.
    """
    before, now = learned.followed(landmark), fresh.followed(landmark)
    months, cause = outcome(learned, before, landmark)
    ours_before, ours = (
        _risk(predictor, known, who, landmark, horizon) for known, who in ((learned, before), (fresh, now))
    )

    def of_stratum(levels: IntArray, new_levels: IntArray) -> FloatArray:
        found = within_strata(levels, months, cause, new_levels, n_causes=OTHER, horizon_months=(horizon,))
        return np.asarray(found[:, 0, 0])

    study = predictor.study
    alike = everyone_alike(months, cause, n_causes=OTHER, horizon_months=(horizon,))[0, 0]
    cuts = np.quantile(ours_before, np.arange(1, 10) / 10)
    tenths = (np.searchsorted(cuts, risk, side="right")[:, None] for risk in (ours_before, ours))
    old, new = (
        sortings(study, guidelines, known.histories.baseline[who]) for known, who in ((learned, before), (fresh, now))
    )
    return {
        OURS: ours,
        TENTHS: of_stratum(*tenths),
        ALIKE: np.full(len(now), alike),
        **{name: of_stratum(levels, new[name]) for name, levels in old.items() if len(np.unique(levels)) > 1},
    }


def _risk(predictor: Predictor, known: Known, who: IntArray, landmark: float, horizon: float) -> FloatArray:
    """P(any recurrence is there by the horizon), (n_who,)."""
    forecast = predictor.predict(known.histories.select(who), np.full(len(who), landmark))
    return np.asarray(forecast.at(horizon)[:, [cause - 1 for cause in predictor.study.targets]].sum(axis=1))
