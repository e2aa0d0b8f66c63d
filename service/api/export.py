"""Everything that is kept about one patient, for the patient or for another system."""

import datetime as dt
from typing import Any

from fastapi import APIRouter, Depends
from sqlalchemy import select

from service.api.asking import AskedDep
from service.api.dependencies import PatientId, ServiceDep, require_json_answer
from service.api.outgoing import PatientOut
from service.api.outgoing_audit import AuditEntryOut
from service.api.outgoing_recommendation import RecommendationOut
from service.api.problems import refusals
from service.api.reading import read
from service.api.strict_route import StrictRoute
from service.api.wire import Out
from service.audit_log.tables import EntryRow
from service.recommendations import store
from service.store.export import Stated, statements

router = APIRouter(
    prefix="/v1/patients", route_class=StrictRoute, dependencies=[Depends(require_json_answer)], tags=["patients"]
)


class StatementOut(Out):
    """What was recorded and, if it was corrected or retracted since, until when it was believed."""

    kind: str
    recorded_at: dt.datetime
    superseded_at: dt.datetime | None
    values: dict[str, Any]

    @classmethod
    def of(cls, stated: Stated) -> "StatementOut":
        """Show a statement."""
        return cls(**vars(stated))


class ExportOut(Out):
    """A patient as recorded now, and everything that was ever recorded, recommended, done and read."""

    patient: PatientOut
    statements: list[StatementOut]
    recommendations: list[RecommendationOut]
    audit: list[AuditEntryOut]


@router.get("/{patient_id}/export", responses=refusals(404))
def export_patient(patient_id: PatientId, service: ServiceDep, asked: AskedDep) -> ExportOut:
    """Give everything that is kept about a patient, this request included."""
    stored = read(service, asked, "patient.export", patient_id)
    service.reads.flush()
    log = select(EntryRow).where(EntryRow.patient_id == patient_id).order_by(EntryRow.sequence)
    with service.database.reading() as patients:
        session = patients.session
        return ExportOut(
            patient=PatientOut.from_record(stored),
            statements=[StatementOut.of(each) for each in statements(session, patient_id)],
            recommendations=[
                RecommendationOut.of(row, store.decisions(session, row.recommendation_id))
                for row in store.of_patient(session, patient_id)
            ],
            audit=[AuditEntryOut.of(row, named=True) for row in session.scalars(log)],
        )
