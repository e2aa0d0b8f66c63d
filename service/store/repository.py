"""Records to rows and back, within one transaction. Rules are checked by the caller, who holds the patient's lock."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import and_, delete, func, or_, select, union_all, update
from sqlalchemy.exc import IntegrityError

from service.errors import DuplicateError, NotFoundError
from service.record import Outcome, Patient, StoredPatient, StoredVisit, Visit
from service.store.tables import OutcomeStatement, PatientRow, PatientStatement, Statement, VisitStatement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    Rows = Select[PatientRow, PatientStatement, OutcomeStatement]

# Two changes of a patient never share a moment, whatever the clock does, so that each state can be asked for.
NEXT_MOMENT = timedelta(microseconds=1)
STATEMENTS: tuple[type[Statement], ...] = (PatientStatement, VisitStatement, OutcomeStatement)

T = TypeVar("T", bound=Statement)


class Patients:
    """The patients as one transaction sees them."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, patient: Patient, *, patient_ref: str, centre: str | None, study: str, now: datetime) -> uuid.UUID:
        """Record a new patient without visits; raises DuplicateError if the centre has one of that reference."""
        row = PatientRow(
            patient_id=uuid.uuid4(),
            patient_ref=patient_ref,
            centre=centre or "",
            study=study,
            version=1,
            recorded_at=now,
            changed_at=now,
        )
        self.session.add(row)
        try:
            self.session.flush()
        except IntegrityError:
            raise DuplicateError("This patient_ref is recorded already.") from None
        self._state(row.patient_id, patient, now)
        return row.patient_id

    def get(self, patient_id: uuid.UUID, known_at: datetime | None = None) -> StoredPatient:
        """Read a patient, as known at a moment (now); raises NotFoundError."""
        found = self._read(_rows(known_at).where(PatientRow.patient_id == patient_id), known_at)
        if not found:
            raise NotFoundError("There is no such patient.")
        return found[0]

    def changing(self, patient_id: uuid.UUID, now: datetime) -> tuple[StoredPatient, datetime]:
        """Read a patient whom this transaction is about to change: others wait until it has ended.

        Returns the record as it was, which has the next version from now on, and the moment of the change: `now`, or
        just after the last change if the clock was set back. Raises NotFoundError.
        """
        query = update(PatientRow).where(PatientRow.patient_id == patient_id).values(version=PatientRow.version + 1)
        last = self.session.scalar(query.returning(PatientRow.changed_at))
        if last is None:
            raise NotFoundError("There is no such patient.")
        moment = max(now, last + NEXT_MOMENT)
        self.session.execute(
            update(PatientRow).where(PatientRow.patient_id == patient_id).values(changed_at=moment),
            execution_options={"synchronize_session": False},
        )
        stored = self.get(patient_id)
        return replace(stored, version=stored.version - 1), moment

    def page(
        self, *, skip: int, most: int, centres: frozenset[str] | None = None, holding: str = ""
    ) -> tuple[list[StoredPatient], int]:
        """Read some patients of these centres (of all) by reference, and count all of them.

        holding : only those whose reference holds it; large and small letters are alike, of those outside ASCII only
        where the database knows them
        """
        reference = PatientRow.patient_ref
        which: list[ColumnElement[bool]] = [] if centres is None else [PatientRow.centre.in_(sorted(centres))]
        if holding:
            as_typed = reference.contains(holding, autoescape=True)
            which.append(or_(as_typed, func.lower(reference).contains(holding.lower(), autoescape=True)))
        rows = _rows().where(*which).order_by(reference, PatientRow.centre).offset(skip).limit(most)
        return self._read(rows), self.session.scalar(select(func.count(PatientRow.patient_id)).where(*which)) or 0

    def some(self, patient_ids: Sequence[uuid.UUID]) -> list[StoredPatient]:
        """Read patients in this order; who was removed is left out."""
        found = {each.patient_id: each for each in self._read(_rows().where(PatientRow.patient_id.in_(patient_ids)))}
        return [found[each] for each in patient_ids if each in found]

    def following(self, last: uuid.UUID | None, *, most: int) -> list[StoredPatient]:
        """Read the patients after one in the order of identifiers, from the first: chunk by chunk, all of them."""
        query = _rows().order_by(PatientRow.patient_id).limit(most)
        return self._read(query if last is None else query.where(PatientRow.patient_id > last))

    def earliest_origin(self) -> date | None:
        """Read the first patient's day 0; None without patients."""
        return self.session.scalar(select(func.min(PatientStatement.origin_date)).where(_believed(PatientStatement)))

    def studies(self) -> list[str]:
        """Read which studies' patients there are."""
        return list(self.session.scalars(select(PatientRow.study).distinct().order_by(PatientRow.study)))

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

    def correct(self, patient_id: uuid.UUID, patient: Patient, *, now: datetime) -> None:
        """Replace day 0, baseline and tier of a patient who is being changed."""
        self._supersede(PatientStatement, PatientStatement.patient_id == patient_id, now)
        self._state(patient_id, patient, now)

    def add_visit(
        self, patient_id: uuid.UUID, visit: Visit, *, now: datetime, visit_id: uuid.UUID | None = None
    ) -> uuid.UUID:
        """Record a visit of a patient who is being changed, under an identifier of its own where none is given."""
        row = VisitStatement(
            row_id=uuid.uuid4(),
            patient_id=patient_id,
            recorded_at=now,
            visit_id=visit_id or uuid.uuid4(),
            date=visit.date,
            markers=dict(visit.markers),
            tests=dict(visit.tests),
            note=visit.note,
        )
        self.session.add(row)
        return row.visit_id

    def retract_visit(self, patient_id: uuid.UUID, visit_id: uuid.UUID, *, now: datetime) -> None:
        """Mark a visit as entered in error: it no longer counts; raises NotFoundError."""
        which = and_(VisitStatement.patient_id == patient_id, VisitStatement.visit_id == visit_id)
        if not self._supersede(VisitStatement, which, now):
            raise NotFoundError("There is no such visit.")

    def close(self, patient_id: uuid.UUID, outcome: Outcome, *, now: datetime) -> None:
        """Record the outcome of a patient who is being changed."""
        self.session.add(
            OutcomeStatement(
                row_id=uuid.uuid4(), patient_id=patient_id, recorded_at=now, date=outcome.date, event=outcome.event
            )
        )

    def reopen(self, patient_id: uuid.UUID, *, now: datetime) -> None:
        """Take the outcome back; raises NotFoundError where there is none."""
        if not self._supersede(OutcomeStatement, OutcomeStatement.patient_id == patient_id, now):
            raise NotFoundError("The patient has no outcome.")

    def _state(self, patient_id: uuid.UUID, patient: Patient, now: datetime) -> None:
        row = PatientStatement(
            row_id=uuid.uuid4(),
            patient_id=patient_id,
            recorded_at=now,
            tier=patient.tier,
            origin_date=patient.origin_date,
            baseline=dict(patient.baseline),
        )
        self.session.add(row)

    def _supersede(self, table: type[T], which: ColumnElement[bool], now: datetime) -> bool:
        """End the belief in a statement; returns whether there was one."""
        query = update(table).where(which, table.superseded_at.is_(None)).values(superseded_at=now)
        found = self.session.scalars(query.returning(table.row_id), execution_options={"synchronize_session": False})
        return bool(found.all())

    def _read(self, query: Rows, known_at: datetime | None = None) -> list[StoredPatient]:
        """Turn rows into records, with two queries for any number of them."""
        found = self.session.execute(query).all()
        visits: dict[uuid.UUID, list[StoredVisit]] = {}
        ids = [row.patient_id for row, _, _ in found]
        asked = select(VisitStatement).where(VisitStatement.patient_id.in_(ids), _believed(VisitStatement, known_at))
        for item in self.session.scalars(asked.order_by(VisitStatement.date)) if ids else ():
            stored = StoredVisit(item.visit_id, item.recorded_at, Visit(item.date, item.markers, item.tests, item.note))
            visits.setdefault(item.patient_id, []).append(stored)
        records = [_stored(row, told, ended, visits.get(row.patient_id, ())) for row, told, ended in found]
        return records if known_at is None else [self._as_of_then(record, known_at) for record in records]

    def _as_of_then(self, stored: StoredPatient, known_at: datetime) -> StoredPatient:
        """Put back the version of a moment: each change has a moment of its own, and wrote or ended a statement."""
        moments = union_all(
            *(
                select(column.label("moment")).where(table.patient_id == stored.patient_id, column <= known_at)
                for table in STATEMENTS
                for column in (table.recorded_at, table.superseded_at)
            )
        ).subquery()
        version = self.session.scalar(select(func.count(moments.c.moment.distinct())))
        return replace(stored, version=version or 1)


