"""How follow-up ended: recorded, corrected, taken back."""

from fastapi import APIRouter, Depends, Response

from service.api import incoming, outgoing
from service.api.asking import AskedDep, IfMatch, json_answer, require_version
from service.api.dependencies import PatientId, ServiceDep, require_json_answer
from service.api.keyed import KeyDep, Keyed
from service.api.problems import refusals
from service.api.strict_route import StrictRoute
from service.errors import NotFoundError
from service.rules import new_outcome, require_open, require_study

router = APIRouter(
    prefix="/v1/patients/{patient_id}/outcome",
    route_class=StrictRoute,
    dependencies=[Depends(require_json_answer)],
    tags=["outcome"],
)


@router.post("", status_code=201, response_model=outgoing.OutcomeOut, responses=refusals(404, 409, 412, 428, body=True))
def create_outcome(
    *,
    patient_id: PatientId,
    body: incoming.OutcomeIn,
    service: ServiceDep,
    asked: AskedDep,
    key: KeyDep,
    if_match: IfMatch = None,
) -> Response:
    """Record how follow-up ended; it is closed then."""
    keyed = Keyed.of(asked, key, body)
    if (before := keyed.given_before(service.database, service.clock())) is not None:
        return before
    study = service.model.predictor.study
    with service.database.turns.of(patient_id), service.database.writing() as patients:
        keyed.claim(patients.session, service.clock())
        stored, now = patients.changing(patient_id, service.clock())
        require_version(if_match, stored.version)
        require_study(study, stored)
        require_open(stored.patient)
        outcome = new_outcome(study, stored.patient, day=body.date, event=body.event, today=service.today())
        patients.close(patient_id, outcome, now=now)
        asked.log(patients.session, now, "outcome.create", patient_id)
        written = outgoing.OutcomeOut(date=outcome.date, event=outcome.event)
        return keyed.keep(patients.session, patient_id, json_answer(201, written, etag=f'"{stored.version + 1}"'))


@router.patch("", response_model=outgoing.OutcomeOut, responses=refusals(404, 409, 412, 428, body=True))
def correct_outcome(
    *,
    patient_id: PatientId,
    body: incoming.OutcomeChangeIn,
    service: ServiceDep,
    asked: AskedDep,
    if_match: IfMatch = None,
) -> Response:
    """Correct how or when follow-up ended; what was said before stays in the history."""
    study, given = service.model.predictor.study, body.model_fields_set
    with service.database.turns.of(patient_id), service.database.writing() as patients:
        stored, now = patients.changing(patient_id, service.clock())
        require_version(if_match, stored.version)
        require_study(study, stored)
        before = stored.patient.outcome
        if before is None:
            raise NotFoundError("The patient has no outcome.")
        day = body.date if "date" in given else before.date
        event = body.event if "event" in given else before.event
        outcome = new_outcome(study, stored.patient, day=day, event=event, today=service.today())
        patients.reopen(patient_id, now=now)
        patients.close(patient_id, outcome, now=now)
        asked.log(patients.session, now, "outcome.correct", patient_id)
    written = outgoing.OutcomeOut(date=outcome.date, event=outcome.event)
    return json_answer(200, written, etag=f'"{stored.version + 1}"')


@router.delete("", status_code=204, responses=refusals(404, 412, 428))
def retract_outcome(
    patient_id: PatientId, service: ServiceDep, asked: AskedDep, response: Response, if_match: IfMatch = None
) -> None:
    """Take the outcome back; follow-up is open again."""
    with service.database.turns.of(patient_id), service.database.writing() as patients:
        stored, now = patients.changing(patient_id, service.clock())
        require_version(if_match, stored.version)
        patients.reopen(patient_id, now=now)
        asked.log(patients.session, now, "outcome.retract", patient_id)
    response.headers["etag"] = f'"{stored.version + 1}"'
