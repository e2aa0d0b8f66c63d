"""The audit log over HTTP: its entries, and whether the chain holds."""

import re

from fastapi import APIRouter, Depends
from sqlalchemy import select

from service.access.roles import may_see_every_patient
from service.api.asking import AskedDep
from service.api.cursors import LimitText, limit_of
from service.api.dependencies import ServiceDep, require_json_answer
from service.api.outgoing_audit import AuditEntryOut, AuditOut, AuditVerdictOut
from service.api.problems import refusals
from service.api.strict_json import RequestRefusedError
from service.api.strict_route import StrictRoute
from service.audit_log.tables import EntryRow
from service.audit_log.verify import verify

router = APIRouter(
    prefix="/v1/audit", route_class=StrictRoute, dependencies=[Depends(require_json_answer)], tags=["audit"]
)
_CURSOR = re.compile(r"[1-9][0-9]{0,17}")


@router.get("", responses=refusals(400))
def read_audit(service: ServiceDep, asked: AskedDep, limit: LimitText = "100", cursor: str | None = None) -> AuditOut:
    """List the entries of the audit log, ascending; patients are named only to those who may know any."""
    most = limit_of(limit)
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise RequestRefusedError(400, "The cursor is none that this service gave.")
    query = select(EntryRow).where(EntryRow.sequence > int(cursor or 0)).order_by(EntryRow.sequence).limit(most + 1)
    named = may_see_every_patient(asked.caller)
    with service.database.reading() as patients:
        found = [AuditEntryOut.of(row, named=named) for row in patients.session.scalars(query)]
    here = found[:most]
    return AuditOut(entries=here, next_cursor=str(here[-1].sequence) if len(found) > most else None)


@router.get("/verify", responses=refusals())
def verify_audit(service: ServiceDep) -> AuditVerdictOut:
    """Read the whole log anew and say whether the chain holds."""
    service.reads.flush()
    with service.database.reading() as patients:
        found = verify(patients.session)
    service.metrics.audit_broken.set(found.fault is not None)
    return AuditVerdictOut.of(found)