def _believed(table: type[Statement], known_at: datetime | None = None) -> ColumnElement[bool]:
    """Whether a statement is believed now, or was at a moment."""
    if known_at is None:
        return table.superseded_at.is_(None)
    return and_(table.recorded_at <= known_at, or_(table.superseded_at.is_(None), table.superseded_at > known_at))


def _rows(known_at: datetime | None = None) -> Rows:
    def of_the_patient(table: type[Statement]) -> ColumnElement[bool]:
        return and_(table.patient_id == PatientRow.patient_id, _believed(table, known_at))

    return (
        select(PatientRow, PatientStatement, OutcomeStatement)
        .join(PatientStatement, of_the_patient(PatientStatement))
        .outerjoin(OutcomeStatement, of_the_patient(OutcomeStatement))
    )


def _stored(
    row: PatientRow, told: PatientStatement, outcome: OutcomeStatement | None, visits: Sequence[StoredVisit]
) -> StoredPatient:
    patient = Patient(
        origin_date=told.origin_date,
        baseline=told.baseline,
        tier=told.tier,
        visits=tuple(stored.visit for stored in visits),
        outcome=None if outcome is None else Outcome(outcome.date, outcome.event),
    )
    return StoredPatient(
        row.patient_id,
        row.patient_ref,
        row.centre or None,
        row.study,
        row.version,
        row.recorded_at,
        patient,
        tuple(visits),
    )
