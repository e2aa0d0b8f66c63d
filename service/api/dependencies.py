"""What handlers are given: the service behind the app, and identifiers that could exist."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from threading import Event
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Path, Request

from model.saved.artifact import LoadedModel
from service.access.access import Access
from service.access.centres import broken_glass, is_in
from service.api.metrics import Metrics
from service.api.strict_json import accepted_type
from service.audit_log.reads import Reads
from service.caller import Caller, caller_of
from service.errors import NotFoundError
from service.models.errors import RefusedModelError
from service.models.models import Models
from service.monitoring.kept import Kept
from service.planning import Planning
from service.record import StoredPatient
from service.rules import require_study
from service.store.database import Database

NO_PATIENT = "There is no such patient."


@dataclass(frozen=True)
class Service:
    """One model, what plans are made by, one database, one clock, and answers that are kept since they take long.

    Attributes
    ----------
    access : what credentials are checked against
    reads : who read whose record, on its way into the audit log
    models : all models; `model` is the one that answers this request to its end
    stopping : set once the process is about to stop: it answers still, and is ready for nothing new
    """

    model: LoadedModel
    planning: Planning
    database: Database
    clock: Callable[[], datetime]
    access: Access
    reads: Reads
    models: Models
    metrics: Metrics = field(default_factory=Metrics)
    kept: Kept = field(default_factory=Kept)
    stopping: Event = field(default_factory=Event)

    def today(self) -> date:
        """Today's date in UTC."""
        return self.clock().date()

    def patient(self, patient_id: UUID) -> StoredPatient:
        """Read a patient that the loaded model understands; raises NotFoundError or StudyMismatchError."""
        with self.database.reading() as patients:
            stored = patients.get(patient_id)
        require_study(self.model.predictor.study, stored)
        return stored

    def loaded(self, version: str) -> LoadedModel:
        """Return the model of that version, verified; raises NotFoundError, also if it cannot be loaded."""
        if version == self.model.version:
            return self.model
        try:
            return self.models.registry.load(version)
        except RefusedModelError as error:
            raise NotFoundError("This model cannot be loaded.") from error


def _service(request: Request) -> Service:
    """Return the service as it is for this request: what another process has made live counts from here on."""
    service: Service = request.app.state.service
    service.models.follow()
    return cast("Service", request.app.state.service)


def _caller(request: Request) -> Caller:
    return caller_of(request)


def _patient_id(
    request: Request,
    caller: Annotated[Caller, Depends(_caller)],
    patient_id: Annotated[str, Path(json_schema_extra={"format": "uuid"})],
) -> UUID:
    """Read a patient's identifier, if the patient is in the caller's reach: no route can forget to look."""
    found = identifier(patient_id, NO_PATIENT)
    require_reach(request, caller, found, NO_PATIENT)
    return found


def require_reach(request: Request, caller: Caller, patient_id: UUID, otherwise: str) -> None:
    """Refuse another centre's patient as if there were none, unless the glass is broken."""
    if caller.centres is not None and not is_in(request.app.state.service.database, patient_id, caller.centres):
        # Flagged for the audit log, which the route writes.
        request.state.broken_glass = broken_glass(request, caller)
        if request.state.broken_glass is None:
            raise NotFoundError(otherwise)


def _visit_id(visit_id: Annotated[str, Path(json_schema_extra={"format": "uuid"})]) -> UUID:
    return identifier(visit_id, "There is no such visit.")


def identifier(text: str, otherwise: str) -> UUID:
    """Read an identifier as we write them; anything else names nothing."""
    try:
        found = UUID(text)
    except ValueError:
        raise NotFoundError(otherwise) from None
    if str(found) != text:
        raise NotFoundError(otherwise)
    return found


def require_json_answer(request: Request) -> None:
    """Refuse a caller that takes no JSON."""
    accepted_type(request.headers.get("accept"), ("application/json",))


ServiceDep = Annotated[Service, Depends(_service)]
CallerDep = Annotated[Caller, Depends(_caller)]
PatientId = Annotated[UUID, Depends(_patient_id)]
VisitId = Annotated[UUID, Depends(_visit_id)]
