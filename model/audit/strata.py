"""Published strata, such as tumour size by grade: what the table of a guideline knows about a patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.audit.baselines import everyone_alike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.study.definition import Study
    from model.types import FloatArray, IntArray

STRATA = "size_and_grade"
MISSING = -1
# A stratum speaks for itself if the next wider one lets as many events of the cause expect in it. Not the observed
# number: many patients without an event say that the risk is low, and would be pooled away. The baseline did best with
# 2 on synthetic rnet cohorts of 4,000 (of 20,000: hardly worse than the best), from 0 to 20 tried.
MIN_EXPECTED = 2.0


def strata_levels(study: Study, baseline: FloatArray) -> IntArray:
    """Sort patients by the columns of `study.strata`, (n_patients, n_columns); a cut belongs to the level above it.

    baseline : (n_patients, n_baseline) as in Histories; a missing value is a level of its own
    """
    names = [each.name for each in study.baseline]
    levels = np.full((len(baseline), len(study.strata)), MISSING)
    for column, by in enumerate(study.strata):
        value = baseline[:, names.index(by.column)]
        known = ~np.isnan(value)
        level = np.searchsorted(by.cuts, value[known], side="right") if by.cuts else value[known]
        levels[known, column] = level
    return levels


def within_strata(
    levels: IntArray,
    months_to_exit: FloatArray,
    cause: IntArray,
    new_levels: IntArray,
    *,
    n_causes: int,
    horizon_months: Sequence[float],
) -> FloatArray:
    """Aalen-Johansen incidence of the training patients of the same stratum, (n_new, n_causes, n_horizons).

    Parameters
    ----------
    levels : (n_rows, n_columns) of training patients at risk at the landmark; new_levels : (n_new, n_columns)
    months_to_exit, cause : (n_rows,) from the landmark

    Notes
    -----
    From everyone to the first column's levels, to these by the second column's, and so on. At each step, cause by
    cause, a stratum in which fewer than MIN_EXPECTED events by the longest horizon are expected keeps the estimate of
    the wider one that it is part of.
    """
    alike = everyone_alike(months_to_exit, cause, n_causes=n_causes, horizon_months=horizon_months)
    incidence = np.tile(alike, (len(new_levels), 1, 1))
    for depth in range(1, levels.shape[1] + 1):
        for stratum in np.unique(levels[:, :depth], axis=0):
            here = (levels[:, :depth] == stratum).all(axis=1)
            new = np.flatnonzero((new_levels[:, :depth] == stratum).all(axis=1))
            if not len(new):
                continue
            wider = incidence[new[0]]
            enough = here.sum() * wider[:, -1:] >= MIN_EXPECTED
            own = everyone_alike(months_to_exit[here], cause[here], n_causes=n_causes, horizon_months=horizon_months)
            incidence[new] = np.where(enough, own, wider)
    return incidence
