"""Patients, their visits and how follow-up ended."""

from fastapi import APIRouter, Depends, Response

from service.api import answers, incoming, outgoing, outgoing_risk, outgoing_schedule, scheduling
from service.api.dependencies import PatientId, ServiceDep, VisitId, require_json_answer
from service.api.problems import refusals
from service.api.strict_route import StrictRoute
from service.api.visit_answer import visit as visit_answer
from service.rules import (
    moment,
    new_outcome,
    new_patient,
    new_visit,
    require_open,
    require_room,
    require_study,
    require_tier,
)

router = APIRouter(
    prefix="/v1/patients", route_class=StrictRoute, dependencies=[Depends(require_json_answer)], tags=["patients"]
)


@router.post("", status_code=201, responses=refusals(409, body=True))
def create_patient(body: incoming.PatientIn, service: ServiceDep, response: Response) -> outgoing.CreatedPatientOut:
    """Record a patient."""
    study = service.model.predictor.study
    patient = new_patient(
        study, origin_date=body.origin_date, baseline=body.baseline, tier=body.tier, today=service.today()
    )
    with service.database.writing() as patients:
        patient_id = patients.add(
            patient, patient_ref=body.patient_ref, centre=body.centre, study=study.name, now=service.clock()
        )
    response.headers["location"] = f"/v1/patients/{patient_id}"
    response.headers["etag"] = '"1"'
    return outgoing.CreatedPatientOut(patient_id=patient_id, version=1)


@router.get("/{patient_id}", responses=refusals(404))
def read_patient(patient_id: PatientId, service: ServiceDep, response: Response) -> outgoing.PatientOut:
    """Read a patient as recorded."""
    with service.database.reading() as patients:
        stored = patients.get(patient_id)
    response.headers["etag"] = f'"{stored.version}"'
    return outgoing.PatientOut.from_record(stored)


@router.delete("/{patient_id}", status_code=204, responses=refusals(404))
def delete_patient(patient_id: PatientId, service: ServiceDep) -> None:
    """Erase a patient and everything recorded about them."""
    with service.database.writing() as patients:
        patients.remove(patient_id)


@router.post("/{patient_id}/visits", status_code=201, responses=refusals(404, 409, body=True))
def create_visit(patient_id: PatientId, body: incoming.VisitIn, service: ServiceDep) -> outgoing.VisitOut:
    """Record a visit; the answer says what it changes, as of its date."""
    study = service.model.predictor.study
    with service.database.writing() as patients:
        stored = patients.changing(patient_id)
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
        visit_id = patients.add_visit(patient_id, visit, now=service.clock())
    return visit_answer(service.model, service.planning, stored.patient.with_visit(visit), visit, visit_id)


@router.get("/{patient_id}/visits", responses=refusals(404))
def read_visits(patient_id: PatientId, service: ServiceDep) -> outgoing.VisitsOut:
    """Read a patient's visits, ascending in date, without the retracted ones."""
    with service.database.reading() as patients:
        stored = patients.get(patient_id)
    return outgoing.VisitsOut(visits=[outgoing.StoredVisitOut.from_record(visit) for visit in stored.visits])


@router.delete("/{patient_id}/visits/{visit_id}", status_code=204, responses=refusals(404))
def retract_visit(patient_id: PatientId, visit_id: VisitId, service: ServiceDep) -> None:
    """Take a visit back that was entered in error; it no longer counts, and stays in the database."""
    with service.database.writing() as patients:
        patients.changing(patient_id)
        patients.retract_visit(patient_id, visit_id, now=service.clock())


@router.post("/{patient_id}/outcome", status_code=201, responses=refusals(404, 409, body=True))
def create_outcome(patient_id: PatientId, body: incoming.OutcomeIn, service: ServiceDep) -> outgoing.OutcomeOut:
    """Record how follow-up ended; it is closed then."""
    study = service.model.predictor.study
    with service.database.writing() as patients:
        stored = patients.changing(patient_id)
        require_study(study, stored)
        require_open(stored.patient)
        outcome = new_outcome(study, stored.patient, day=body.date, event=body.event, today=service.today())
        patients.close(patient_id, outcome, now=service.clock())
    return outgoing.OutcomeOut(date=outcome.date, event=outcome.event)


@router.get("/{patient_id}/risk", responses=refusals(404, 409))
def read_risk(patient_id: PatientId, service: ServiceDep, as_of: incoming.Date | None = None) -> outgoing_risk.RiskOut:
    """Answer with the risks from a date on (today), from what was recorded by then."""
    patient = service.patient(patient_id).patient
    return answers.risk(service.model, patient, moment(patient, as_of, today=service.today(), at="query.as_of"))


@router.get("/{patient_id}/schedule", responses=refusals(404, 409))
def read_schedule(
    patient_id: PatientId,
    service: ServiceDep,
    as_of: incoming.Date | None = None,
    policy: incoming.Name | None = None,
    tier: incoming.Name | None = None,
) -> outgoing_schedule.ScheduleOut:
    """Answer with the visits to come from a date on (today), by a policy, with a tier's tests (the patient's)."""
    patient = service.patient(patient_id).patient
    require_tier(service.model.predictor.study, tier, "query.tier")
    day = moment(patient, as_of, today=service.today(), at="query.as_of")
    return scheduling.full(service.model, service.planning, patient, day, tier=tier, policy=policy)
