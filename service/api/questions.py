"""Questions about a patient: risk and schedule, from a date on, from what is known now or was known at a moment."""

from fastapi import APIRouter, Depends

from service.api import answers, incoming, outgoing_risk, outgoing_schedule, scheduling
from service.api.asking import AskedDep
from service.api.dependencies import PatientId, ServiceDep, require_json_answer
from service.api.problems import refusals
from service.api.reading import KnownAt, day_of, read
from service.api.recommending import recommended, remember
from service.api.silent import offer
from service.api.strict_route import StrictRoute
from service.rules import require_study, require_tier

router = APIRouter(
    prefix="/v1/patients/{patient_id}",
    route_class=StrictRoute,
    dependencies=[Depends(require_json_answer)],
    tags=["answers"],
)


@router.get("/risk", responses=refusals(404, 409))
def read_risk(
    *,
    patient_id: PatientId,
    service: ServiceDep,
    asked: AskedDep,
    as_of: incoming.Date | None = None,
    as_known_at: KnownAt = None,
) -> outgoing_risk.RiskOut:
    """Answer with the risks from a date on (today), from what was found by then."""
    stored = read(service, asked, "risk.read", patient_id, as_known_at)
    require_study(service.model.predictor.study, stored)
    risk = answers.risk(service.model, stored.patient, day_of(service, stored, as_of, as_known_at))
    offer(service, stored.patient, risk)
    return risk


@router.get("/schedule", responses=refusals(404, 409))
def read_schedule(
    *,
    patient_id: PatientId,
    service: ServiceDep,
    asked: AskedDep,
    as_of: incoming.Date | None = None,
    as_known_at: KnownAt = None,
    policy: incoming.Name | None = None,
    tier: incoming.Name | None = None,
) -> outgoing_schedule.ScheduleOut:
    """Answer with the visits to come from a date on (today), by a policy, with a tier's tests (the patient's).

    The answer is kept as a recommendation.
    """
    stored = read(service, asked, "schedule.read", patient_id, as_known_at)
    require_study(service.model.predictor.study, stored)
    require_tier(service.model.predictor.study, tier, "query.tier")
    day = day_of(service, stored, as_of, as_known_at)
    schedule = scheduling.full(service.model, service.planning, stored.patient, day, tier=tier, policy=policy)
    schedule, made = recommended(service.planning, patient_id, stored.patient, schedule, whole=True)
    remember(service, asked, made)
    return schedule
