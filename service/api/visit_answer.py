"""The answer to a recorded visit: what it says and what it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.api import outgoing, scheduling
from service.api.answers import change, model_ref, or_warn, risk

if TYPE_CHECKING:
    from uuid import UUID

    from model.saved.artifact import LoadedModel
    from service.planning import Planning
    from service.record import Patient, Visit


def visit(
    model: LoadedModel, planning: Planning, patient: Patient, recorded: Visit, visit_id: UUID
) -> outgoing.VisitOut:
    """Answer a recorded visit: risk and schedule as of its date, and what it changed."""
    warnings: list[str] = []
    day = recorded.date
    answered = or_warn(lambda: risk(model, patient, day), warnings)
    planned = None if answered is None else or_warn(lambda: scheduling.quick(model, planning, patient, day), warnings)
    if patient.visits[-1].date > day:
        warnings.append("A later visit is recorded: risk and schedule are as of this visit's date, not as of now.")
    return outgoing.VisitOut(
        visit_id=visit_id,
        model=model_ref(model),
        risk=answered,
        schedule=planned,
        change=None if answered is None else or_warn(lambda: change(model, patient, day, answered.events), warnings),
        warnings=warnings,
    )
