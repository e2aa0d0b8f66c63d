"""Patients: entered, read, corrected, exported, erased."""

from fastapi import APIRouter, Depends, Response

from service.access.centres import centre_of_entry
from service.api import incoming, outgoing
from service.api.asking import AskedDep, IfMatch, json_answer, require_version
from service.api.dependencies import PatientId, ServiceDep, require_json_answer
from service.api.keyed import KeyDep, Keyed
from service.api.problems import refusals
from service.api.reading import KnownAt, day_of, read
from service.api.strict_route import StrictRoute
from service.rules import corrected_patient, new_patient, require_study

router = APIRouter(
    prefix="/v1/patients", route_class=StrictRoute, dependencies=[Depends(require_json_answer)], tags=["patients"]
)


@router.post("", status_code=201, response_model=outgoing.CreatedPatientOut, responses=refusals(409, body=True))
def create_patient(body: incoming.PatientIn, service: ServiceDep, asked: AskedDep, key: KeyDep) -> Response:
    """Record a patient."""
    keyed = Keyed.of(asked, key, body)
    if (before := keyed.given_before(service.database, service.clock())) is not None:
        return before
    study = service.model.predictor.study
    centre = centre_of_entry(asked.caller, body.centre)
    patient = new_patient(
        study, origin_date=body.origin_date, baseline=body.baseline, tier=body.tier, today=service.today()
    )
    now = service.clock()
    with service.database.writing() as patients:
        keyed.claim(patients.session, now)
        patient_id = patients.add(patient, patient_ref=body.patient_ref, centre=centre, study=study.name, now=now)
        created = outgoing.CreatedPatientOut(patient_id=patient_id, version=1)
        answer = json_answer(201, created, location=f"/v1/patients/{patient_id}", etag='"1"')
        keyed.keep(patients.session, patient_id, answer)
        asked.log(patients.session, now, "patient.create", patient_id)
    return answer


@router.get("/{patient_id}", responses=refusals(404))
def read_patient(
    *,
    patient_id: PatientId,
    service: ServiceDep,
    asked: AskedDep,
    response: Response,
    as_of: incoming.Date | None = None,
    as_known_at: KnownAt = None,
) -> outgoing.PatientOut:
    """Read a patient as recorded, now or as it was known at a moment, up to a date."""
    stored = read(service, asked, "patient.read", patient_id, as_known_at)
    response.headers["etag"] = f'"{stored.version}"'
    until = None if as_of is None else day_of(service, stored, as_of, as_known_at)
    return outgoing.PatientOut.from_record(stored, until)


@router.patch("/{patient_id}", response_model=outgoing.PatientOut, responses=refusals(404, 409, 412, 428, body=True))
def correct_patient(
    *,
    patient_id: PatientId,
    body: incoming.PatientChangeIn,
    service: ServiceDep,
    asked: AskedDep,
    if_match: IfMatch = None,
) -> Response:
    """Correct day 0, baseline or tier; what they were before stays in the history."""
    study, given = service.model.predictor.study, body.model_fields_set
    with service.database.turns.of(patient_id), service.database.writing() as patients:
        stored, now = patients.changing(patient_id, service.clock())
        require_version(if_match, stored.version)
        require_study(study, stored)
        before = stored.patient
        corrected = corrected_patient(
            study,
            before,
            origin_date=body.origin_date if "origin_date" in given else before.origin_date,
            baseline=body.baseline,
            tier=body.tier if "tier" in given else before.tier,
            today=service.today(),
        )
        patients.correct(patient_id, corrected, now=now)
        asked.log(patients.session, now, "patient.correct", patient_id, version=stored.version + 1)
        patients.session.flush()
        after = patients.get(patient_id)
    return json_answer(200, outgoing.PatientOut.from_record(after), etag=f'"{after.version}"')


@router.delete("/{patient_id}", status_code=204, responses=refusals(404, 412, 428))
def delete_patient(patient_id: PatientId, service: ServiceDep, asked: AskedDep, if_match: IfMatch = None) -> None:
    """Erase a patient and everything recorded about them; the audit log keeps that it was done, and by whom."""
    with service.database.turns.of(patient_id), service.database.writing() as patients:
        stored, now = patients.changing(patient_id, service.clock())
        require_version(if_match, stored.version)
        patients.remove(patient_id)
        asked.log(patients.session, now, "patient.erase", patient_id)
    service.database.overwrite_erased(more=True)
