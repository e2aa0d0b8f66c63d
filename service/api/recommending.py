"""From a schedule that was given to a record of all that it rested on, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError

from model.errors import NotSupportedError
from model.schedule.policy import Policy
from service.api import scheduling
from service.recommendations import store
from service.recommendations.store import Recommendation
from service.record import Patient, Visit

if TYPE_CHECKING:
    from uuid import UUID

    from model.saved.artifact import LoadedModel
    from service.api.asking import Asked
    from service.api.dependencies import Service
    from service.api.outgoing_schedule import ScheduleOut
    from service.planning import Planning


def recommended(
    planning: Planning, patient_id: UUID, patient: Patient, schedule: ScheduleOut, *, whole: bool
) -> tuple[ScheduleOut, Recommendation]:
    """Give a schedule its identifier, and return what is to be stored; `whole` as by `scheduling.full`."""
    made = Recommendation(
        patient_id=patient_id,
        model_version=schedule.model.version,
        model_sha256=schedule.model.sha256,
        policy=schedule.policy,
        policy_text=policy_text(planning.policies[schedule.policy]),
        inputs=canonical(_inputs(patient, schedule, whole=whole)),
        output=_output(schedule),
        rules=planning.sums,
    )
    return schedule.model_copy(update={"recommendation_id": made.recommendation_id}), made


def remember(service: Service, asked: Asked, made: Recommendation) -> None:
    """Store a recommendation that was made without a change of the record, unless it was made before."""
    with service.database.reading() as patients:
        if store.is_kept(patients.session, made.recommendation_id):
            return
    now, details = service.clock(), {"recommendation_id": str(made.recommendation_id)}
    try:
        with service.database.writing() as patients:
            if store.keep(patients.session, made, caller=asked.caller.name, now=now):
                asked.log(patients.session, now, "recommendation.create", made.patient_id, **details)
    except IntegrityError:
        # The same answer was given to two at once, and the other one's is kept; or the patient was erased meanwhile.
        return


def policy_text(policy: Policy) -> str:
    """Write a policy down as it is kept."""
    return canonical(policy.model_dump(mode="json"))


def changed_since(planning: Planning, made: Recommendation) -> list[str] | None:
    """Name what a recommendation rested on, beside the model, that is not as it was; None if that is not known."""
    if made.rules is None:
        return None
    names = {*made.rules, *planning.sums}
    changed = sorted(name for name in names if made.rules.get(name) != planning.sums.get(name))
    policy = planning.policies.get(made.policy)
    return changed if policy is not None and policy_text(policy) == made.policy_text else [*changed, "policy"]


def replay(model: LoadedModel, planning: Planning, made: Recommendation) -> str:
    """Work a recommendation out anew from what was stored, by the policy as it was; returns its output.

    Raises what `scheduling.full` raises, and NotSupportedError for a policy that this program cannot read.
    """
    asked = json.loads(made.inputs)
    try:
        policy = Policy.model_validate_json(made.policy_text)
    except ValidationError:
        raise NotSupportedError("its policy is one of another version of the program") from None
    then = replace(planning, policies={made.policy: policy}, default=made.policy)
    visits = (Visit(date.fromisoformat(day), markers, tests) for day, markers, tests in asked["visits"])
    patient = Patient(date.fromisoformat(asked["origin_date"]), asked["baseline"], asked["tier"], tuple(visits))
    day = date.fromisoformat(asked["as_of"])
    if asked["whole"]:
        return _output(scheduling.full(model, then, patient, day, tier=None, policy=None))
    return _output(scheduling.quick(model, then, patient, day))


def canonical(document: Any) -> str:
    """Write JSON so that the same document gives the same text."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _inputs(patient: Patient, schedule: ScheduleOut, *, whole: bool) -> dict[str, Any]:
    """Collect what the model was asked: nothing after the date that it was asked about, and no notes."""
    by_then = [visit for visit in patient.visits if visit.date <= schedule.as_of]
    return {
        "origin_date": str(patient.origin_date),
        "baseline": dict(patient.baseline),
        "visits": [[str(visit.date), dict(visit.markers), dict(visit.tests)] for visit in by_then],
        "as_of": str(schedule.as_of),
        "tier": schedule.tier,
        "whole": whole,
    }


def _output(schedule: ScheduleOut) -> str:
    return schedule.model_dump_json(exclude={"recommendation_id"})
