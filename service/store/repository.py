"""Records to rows and back, within one transaction. Rules are checked by the caller, who holds the patient's lock."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from service.errors import DuplicateError, NotFoundError
from service.record import Outcome, Patient, StoredPatient, StoredVisit, Visit
from service.store.tables import OutcomeRow, PatientRow, VisitRow

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session


class Patients:
    """The patients as one transaction sees them."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, patient: Patient, *, patient_ref: str, centre: str | None, study: str, now: datetime) -> uuid.UUID:
        """Record a new patient; raises DuplicateError if the centre has one of that reference."""
        row = PatientRow(
            patient_id=uuid.uuid4(),
            patient_ref=patient_ref,
            centre=centre or "",
            tier=patient.tier,
            study=study,
            origin_date=patient.origin_date,
            baseline=dict(patient.baseline),
            version=1,
            recorded_at=now,
        )
        self.session.add(row)
        try:
            self.session.flush()
        except IntegrityError:
            raise DuplicateError("This patient_ref is recorded already.") from None
        return row.patient_id

    def get(self, patient_id: uuid.UUID) -> StoredPatient:
        """Read a patient; raises NotFoundError."""
        row = self.session.get(PatientRow, patient_id)
        if row is None:
            raise NotFoundError("There is no such patient.")
        return _stored(row)

    def changing(self, patient_id: uuid.UUID) -> StoredPatient:
        """Read a patient whom this transaction is about to change: others wait until it has ended."""
        query = update(PatientRow).where(PatientRow.patient_id == patient_id).values(version=PatientRow.version + 1)
        self.session.execute(query)
        return self.get(patient_id)

    def page(self, *, skip: int, most: int) -> tuple[list[StoredPatient], int]:
        """Read some patients by reference, and count all."""
        order = (PatientRow.patient_ref, PatientRow.centre)
        rows = self.session.scalars(select(PatientRow).order_by(*order).offset(skip).limit(most))
        return [_stored(row) for row in rows], self.session.scalar(select(func.count(PatientRow.patient_id))) or 0

    def following(self, last: uuid.UUID | None, *, most: int) -> list[StoredPatient]:
        """Read the patients after one in the order of identifiers, from the first: chunk by chunk, all of them."""
        query = select(PatientRow).order_by(PatientRow.patient_id).limit(most)
        rows = self.session.scalars(query if last is None else query.where(PatientRow.patient_id > last))
        return [_stored(row) for row in rows]

    def earliest_origin(self) -> date | None:
        """Read the first patient's day 0; None without patients."""
        return self.session.scalar(select(func.min(PatientRow.origin_date)))

    def state(self) -> str:
        """Sum up what is recorded: the same text as long as nobody was entered, changed or erased."""
        query = select(PatientRow.patient_id, PatientRow.version).order_by(PatientRow.patient_id)
        digest = hashlib.sha256()
        for patient_id, version in self.session.execute(query.execution_options(yield_per=1000)):
            digest.update(patient_id.bytes + version.to_bytes(8, "big"))
        return digest.hexdigest()

    def remove(self, patient_id: uuid.UUID) -> None:
        """Erase a patient with everything recorded about them; raises NotFoundError."""
        query = delete(PatientRow).where(PatientRow.patient_id == patient_id).returning(PatientRow.patient_id)
        if self.session.scalar(query) is None:
            raise NotFoundError("There is no such patient.")

    def add_visit(self, patient_id: uuid.UUID, visit: Visit, *, now: datetime) -> uuid.UUID:
        """Record a visit of a patient who is being changed."""
        row = VisitRow(
            visit_id=uuid.uuid4(),
            patient_id=patient_id,
            date=visit.date,
            markers=dict(visit.markers),
            tests=dict(visit.tests),
            note=visit.note,
            recorded_at=now,
        )
        self.session.add(row)
        return row.visit_id

    def retract_visit(self, patient_id: uuid.UUID, visit_id: uuid.UUID, *, now: datetime) -> None:
        """Mark a visit as entered in error: it no longer counts, and stays readable in the table."""
        row = self.session.get(VisitRow, visit_id)
        if row is None or row.patient_id != patient_id or row.retracted_at is not None:
            raise NotFoundError("There is no such visit.")
        row.retracted_at = now

    def close(self, patient_id: uuid.UUID, outcome: Outcome, *, now: datetime) -> None:
        """Record the outcome of a patient who is being changed."""
        row = OutcomeRow(patient_id=patient_id, date=outcome.date, event=outcome.event, recorded_at=now)
        self.session.add(row)


def _stored(row: PatientRow) -> StoredPatient:
    visits = tuple(
        StoredVisit(item.visit_id, item.recorded_at, Visit(item.date, item.markers, item.tests, item.note))
        for item in row.visits
    )
    patient = Patient(
        origin_date=row.origin_date,
        baseline=row.baseline,
        tier=row.tier,
        visits=tuple(stored.visit for stored in visits),
        outcome=None if row.outcome is None else Outcome(row.outcome.date, row.outcome.event),
    )
    return StoredPatient(
        row.patient_id, row.patient_ref, row.centre or None, row.study, row.version, row.recorded_at, patient, visits
    )
