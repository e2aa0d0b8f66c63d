"""Who should have been seen by now: the window of the planned next visit is over, and there was no visit."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING

from model.errors import NotSupportedError
from service.api import answers
from service.errors import AwaitingWorkUpError
from service.monitoring.reading import stored_in_chunks, understood

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    from model.saved.artifact import LoadedModel
    from service.api.outgoing import NextVisitOut
    from service.record import Patient, StoredPatient
    from service.store.database import Database

# More than anybody reads; `total` counts them all.
MOST_LISTED = 500
NO_PLAN = {AwaitingWorkUpError: "awaiting_work_up", NotSupportedError: "not_supported"}


@dataclass(frozen=True)
class Planned:
    """A patient's next visit as planned at the last one, or why there is none.

    Attributes
    ----------
    version : of the record that it was planned from
    next : None where there is no plan
    reason : one of NO_PLAN's, empty where there is a plan
    """

    version: int
    next: NextVisitOut | None
    reason: str


@dataclass(frozen=True)
class OverduePatient:
    """A patient who was not seen in time."""

    stored: StoredPatient
    last_seen: date
    next: NextVisitOut

    def days(self, today: date) -> int:
        """Days since the window was over."""
        return (today - self.next.window.latest).days


@dataclass(frozen=True)
class Overdue:
    """Everybody who is overdue, and whom nothing could be planned for.

    Attributes
    ----------
    most : the MOST_LISTED longest overdue, these first
    total : how many are overdue in all
    open_patients : how many are still followed
    without_plan : how many of them have no plan, by reason
    plans : of everybody still followed, for the next time
    """

    most: list[OverduePatient]
    total: int
    open_patients: int
    without_plan: dict[str, int]
    plans: dict[UUID, Planned]


def find_overdue(model: LoadedModel, database: Database, today: date, known: Mapping[UUID, Planned]) -> Overdue:
    """Plan everybody's next visit from the last one, as the patient's page does.

    known : plans of the same model; those whose record has not changed since are not worked out again
    """
    plans: dict[UUID, Planned] = {}
    most: list[OverduePatient] = []
    total, without = 0, dict.fromkeys((*NO_PLAN.values(), "another_study"), 0)
    for chunk in stored_in_chunks(database):
        found = []
        for stored in chunk:
            if stored.patient.outcome is not None and stored.patient.outcome.date <= today:
                continue
            plan = known.get(stored.patient_id)
            if plan is None or plan.version != stored.version:
                plan = _plan(model, stored)
            plans[stored.patient_id] = plan
            if plan.next is None:
                without[plan.reason] += 1
            elif plan.next.window.latest < today:
                found.append(OverduePatient(stored, last_seen(stored.patient), plan.next))
        total += len(found)
        most = nlargest(MOST_LISTED, most + found, key=lambda patient: patient.days(today))
    return Overdue(most, total, len(plans), without, plans)


def last_seen(patient: Patient) -> date:
    """Date of the last visit, or of the origin."""
    return patient.visits[-1].date if patient.visits else patient.origin_date


def _plan(model: LoadedModel, stored: StoredPatient) -> Planned:
    if not understood(model.predictor.study, stored):
        return Planned(stored.version, None, "another_study")
    try:
        planned = answers.schedule(model, stored.patient, last_seen(stored.patient), tier=None)
    except tuple(NO_PLAN) as error:
        return Planned(stored.version, None, NO_PLAN[type(error)])
    return Planned(stored.version, planned.next, "")
