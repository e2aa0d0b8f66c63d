"""Ways to sort patients, for the question whether predictions hold in each kind of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.study.definition import Study
    from model.study.entries import Baseline
    from model.tables.cohort import Cohort
    from model.types import FloatArray, IntArray

UNKNOWN = "not recorded"
THIRDS = (1 / 3, 2 / 3)
PERIODS = 4


@dataclass(frozen=True)
class Grouping:
    """One way to sort patients.

    Attributes
    ----------
    name, label : of the column, or of what else sorts them
    levels : in order, each with at least one patient
    of_patient : (n_patients,) the position of each one's level
    """

    name: str
    label: str
    levels: tuple[str, ...]
    of_patient: IntArray

    @classmethod
    def of(cls, name: str, label: str, levels: Sequence[str], of_patient: IntArray) -> Grouping:
        """Leave out the levels that nobody has."""
        used, place = np.unique(of_patient, return_inverse=True)
        return cls(name, label, tuple(levels[each] for each in used), place.astype(np.int64))


def groupings(cohort: Cohort) -> list[Grouping]:
    """Sort a cohort by all that a reader would ask about; what does not tell patients apart is left out.

    Baselines: those of `[[strata]]`, those that are required, those with a published effect and demographic ones.
    Numbers at the cuts of the strata, else in thirds; a blank is a level of its own. Beside them the centre, the
    calendar time of the origin, and how many baselines with a published effect are blank.
    """
    study, histories = cohort.study, cohort.histories
    cuts = {by.column: by.cuts for by in study.strata}
    columns = [
        (item, histories.baseline[:, column])
        for column, item in enumerate(study.baseline)
        if item.name in cuts or item.required or item.prior or item.group == "demographics"
    ]
    found = [
        _by_centre(cohort.centre),
        *(_by_baseline(item, value, cuts.get(item.name, ())) for item, value in columns),
        *([] if cohort.origin_date is None else [_by_period(_year(cohort.origin_date))]),
        _by_blanks(study, histories.baseline),
    ]
    return [grouping for grouping in found if len(grouping.levels) > 1]


def _by_centre(centre: Sequence[str | None]) -> Grouping:
    names = [UNKNOWN if each is None else each for each in centre]
    levels = sorted(set(names), key=lambda name: (name == UNKNOWN, name))
    return Grouping.of("centre", "Centre", levels, np.array([levels.index(name) for name in names], dtype=np.int64))


def _by_baseline(item: Baseline, value: FloatArray, cuts: Sequence[float]) -> Grouping:
    known = ~np.isnan(value)
    if item.kind == "number":
        edges = np.unique(cuts or np.quantile(value[known], THIRDS)) if known.any() else np.zeros(0)
        levels, place = _bands(edges, item.unit), np.searchsorted(edges, value[known], side="right")
    else:
        levels, place = list(item.levels) or ["no", "yes"], value[known].astype(np.int64)
    of_patient = np.full(len(value), len(levels))
    of_patient[known] = place
    return Grouping.of(item.name, item.label or item.name, [*levels, UNKNOWN], of_patient)


def _bands(edges: FloatArray, unit: str | None) -> list[str]:
    """Name what lies below, between and above some edges; an edge belongs to the band above it."""
    told = [f"{edge:.3g}" for edge in edges]
    after = f" {unit}" if unit else ""
    if not told:
        return ["recorded"]
    between = [f"{low} to under {high}{after}" for low, high in itertools.pairwise(told)]
    return [f"under {told[0]}{after}", *between, f"{told[-1]}{after} or more"]


def _by_period(year: FloatArray) -> Grouping:
    """Whole calendar years, joined into periods with about as many patients each; NaN = not given."""
    known = ~np.isnan(year)
    ends = np.unique(np.quantile(year[known], np.arange(1, PERIODS + 1) / PERIODS, method="inverted_cdf"))
    place = np.searchsorted(ends, year[known], side="left")
    starts = [year[known][place == each].min() for each in range(len(ends))]
    levels = [f"{a:g}" if a == b else f"{a:g} to {b:g}" for a, b in zip(starts, ends, strict=True)]
    of_patient = np.full(len(year), len(ends))
    of_patient[known] = place
    return Grouping.of("origin_year", "Calendar year of the origin", [*levels, UNKNOWN], of_patient)


def _by_blanks(study: Study, baseline: FloatArray) -> Grouping:
    published = [column for column, item in enumerate(study.baseline) if item.prior]
    blanks = np.isnan(baseline[:, published]).sum(axis=1)
    levels = ("none", "one", "two or more")
    return Grouping.of("blank", "Blank among baselines with a published effect", levels, np.minimum(blanks, 2))


def _year(date: np.ndarray) -> FloatArray:
    """Calendar year of days, NaN where not given."""
    year = date.astype("datetime64[Y]").astype(np.float64) + 1970
    return np.where(np.isnat(date), np.nan, year)
