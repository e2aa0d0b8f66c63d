"""What was known at a landmark, as numbers: one function for one patient and for a cohort.

A feature is NaN where nothing was recorded. Filling happens in `model.onset.scaling`, from the training cohort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from model.types import NEGATIVE, NOT_DONE

if TYPE_CHECKING:
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Histories, IntArray, TestArray

MONTHS_PER_YEAR = 12.0
MONTHS_PER_DECADE = 120.0
# A trend is a local slope: what lies two years back weighs 1 / e of what is recent, and a slope needs to be carried by
# readings spread over about half a year before it is believed (shrinkage towards no trend).
TREND_MEMORY_MONTHS = 24.0
TREND_SHRINKAGE = 2.0 * 3.0**2


@dataclass(frozen=True)
class Feature:
    """One column of the feature matrix.

    Attributes
    ----------
    source : the study column it comes from, or "landmark" for the time itself
    what : which aspect of the source
    level : for one level of a category
    group : the study's group, "surveillance" for tests, "time" for the landmark
    """

    name: str
    source: str
    what: Literal["value", "level", "last", "age", "trend", "since", "negatives", "time"]
    group: str
    level: str | None = None

    @property
    def fades(self) -> bool:
        """Whether it describes the patient at the landmark, so that its effect wears off afterwards."""
        return self.what in ("last", "trend")


def feature_list(study: Study) -> tuple[Feature, ...]:
    """Name the columns that `at_landmark` returns for a study, in order."""
    features: list[Feature] = []
    for baseline in study.baseline:
        if baseline.kind == "category":
            features += [
                Feature(f"{baseline.name}={level}", baseline.name, "level", baseline.group, level)
                for level in baseline.levels[1:]
            ]
        else:
            features.append(Feature(baseline.name, baseline.name, "value", baseline.group))
    for marker in study.marker:
        name, group = marker.name, marker.group
        features += [
            Feature(f"{name}_last", name, "last", group),
            Feature(f"{name}_trend", name, "trend", group),
            Feature(f"{name}_age", name, "age", group),
        ]
    for test in study.test:
        features += [
            Feature(f"{test.name}_since", test.name, "since", "surveillance"),
            Feature(f"{test.name}_negatives", test.name, "negatives", "surveillance"),
        ]
    return (
        *features,
        Feature("landmark", "landmark", "time", "time"),
        Feature("landmark_squared", "landmark", "time", "time"),
    )


def at_landmark(study: Study, histories: Histories, patient: IntArray, landmark_month: FloatArray) -> FloatArray:
    """Return the features of patients at landmarks, from what was recorded by then.

    Parameters
    ----------
    histories : of any number of patients
    patient : (n_rows,) which patient each row is about; a patient may have many rows
    landmark_month : (n_rows,) the moment of prediction; a visit at that very moment counts as known

    Returns
    -------
    (n_rows, n_features) in the order of `feature_list`: baselines on the study's scale; per marker the last value on
    its transformed scale, its trend per year and its age in years; per test log(1 + years) since it was last done
    (since the origin if never) and log(1 + count) of its negatives; landmark in decades and its square. NaN = unknown.
    """
    n_seen = (histories.visit_month[patient] <= landmark_month[:, None]).sum(axis=1)
    rows = (patient, n_seen)
    parts = [baseline_features(study, histories.baseline)[patient]]
    if study.marker:
        values = [transformed(histories.marker[:, :, at], marker.transform) for at, marker in enumerate(study.marker)]
        parts.append(_marker_columns(histories.visit_month, np.stack(values, axis=2), rows, landmark_month))
    if study.test:
        parts.append(_test_columns(histories.visit_month, histories.test, rows, landmark_month))
    decades = landmark_month / MONTHS_PER_DECADE
    return np.concatenate([*parts, decades[:, None], decades[:, None] ** 2], axis=1)


def transformed(value: FloatArray, transform: str) -> FloatArray:
    """Put a measured value on the scale that the study models it on; NaN stays NaN."""
    if transform == "log":
        return np.log(value)
    return np.log1p(value) if transform == "log1p" else value


def baseline_features(study: Study, baseline: FloatArray) -> FloatArray:
    """Return the first features, those known at time 0, (n_patients, n_first), from Histories.baseline."""
    width = [len(item.levels) - 1 if item.kind == "category" else 1 for item in study.baseline]
    columns, end = np.empty((len(baseline), sum(width))), 0
    for index, (item, n_columns) in enumerate(zip(study.baseline, width, strict=True)):
        value, here = baseline[:, index], slice(end, end + n_columns)
        if item.kind == "category":
            columns[:, here] = value[:, None] == np.arange(1, n_columns + 1)
            columns[np.isnan(value), here] = np.nan
        else:
            columns[:, end] = transformed(value, item.transform)
        end += n_columns
    return columns


def _last_index(done: BoolArray) -> IntArray:
    """For every number of visits seen, 0..max_visits, the last visit at which it was done, -1 for none.

    done : (n_patients, max_visits, n_items); returns (n_patients, max_visits + 1, n_items).
    """
    n_patients, max_visits, n_items = done.shape
    last = np.full((n_patients, max_visits + 1, n_items), -1)
    np.maximum.accumulate(np.where(done, np.arange(max_visits)[:, None], -1), axis=1, out=last[:, 1:])
    return last


def _running_sum(value: FloatArray) -> FloatArray:
    """Sum over the first 0..max_visits visits, (n_patients, max_visits + 1, n_items)."""
    total = np.zeros((value.shape[0], value.shape[1] + 1, value.shape[2]))
    np.cumsum(value, axis=1, out=total[:, 1:])
    return total


def _marker_columns(
    visit_month: FloatArray, value: FloatArray, rows: tuple[IntArray, IntArray], landmark_month: FloatArray
) -> FloatArray:
    """Last value, trend and age of each marker, (n_rows, 3 n_markers), from values (n_patients, max_visits, n_markers).

    rows : patient and number of visits seen of each row
    """
    patient = rows[0][:, None]
    measured = ~np.isnan(value)
    last = _last_index(measured)[rows]
    known, at = last >= 0, np.maximum(last, 0)
    if value.shape[1] == 0:
        return np.full((len(patient), 3 * value.shape[2]), np.nan)
    month = np.where(measured, visit_month[:, :, None], 0.0)
    slope = _slopes(month, np.where(measured, value, 0.0), measured)[rows]
    age = (landmark_month[:, None] - visit_month[patient, at]) / MONTHS_PER_YEAR
    columns = np.stack([value[patient, at, np.arange(value.shape[2])], slope, age], axis=2)
    return np.where(known[:, :, None], columns, np.nan).reshape(len(patient), 3 * value.shape[2])


def _slopes(month: FloatArray, value: FloatArray, measured: BoolArray) -> FloatArray:
    """Discounted least-squares slope per year after 0..max_visits visits, shrunken towards none.

    All (n_patients, max_visits, n_items) to (n_patients, max_visits + 1, n_items). Running sums per patient, so that a
    patient's slope does not depend on who else is in the arrays.
    """
    year = month / MONTHS_PER_YEAR
    # Weights grow with time instead of shrinking into the past: their ratios are the same and need no landmark.
    weight = np.where(measured, np.exp(month / TREND_MEMORY_MONTHS), 0.0)
    total = _running_sum(weight)
    safe = np.where(total > 0, total, 1.0)
    mean_year, mean_value = _running_sum(weight * year) / safe, _running_sum(weight * value) / safe
    spread = _running_sum(weight * year**2) / safe - mean_year**2
    shared = _running_sum(weight * year * value) / safe - mean_year * mean_value
    count = _running_sum(measured.astype(float))
    return np.asarray(count * shared / (count * np.maximum(spread, 0.0) + TREND_SHRINKAGE / MONTHS_PER_YEAR**2))


def _test_columns(
    visit_month: FloatArray, result: TestArray, rows: tuple[IntArray, IntArray], landmark_month: FloatArray
) -> FloatArray:
    """Time since each test and count of its negatives, (n_rows, 2 n_tests), from (n_patients, max_visits, n_tests)."""
    negatives = _running_sum((result == NEGATIVE).astype(float))[rows]
    last = _last_index(result != NOT_DONE)[rows]
    month = np.concatenate([visit_month, np.zeros((len(visit_month), 1))], axis=1)  # -1, never done: since the origin
    since = landmark_month[:, None] - month[rows[0][:, None], last]
    columns = np.stack([np.log1p(since / MONTHS_PER_YEAR), np.log1p(negatives)], axis=2)
    return columns.reshape(len(since), 2 * result.shape[2])
