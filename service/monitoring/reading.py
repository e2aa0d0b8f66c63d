"""The whole store as arrays, some patients at a time, so that memory does not grow with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.monitoring.quarters import Calendar, first_day
from model.monitoring.watched import Watched
from service.errors import StudyMismatchError
from service.record import histories_of_all
from service.rules import require_study

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from model.study.definition import Study
    from service.record import Outcome, Patient, StoredPatient
    from service.store.database import Database

PATIENTS_AT_ONCE = 500


def calendar_of(database: Database, today: date) -> Calendar:
    """Span the quarters from the first patient's day 0 to today."""
    with database.reading() as patients:
        earliest = patients.earliest_origin() or today
    return Calendar.between(np.datetime64(earliest), np.datetime64(today))


def stored_in_chunks(database: Database) -> Iterator[list[StoredPatient]]:
    """Read everybody, each chunk in a transaction of its own."""
    last = None
    while True:
        with database.reading() as patients:
            chunk = patients.following(last, most=PATIENTS_AT_ONCE)
        if not chunk:
            return
        yield chunk
        last = chunk[-1].patient_id


def understood(study: Study, stored: StoredPatient) -> bool:
    """Whether the loaded model can read a record."""
    outcome = stored.patient.outcome
    if outcome is not None and outcome.event not in ("none", *study.event_names):
        return False
    try:
        require_study(study, stored)
    except StudyMismatchError:
        return False
    return True


def watched_in_chunks(database: Database, study: Study, calendar: Calendar) -> Iterator[tuple[Watched, int]]:
    """Read everybody as arrays: the patients of a chunk whom the model can read, and how many it cannot."""
    begins = first_day(calendar.first)
    for chunk in stored_in_chunks(database):
        readable = [stored.patient for stored in chunk if understood(study, stored)]
        # Whoever was entered meanwhile with an earlier day 0 waits for the next time.
        here = [patient for patient in readable if np.datetime64(patient.origin_date) >= begins]
        yield watched_of(study, here, calendar.today), len(chunk) - len(readable)


def watched_of(study: Study, patients: Sequence[Patient], today: np.datetime64) -> Watched:
    """Turn records that the model can read into arrays."""
    ended = [(patient, patient.outcome) for patient in patients]
    return Watched.today(
        study,
        histories_of_all(study, patients),
        np.array([patient.origin_date for patient in patients], dtype="datetime64[D]"),
        np.array([_month(patient, outcome) for patient, outcome in ended], dtype=np.float64),
        np.array([_cause(study, outcome) for _, outcome in ended], dtype=np.int64),
        today=today,
    )


def _month(patient: Patient, outcome: Outcome | None) -> float:
    return float("nan") if outcome is None else patient.month_of(outcome.date)


def _cause(study: Study, outcome: Outcome | None) -> int:
    return 0 if outcome is None or outcome.event == "none" else study.event_names.index(outcome.event) + 1
