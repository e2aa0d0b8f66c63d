"""The answer to a recorded visit: what it says and what it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.api import outgoing, scheduling
from service.api.answers import Outlook, change_of, model_ref, or_warn, predicted, require_question, risk_of
from service.api.one_at_a_time import one_at_a_time
from service.api.recommending import recommended

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from model.saved.artifact import LoadedModel
    from service.planning import Planning
    from service.recommendations.store import Recommendation
    from service.record import Patient, StoredPatient, Visit


@dataclass(frozen=True)
class Told:
    """A visit that may be written down, and the answer to it.

    Attributes
    ----------
    version : of the record without the visit
    patient : the record with the visit
    made : the recommendation in the answer; None where there is none
    """

    patient_id: UUID
    version: int
    patient: Patient
    visit: Visit
    answer: outgoing.VisitOut
    made: Recommendation | None


@one_at_a_time
def tell(model: LoadedModel, planning: Planning, stored: StoredPatient, visit: Visit, visit_id: UUID) -> Told:
    """Answer a visit that comes to a record: risk and schedule as of its date, and what it changed."""
    warnings: list[str] = []
    patient, day, made = stored.patient.with_visit(visit), visit.date, None
    found = or_warn(lambda: _with_and_without(model, patient, day), warnings)
    answered = None if found is None else or_warn(lambda: risk_of(model, patient, day, found[0]), warnings)
    planned = None if answered is None else or_warn(lambda: scheduling.quick(model, planning, patient, day), warnings)
    if planned is not None:
        planned, made = recommended(planning, stored.patient_id, patient, planned, whole=False)
    changed = None
    if found is not None and answered is not None:
        after, before = answered.events, found[1]
        changed = or_warn(lambda: change_of(model, patient, day, before=before, after=after), warnings)
    if patient.visits[-1].date > day:
        warnings.append("A later visit is recorded: risk and schedule are as of this visit's date, not as of now.")
    answer = outgoing.VisitOut(
        visit_id=visit_id,
        model=model_ref(model),
        risk=answered,
        schedule=planned,
        change=changed,
        warnings=warnings,
    )
    return Told(stored.patient_id, stored.version, patient, visit, answer, made)


def _with_and_without(model: LoadedModel, patient: Patient, day: date) -> tuple[Outlook, Outlook]:
    """Predict the record with a day's visit and without it; raises as `answers.risk` does."""
    require_question(patient, day)
    return predicted(model, patient, day), predicted(model, patient.without(day), day)
