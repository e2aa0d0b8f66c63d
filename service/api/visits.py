"""Visits: recorded, read, corrected, retracted."""

import uuid
from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Depends, Response

from service.api import incoming, outgoing
from service.api.asking import Asked, AskedDep, IfMatch, json_answer, require_version
from service.api.dependencies import PatientId, Service, ServiceDep, VisitId, require_json_answer
from service.api.keyed import KeyDep, Keyed
from service.api.problems import refusals
from service.api.reading import KnownAt, day_of, read
from service.api.silent import offer
from service.api.strict_route import StrictRoute
from service.api.visit_answer import Told, tell
from service.errors import NotFoundError
from service.recommendations import store as recommendations
from service.record import StoredPatient
from service.rules import new_visit, require_room, require_study
from service.store.repository import Patients

router = APIRouter(
    prefix="/v1/patients/{patient_id}/visits",
    route_class=StrictRoute,
    dependencies=[Depends(require_json_answer)],
    tags=["visits"],
)


@router.post("", status_code=201, response_model=outgoing.VisitOut, responses=refusals(404, 409, 412, body=True))
def create_visit(
    *,
    patient_id: PatientId,
    body: incoming.VisitIn,
    service: ServiceDep,
    asked: AskedDep,
    key: KeyDep,
    if_match: IfMatch = None,
) -> Response:
    """Record a visit; the answer says what it changes, as of its date."""
    keyed = Keyed.of(asked, key, body)
    if (before := keyed.given_before(service.database, service.clock())) is not None:
        return before
    study, visit_id = service.model.predictor.study, uuid.uuid4()

    def told(stored: StoredPatient) -> Told:
        if if_match is not None:
            require_version(if_match, stored.version)
        require_study(study, stored)
        visit = new_visit(
            study,
            stored.patient,
            day=body.date,
            markers=body.markers,
            tests=body.tests,
            note=body.note,
            today=service.today(),
        )
        require_room(stored.patient, visit)
        return tell(service.model, service.planning, stored, visit, visit_id)

    def write(patients: Patients, found: Told, now: datetime) -> Response:
        patients.add_visit(patient_id, found.visit, now=now, visit_id=visit_id)
        answer = _written(patients, asked, found, now, action="visit.create", status=201)
        return keyed.keep(patients.session, patient_id, answer)

    return _recorded(service, patient_id, told, write, keyed)


@router.get("", responses=refusals(404))
def read_visits(
    *,
    patient_id: PatientId,
    service: ServiceDep,
    asked: AskedDep,
    response: Response,
    as_of: incoming.Date | None = None,
    as_known_at: KnownAt = None,
) -> outgoing.VisitsOut:
    """Read a patient's visits, ascending in date, as corrected and without those retracted, now or at a moment."""
    stored = read(service, asked, "visits.read", patient_id, as_known_at)
    response.headers["etag"] = f'"{stored.version}"'
    until = None if as_of is None else day_of(service, stored, as_of, as_known_at)
    shown = [each for each in stored.visits if until is None or each.visit.date <= until]
    return outgoing.VisitsOut(visits=[outgoing.StoredVisitOut.from_record(visit) for visit in shown])


@router.patch("/{visit_id}", response_model=outgoing.VisitOut, responses=refusals(404, 409, 412, 428, body=True))
def correct_visit(
    *,
    patient_id: PatientId,
    visit_id: VisitId,
    body: incoming.VisitChangeIn,
    service: ServiceDep,
    asked: AskedDep,
    if_match: IfMatch = None,
) -> Response:
    """Correct a visit; what it said before stays in the history. The answer is as that to a new visit."""
    study, given = service.model.predictor.study, body.model_fields_set

    def told(stored: StoredPatient) -> Told:
        require_version(if_match, stored.version)
        require_study(study, stored)
        old = next((each.visit for each in stored.visits if each.visit_id == visit_id), None)
        if old is None:
            raise NotFoundError("There is no such visit.")
        others = stored.without(visit_id)
        visit = new_visit(
            study,
            others.patient,
            day=body.date if "date" in given else old.date,
            markers={**old.markers, **body.markers},
            tests={**old.tests, **body.tests},
            note=body.note if "note" in given else old.note,
            today=service.today(),
        )
        require_room(others.patient, visit)
        return tell(service.model, service.planning, others, visit, visit_id)

    def write(patients: Patients, found: Told, now: datetime) -> Response:
        patients.retract_visit(patient_id, visit_id, now=now)
        patients.add_visit(patient_id, found.visit, now=now, visit_id=visit_id)
        return _written(patients, asked, found, now, action="visit.correct", status=200)

    return _recorded(service, patient_id, told, write)


@router.delete("/{visit_id}", status_code=204, responses=refusals(404, 412, 428))
def retract_visit(
    *,
    patient_id: PatientId,
    visit_id: VisitId,
    service: ServiceDep,
    asked: AskedDep,
    response: Response,
    if_match: IfMatch = None,
) -> None:
    """Take a visit back that was entered in error; it no longer counts, and stays in the history."""
    with service.database.turns.of(patient_id), service.database.writing() as patients:
        stored, now = patients.changing(patient_id, service.clock())
        patients.retract_visit(patient_id, visit_id, now=now)
        require_version(if_match, stored.version)
        asked.log(patients.session, now, "visit.retract", patient_id, visit_id=str(visit_id))
    response.headers["etag"] = f'"{stored.version + 1}"'


def _recorded(
    service: Service,
    patient_id: uuid.UUID,
    told: Callable[[StoredPatient], Told],
    write: Callable[[Patients, Told, datetime], Response],
    keyed: Keyed | None = None,
) -> Response:
    """Work the answer out first and write then, so that nobody waits for the model while the record is locked.

    Whoever changed the record meanwhile, from another process, makes it be worked out again, under the lock.
    """
    with service.database.turns.of(patient_id):
        with service.database.reading() as patients:
            stored = patients.get(patient_id)
        # The same request may have been written while this one waited: then it is in the record, and its answer kept.
        if keyed is not None and (before := keyed.given_before(service.database, service.clock())) is not None:
            return before
        found = told(stored)
        with service.database.writing() as patients:
            if keyed is not None:
                keyed.claim(patients.session, service.clock())
            stored, now = patients.changing(patient_id, service.clock())
            if stored.version != found.version:
                found = told(stored)
            answer = write(patients, found, now)
    offer(service, found.patient, found.answer.risk)
    return answer


def _written(patients: Patients, asked: Asked, found: Told, now: datetime, *, action: str, status: int) -> Response:
    """Store what was recommended and who asked, and return the answer."""
    details = {"visit_id": str(found.answer.visit_id)}
    if found.made is not None:
        recommendations.keep(patients.session, found.made, caller=asked.caller.name, now=now)
        details["recommendation_id"] = str(found.made.recommendation_id)
    asked.log(patients.session, now, action, found.patient_id, **details)
    return json_answer(status, found.answer, etag=f'"{found.version + 1}"')
