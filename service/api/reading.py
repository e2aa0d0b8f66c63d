"""Reading a record to answer from it: as known now or at a moment, and never without the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Query

from service.api.incoming import Moment
from service.errors import Fault, InvalidError
from service.rules import moment

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from service.api.asking import Asked
    from service.api.dependencies import Service
    from service.record import StoredPatient

KnownAt = Annotated[
    Moment | None, Query(description="Answer from what was recorded at this moment: a correction since does not count.")
]


def read(
    service: Service, asked: Asked, action: str, patient_id: UUID, known_at: datetime | None = None
) -> StoredPatient:
    """Read a patient for a caller; raises NotFoundError, also if there was no such patient at that moment."""
    now = service.clock()
    if known_at is not None and known_at > now:
        raise InvalidError([Fault("query.as_known_at", "must not lie in the future")])
    with service.database.reading() as patients:
        stored = patients.get(patient_id, known_at)
    service.reads.note(asked.entry(now, action, patient_id))
    return stored


def day_of(service: Service, stored: StoredPatient, as_of: date | None, known_at: datetime | None) -> date:
    """Choose the date that an answer is about: the day of the question, now or then, where none is given."""
    today = service.today() if known_at is None else known_at.date()
    return moment(stored.patient, as_of, today=today, at="query.as_of")
