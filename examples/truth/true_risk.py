"""The true risk of followed patients: from their true covariates, and from every test that found nothing so far.

No draws: given a patient's covariates the causes are independent, and what is unknown of each are its onset and its
pace of growth. Both are put on a grid, weighed by the chance that every test missed it, and summed. The first onset of
all causes is then weighed by what the liquid-biopsy score says of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from synthetic_data.biology import (
    DEATH_GROWTH_PER_MONTH,
    DISTANT,
    Lesions,
    death_hazard_at_resection,
    log_hazard_ratio,
    median_doubling_months,
)
from synthetic_data.detection import ONSET_DIAMETER_MM, sensitivity
from synthetic_data.parameters import (
    CAUSES,
    DEATH_AFTER_DISTANT_PER_YEAR,
    DOUBLING_LOG_SD,
    FIRST_SIZE_MM,
    LESION_REFERENCE_MONTHS,
    LESION_SHAPE,
    LIQUID_FREE,
    MARKERS,
    MONTHS_PER_YEAR,
    SYMPTOM_SIZE_MM,
    TESTS,
)
from synthetic_data.truth import GROWTH_NODES, GROWTH_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from examples.truth.cohorts import Known
    from model.types import FloatArray
    from synthetic_data.variants import Variant

PATIENTS_AT_ONCE = 100
# Onsets past the longest horizon matter only through lesions that a test might have seen small: a coarse grid will do.
LATER_MONTHS = np.geomspace(2.0, 600.0, 30)


def true_risk(known: Known, variant: Variant, *, landmark_month: float, horizon_months: Sequence[float]) -> FloatArray:
    """P(first onset is of this cause, within the horizon and before death | followed, all tests negative).

    Parameters
    ----------
    known : patients who are all still followed at the landmark
    landmark_month, horizon_months : whole months

    Returns
    -------
    (n_patients, n_horizons, n_causes + 1), any cause last. An onset before the landmark, as yet unseen, counts.

    Notes
    -----
    The liquid-biopsy score counts too: it answers to the first onset, of any cause. Chromogranin does not: it answers
    to the sizes of all lesions at once, in a third of the patients, and in the default not before they are large.
    """
    if variant.nature.frailty_sd:
        raise ValueError("with a shared frailty the causes are not independent")
    parts = [
        _of_chunk(known.select(who), variant, landmark_month, horizon_months)
        for who in np.array_split(np.arange(len(known.cohort)), -(-len(known.cohort) // PATIENTS_AT_ONCE))
    ]
    return np.concatenate(parts)


def _of_chunk(known: Known, variant: Variant, landmark: float, horizons: Sequence[float]) -> FloatArray:
    months = np.arange(landmark + max(horizons) + 1.0)
    onset_free = np.stack([_onset_free(known, variant, cause, months, landmark) for cause in range(len(CAUSES))])
    lost = -np.diff(np.log(np.maximum(onset_free, np.finfo(float).tiny)), axis=-1)
    total = lost.sum(axis=0)
    share = np.divide(lost, total, out=np.zeros_like(lost), where=total > 0.0)
    alive = _alive(known, variant, months, landmark)
    none = onset_free.prod(axis=0)
    first = share * -np.diff(none, axis=-1) * _score_ratio(known, variant, (months[1:] + months[:-1]) / 2, landmark)
    evidence = first.sum(axis=(0, 2)) + none[:, -1]
    by_month = np.cumsum(first * (alive[:, 1:] + alive[:, :-1]) / 2, axis=-1) / evidence[:, None]
    at = [int(landmark + horizon) - 1 for horizon in horizons]
    by_cause = np.moveaxis(by_month[:, :, at], 0, -1)
    return np.concatenate([by_cause, by_cause.sum(axis=-1, keepdims=True)], axis=-1)


def _alive(known: Known, variant: Variant, months: FloatArray, landmark: float) -> FloatArray:
    """P(no death but by recurrence by each month | alive at the landmark), (n_patients, n_months)."""
    hazard = death_hazard_at_resection(known.patients, variant.nature) / DEATH_GROWTH_PER_MONTH
    grown = np.exp(DEATH_GROWTH_PER_MONTH * np.maximum(months, landmark))
    alive: FloatArray = np.exp(-np.outer(hazard, grown - np.exp(DEATH_GROWTH_PER_MONTH * landmark)))
    return alive


def _onset_free(known: Known, variant: Variant, cause: int, months: FloatArray, landmark: float) -> FloatArray:
    """P(no onset of one cause by each month | nothing found by the landmark, alive), (n_patients, n_months).

    Axes within: patient, pace of growth, onset.
    """
    edge = np.append(months, months[-1] + LATER_MONTHS)
    doubling = median_doubling_months(known.patients, variant.nature)[:, None] * np.exp(DOUBLING_LOG_SD * GROWTH_NODES)
    delay = 3.0 * doubling * np.log2(ONSET_DIAMETER_MM[cause] / FIRST_SIZE_MM)
    lesion_age = np.maximum(edge - delay[:, :, None], 0.0) / LESION_REFERENCE_MONTHS
    scale = variant.nature.scale[cause] * np.exp(log_hazard_ratio(known.patients, variant.nature)[:, cause])
    before = GROWTH_WEIGHTS[:, None] * np.exp(-scale[:, None, None] * lesion_age**LESION_SHAPE)
    onset = (edge[1:] + edge[:-1]) / 2
    course = Lesions(onset - delay[:, :, None], doubling[:, :, None], np.full(1, np.inf))
    weight = -np.diff(before, axis=-1) * _unseen(known, variant, cause, course, landmark)
    if cause == DISTANT:
        per_month = np.array(DEATH_AFTER_DISTANT_PER_YEAR)[known.patients.grade - 1] / MONTHS_PER_YEAR
        weight *= np.exp(-np.outer(per_month, np.maximum(landmark - onset, 0.0)))[:, None, :]
    by_onset = weight.sum(axis=1)
    evidence = by_onset.sum(axis=1) + before[:, :, -1].sum(axis=1)
    passed = np.cumsum(by_onset[:, : len(months) - 1], axis=1) / evidence[:, None]
    return np.concatenate([np.ones((len(passed), 1)), 1.0 - passed], axis=1)


def _unseen(known: Known, variant: Variant, cause: int, course: Lesions, landmark: float) -> FloatArray:
    """P(every test so far missed it, and it causes no symptoms), (n_patients, n_paces, n_onsets) as the course's."""
    unseen = (course.month_of(SYMPTOM_SIZE_MM) > landmark).astype(np.float64)
    histories = known.histories.until(np.full(len(known.cohort), landmark))
    for curve in variant.curves:
        if curve.cause != CAUSES[cause]:
            continue
        done = histories.test[:, :, TESTS.index(curve.test)] >= 0
        for visit in np.flatnonzero(done.any(axis=0)):
            who = np.flatnonzero(done[:, visit])
            age = histories.visit_month[who, visit, None, None] - course.lesion_month[who]
            size = FIRST_SIZE_MM * np.exp2(np.maximum(age, 0.0) / (3.0 * course.doubling_months[who])) * (age >= 0.0)
            unseen[who] *= 1.0 - sensitivity(curve, size, known.patients.avid[who, None, None])
    return unseen


def _score_ratio(known: Known, variant: Variant, onset: FloatArray, landmark: float) -> FloatArray:
    """How much likelier the liquid-biopsy scores so far are after a first onset then, (n_patients, n_onsets).

    From some time before the first onset scores are drawn from another normal distribution; both are cut to 0..100.
    """
    histories = known.histories.until(np.full(len(known.cohort), landmark))
    value = histories.marker[:, :, MARKERS.index("liquid_biopsy_score")]
    ill, free = (norm(mean, sd) for mean, sd in (variant.markers.liquid_lesion, LIQUID_FREE))
    log_ratio = ill.logpdf(value) - free.logpdf(value)
    log_ratio = np.where(value <= 0.0, ill.logcdf(0.0) - free.logcdf(0.0), log_ratio)
    log_ratio = np.where(value >= 100.0, ill.logsf(100.0) - free.logsf(100.0), log_ratio)
    log_ratio = np.where(np.isnan(value), 0.0, log_ratio)
    after = histories.visit_month[:, :, None] >= onset - variant.markers.liquid_lead_months
    return np.asarray(np.exp(np.einsum("iv,ivt->it", log_ratio, after)))
