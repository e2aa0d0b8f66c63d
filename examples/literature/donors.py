"""Pathology that a cohort does not publish, as facts sheet section 9 proposes it, in place of missing values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from synthetic_data.baseline import draw_patients

if TYPE_CHECKING:
    from model.study.definition import Study
    from model.types import FloatArray, Histories

SIZE = "size_mm"
NEAREST = 10  # donors on either side in size


def completed(study: Study, histories: Histories, rng: np.random.Generator) -> Histories:
    """Fill what is missing in each patient from one synthetic patient of about the same size, and grade if known.

    histories : (n_patients, ...) sizes known; the study's columns are those of the default study
    """
    donors = _donors(study, rng)
    names = [baseline.name for baseline in study.baseline]
    size, grade = names.index(SIZE), names.index("grade")
    baseline, recorded = histories.baseline.copy(), histories.baseline[:, grade]
    for level in (np.nan, *np.unique(donors[:, grade])):
        known = ~np.isnan(level)
        pool = donors[donors[:, grade] == level] if known else donors
        who = np.flatnonzero(recorded == level if known else np.isnan(recorded))
        place = np.searchsorted(pool[:, size], baseline[who, size]) + rng.integers(-NEAREST, NEAREST, len(who))
        given = pool[np.clip(place, 0, len(pool) - 1)]
        baseline[who] = np.where(np.isnan(baseline[who]), given, baseline[who])
    return replace(histories, baseline=baseline)


def _donors(study: Study, rng: np.random.Generator) -> FloatArray:
    """Patients after endoscopic resection, ascending in size, (n_donors, n_baseline); other columns NaN."""
    drawn = draw_patients(rng, arm="endoscopic")
    column = {
        SIZE: drawn.size_mm,
        "age_years": drawn.age_years,
        "sex": drawn.male,
        "depth": drawn.depth,
        "central_depression": drawn.depression,
        "grade": drawn.grade - 1,
        "ki67_percent": drawn.ki67_percent,
        "lymphovascular_invasion": drawn.lvi,
        "margin": drawn.r1,
    }
    nothing = np.full(len(drawn.size_mm), np.nan)
    donors = np.column_stack([column.get(baseline.name, nothing) for baseline in study.baseline])
    return np.asarray(donors[np.argsort(drawn.size_mm)], dtype=np.float64)
