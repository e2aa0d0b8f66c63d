"""Recommendations: what was given, whether it comes out again, and what was decided."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from model.errors import NotSupportedError
from service.api import incoming
from service.api.asking import AskedDep, json_answer
from service.api.dependencies import CallerDep, ServiceDep, identifier, require_json_answer, require_reach
from service.api.keyed import KeyDep, Keyed
from service.api.outgoing_recommendation import DecisionOut, RecommendationOut, ReplayOut
from service.api.problems import refusals
from service.api.recommending import changed_since, replay
from service.api.strict_route import StrictRoute
from service.errors import Fault, InvalidError, NotFoundError
from service.models.errors import RefusedModelError
from service.recommendations import store

router = APIRouter(
    prefix="/v1/recommendations",
    route_class=StrictRoute,
    dependencies=[Depends(require_json_answer)],
    tags=["recommendations"],
)


def _recommendation_id(
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    recommendation_id: Annotated[str, Path(json_schema_extra={"format": "uuid"})],
) -> UUID:
    """Read the identifier of a recommendation whose patient is in the caller's reach."""
    found = identifier(recommendation_id, store.NONE_SUCH)
    with service.database.reading() as patients:
        patient_id = store.find(patients.session, found).patient_id
    require_reach(request, caller, patient_id, store.NONE_SUCH)
    return found


RecommendationId = Annotated[UUID, Depends(_recommendation_id)]


@router.get("/{recommendation_id}", responses=refusals(404))
def read_recommendation(recommendation_id: RecommendationId, service: ServiceDep, asked: AskedDep) -> RecommendationOut:
    """Read a schedule as it was given, what it rested on, and what was decided."""
    with service.database.reading() as patients:
        row = store.find(patients.session, recommendation_id)
        shown = RecommendationOut.of(row, store.decisions(patients.session, recommendation_id))
    details = {"recommendation_id": str(recommendation_id)}
    service.reads.note(asked.entry(service.clock(), "recommendation.read", shown.patient_id, **details))
    return shown


@router.post("/{recommendation_id}/replay", responses=refusals(404, 409))
def replay_recommendation(recommendation_id: RecommendationId, service: ServiceDep, asked: AskedDep) -> ReplayOut:
    """Work it out anew from what was stored, by the same model and policy; nothing is changed."""
    with service.database.reading() as patients:
        made = store.recommendation_of(store.find(patients.session, recommendation_id))
    details = {"recommendation_id": str(recommendation_id)}
    service.reads.note(asked.entry(service.clock(), "recommendation.replay", made.patient_id, **details))
    try:
        then = service.models.find(made.model_version)
    except RefusedModelError as error:
        raise NotFoundError("This model cannot be loaded.") from error
    if then.model.sha256 != made.model_sha256:
        raise NotFoundError("The model of this version is another one.")
    try:
        again = replay(then.model, then.planning, made)
    except NotSupportedError as error:
        raise NotSupportedError(f"It cannot be worked out anew: {error}") from error
    before = store.sum_of(made.output)
    return ReplayOut(
        identical=again == made.output,
        output_sha256=before,
        replayed_sha256=store.sum_of(again),
        changed=changed_since(then.planning, made),
    )


@router.post(
    "/{recommendation_id}/decision", status_code=201, response_model=DecisionOut, responses=refusals(404, body=True)
)
def decide(
    recommendation_id: RecommendationId, body: incoming.DecisionIn, service: ServiceDep, asked: AskedDep, key: KeyDep
) -> Response:
    """Record what was decided; a later decision counts in place of an earlier one, which stays."""
    keyed = Keyed.of(asked, key, body)
    if (before := keyed.given_before(service.database, service.clock())) is not None:
        return before
    if body.decision == "overridden" and not (body.reason or "").strip():
        raise InvalidError([Fault("reason", "this value is required for an override")])
    now, caller = service.clock(), asked.caller.name
    with service.database.writing() as patients:
        session = patients.session
        keyed.claim(session, now)
        patient_id = store.decide(
            session, recommendation_id, decision=body.decision, reason=body.reason, caller=caller, now=now
        )
        details = {"recommendation_id": str(recommendation_id), "decision": body.decision}
        asked.log(session, now, "recommendation.decide", patient_id, **details)
        decided = DecisionOut(decision=body.decision, reason=body.reason, decided_at=now, caller=caller)
        return keyed.keep(session, patient_id, json_answer(201, decided))
