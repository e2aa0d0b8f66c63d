"""One patient's record on calendar dates, and its translation to the model's arrays on the patient's clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from model.study.definition import DAYS_PER_MONTH
from model.tables.columns import TEST_WORDS
from model.types import NOT_DONE, Histories

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from model.study.definition import Study
    from model.study.entries import Baseline
    from model.types import FloatArray

Value = float | bool | str


@dataclass(frozen=True)
class Visit:
    """What one visit found: markers in the study's units, tests as "negative" or "positive". Absent = not done."""

    date: date
    markers: Mapping[str, float]
    tests: Mapping[str, str]
    note: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How follow-up ended: one of the study's events, or "none"."""

    date: date
    event: str


@dataclass(frozen=True)
class Patient:
    """What the model may know of a patient: nothing here says who it is.

    Attributes
    ----------
    baseline : numbers, booleans and level names by study column; absent = missing
    tier : tier of care that the patient attends, None = every test is within reach
    visits : ascending in date, one a day
    """

    origin_date: date
    baseline: Mapping[str, Value]
    tier: str | None = None
    visits: tuple[Visit, ...] = ()
    outcome: Outcome | None = None

    def month_of(self, day: date) -> float:
        """Months from the origin to a date."""
        return (day - self.origin_date).days / DAYS_PER_MONTH

    def date_of(self, month: float) -> date:
        """Last whole day not after a month of the patient's clock."""
        # The thousandth forgives rounding: the month of a date must lead back to that date.
        return self.origin_date + timedelta(days=int(month * DAYS_PER_MONTH + 0.001))

    def with_visit(self, visit: Visit) -> Patient:
        """Return the record with one more visit."""
        return replace(self, visits=tuple(sorted((*self.visits, visit), key=lambda known: known.date)))

    def without(self, day: date) -> Patient:
        """Return the record as if there had been no visit that day."""
        return replace(self, visits=tuple(visit for visit in self.visits if visit.date != day))

    def positive_by(self, day: date) -> bool:
        """Whether some test by that day was positive."""
        return any("positive" in visit.tests.values() for visit in self.visits if visit.date <= day)


@dataclass(frozen=True)
class StoredVisit:
    """A visit with its identity and the moment it was written down (UTC)."""

    visit_id: UUID
    recorded_at: datetime
    visit: Visit


@dataclass(frozen=True)
class StoredPatient:
    """A record with its identity.

    Attributes
    ----------
    study : name of the study that the record was checked against
    version : 1 at first, one more after every change
    """

    patient_id: UUID
    patient_ref: str
    centre: str | None
    study: str
    version: int
    recorded_at: datetime
    patient: Patient
    visits: tuple[StoredVisit, ...]

    def without(self, visit_id: UUID) -> StoredPatient:
        """Return the record as if that visit were not recorded."""
        kept = tuple(each for each in self.visits if each.visit_id != visit_id)
        return replace(self, visits=kept, patient=replace(self.patient, visits=tuple(each.visit for each in kept)))


def histories(study: Study, patient: Patient) -> Histories:
    """Turn a checked record into a cohort of one."""
    return histories_of_all(study, [patient])


def histories_of_all(study: Study, patients: Sequence[Patient]) -> Histories:
    """Turn checked records into a cohort, patients in this order."""
    visits = [visit for patient in patients for visit in patient.visits]
    n_visits = np.array([len(patient.visits) for patient in patients], dtype=np.int64)
    # A mask with each patient's visits first: what is put in place through it fills row after row.
    there = np.arange(n_visits.max(initial=0)) < n_visits[:, None]

    def padded(rows: list[Any], empty: float, *width: int) -> FloatArray:
        array = np.full((*there.shape, *width), empty)
        array[there] = np.array(rows, dtype=float).reshape(len(visits), *width)
        return array

    months = [patient.month_of(visit.date) for patient in patients for visit in patient.visits]
    markers = [[visit.markers.get(item.name, np.nan) for item in study.marker] for visit in visits]
    tests = [[_result(visit.tests.get(item.name)) for item in study.test] for visit in visits]
    baseline = [[_number(item, patient.baseline.get(item.name)) for item in study.baseline] for patient in patients]
    return Histories(
        baseline=np.array(baseline, dtype=float).reshape(len(patients), len(study.baseline)),
        visit_month=padded(months, np.inf),
        marker=padded(markers, np.nan, len(study.marker)),
        test=padded(tests, NOT_DONE, len(study.test)).astype(np.int8),
    )


def _number(baseline: Baseline, value: Value | None) -> float:
    if value is None:
        return float("nan")
    return float(baseline.levels.index(value)) if isinstance(value, str) else float(value)


def _result(word: str | None) -> int:
    return NOT_DONE if word is None else TEST_WORDS.index(word)
