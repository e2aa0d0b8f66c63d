"""What handlers are given: the service behind the app, and identifiers that could exist."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Path, Request

from model.saved.artifact import LoadedModel
from service.api.strict_json import accepted_type
from service.errors import NotFoundError
from service.monitoring.kept import Kept
from service.planning import Planning
from service.record import StoredPatient
from service.rules import require_study
from service.store.database import Database


@dataclass(frozen=True)
class Service:
    """One model, what plans are made by, one database, one clock, and answers that are kept since they take long."""

    model: LoadedModel
    planning: Planning
    database: Database
    clock: Callable[[], datetime]
    kept: Kept = field(default_factory=Kept)

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
        """Return the model of that version; raises NotFoundError for all but the one that answers."""
        if version != self.model.version:
            raise NotFoundError("This model is not loaded.")
        return self.model


def _service(request: Request) -> Service:
    return cast("Service", request.app.state.service)


def _patient_id(patient_id: Annotated[str, Path(json_schema_extra={"format": "uuid"})]) -> UUID:
    return _identifier(patient_id, "There is no such patient.")


def _visit_id(visit_id: Annotated[str, Path(json_schema_extra={"format": "uuid"})]) -> UUID:
    return _identifier(visit_id, "There is no such visit.")


def _identifier(text: str, otherwise: str) -> UUID:
    """Read an identifier as we write them; anything else names nothing."""
    try:
        identifier = UUID(text)
    except ValueError:
        raise NotFoundError(otherwise) from None
    if str(identifier) != text:
        raise NotFoundError(otherwise)
    return identifier


def require_json_answer(request: Request) -> None:
    """Refuse a caller that takes no JSON."""
    accepted_type(request.headers.get("accept"), ("application/json",))


ServiceDep = Annotated[Service, Depends(_service)]
PatientId = Annotated[UUID, Depends(_patient_id)]
VisitId = Annotated[UUID, Depends(_visit_id)]
