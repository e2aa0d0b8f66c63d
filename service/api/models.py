"""The model behind the answers, schedules without a record, and whether the service is up."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from model.errors import ArtifactError
from model.saved import artifact
from service.access.errors import StoppingError
from service.api import answers, incoming, outgoing, outgoing_schedule, scheduling
from service.api.dependencies import ServiceDep, require_json_answer
from service.api.metrics import CONTENT_TYPE
from service.api.problems import refusals
from service.api.strict_json import accepted_type
from service.api.strict_route import StrictRoute
from service.errors import NotFoundError
from service.rules import moment, new_patient, new_visit, require_distinct

json_only = [Depends(require_json_answer)]
router = APIRouter(route_class=StrictRoute)


@router.post("/v1/schedule", dependencies=json_only, responses=refusals(409, body=True), tags=["schedule"])
def plan_schedule(body: incoming.ScheduleIn, service: ServiceDep) -> outgoing_schedule.ScheduleOut:
    """Answer with the visits to come for a record in the body; nothing is kept."""
    study, today = service.model.predictor.study, service.today()
    given = body.patient
    patient = new_patient(
        study, origin_date=given.origin_date, baseline=given.baseline, tier=body.tier, today=today, at="patient."
    )
    require_distinct([item.date for item in body.visits])
    for number, item in enumerate(body.visits):
        visit = new_visit(
            study,
            patient,
            day=item.date,
            markers=item.markers,
            tests=item.tests,
            note=None,
            today=today,
            at=f"visits.{number}.",
        )
        patient = patient.with_visit(visit)
    day = moment(patient, body.as_of, today=today, at="as_of")
    service.planning.named(body.policy, "policy")
    return scheduling.full(service.model, service.planning, patient, day, tier=None, policy=body.policy)


@router.get("/v1/model", dependencies=json_only, responses=refusals(), tags=["model"])
def read_model(service: ServiceDep) -> outgoing.ModelOut:
    """Describe the model that answers, and every column that may be given to it."""
    return answers.model_info(service.model, service.planning)


@router.get("/v1/models/{version}/facts", dependencies=json_only, responses=refusals(404), tags=["model"])
def read_facts(version: str, service: ServiceDep) -> dict[str, Any]:
    """Read what one must know before trusting the model."""
    return service.loaded(version).facts


@router.get(
    "/v1/models/{version}/calibration",
    response_class=JSONResponse,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}, **refusals(404)},
    tags=["model"],
)
def read_calibration(version: str, service: ServiceDep, request: Request) -> Response:
    """Read the model's audit, as JSON or as a page."""
    model = service.loaded(version)
    media = accepted_type(request.headers.get("accept"), ("application/json", "text/html"))
    name = "audit.html" if media == "text/html" else "audit.json"
    try:
        content = artifact.report(model, name)
    except ArtifactError as error:
        raise NotFoundError("The audit is not the one that came with the model.") from error
    if content is None:
        raise NotFoundError("This model has no audit.")
    # The page carries its own style and figures and nothing that runs.
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    return Response(content, media_type=media, headers={"content-security-policy": policy})


@router.get("/healthz", dependencies=json_only, responses=refusals(), tags=["operation"])
async def health() -> outgoing.HealthOut:
    """Say that the process answers."""
    return outgoing.HealthOut(status="ok")


@router.get("/readyz", dependencies=json_only, responses=refusals(), tags=["operation"])
def ready(service: ServiceDep) -> outgoing.ReadyOut:
    """Say that the model is loaded, the database answers and takes writes, and the process is not about to stop."""
    if service.stopping.is_set():
        raise StoppingError("The service is about to stop.")
    service.database.check()
    service.database.require_writable()
    problem = service.models.problem
    return outgoing.ReadyOut(status="ready", model=service.model.version, problems=[problem] if problem else [])


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **refusals()},
    tags=["operation"],
)
def read_metrics(service: ServiceDep) -> Response:
    """Count requests and their times by route, as Prometheus reads it."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)
