"""The list of patients: by reference, narrowed to some references, or to those whose visit is overdue."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from service.api import answers
from service.api.monitoring import overdue
from service.api.next_visits import next_visits
from service.errors import FollowUpClosedError
from service.store.tables import PatientRow

if TYPE_CHECKING:
    from datetime import date

    from service.api.dependencies import Service
    from service.api.next_visits import Planned
    from service.api.outgoing_schedule import NextVisitOut
    from service.record import StoredPatient
    from service.store.repository import Patients

ON_A_PAGE = 50
NOT_WORTH_IT = "No visit gains as much as it costs."


@dataclass(frozen=True)
class ListedPatient:
    """One row of the list; `message` stands where there is no next visit.

    Attributes
    ----------
    days_overdue : days since the next visit's window was over, 0 or less while there is time
    """

    stored: StoredPatient
    next: NextVisitOut | None
    message: str
    days_overdue: int

    @classmethod
    def of(cls, stored: StoredPatient, planned: Planned, today: date) -> ListedPatient:
        """Say what is planned, or why nothing is."""
        if isinstance(planned.refusal, FollowUpClosedError) and stored.patient.outcome is not None:
            message = f"Follow-up ended on {stored.patient.outcome.date}."
        else:
            message = NOT_WORTH_IT if planned.refusal is None else answers.sentence(planned.refusal)
        return cls(stored, planned.next, message, days_overdue(planned.next, today))


@dataclass(frozen=True)
class Found:
    """A page of the list; `total` counts everybody who was found."""

    rows: list[ListedPatient]
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(math.ceil(self.total / ON_A_PAGE), 1)


def days_overdue(following: NextVisitOut | None, today: date) -> int:
    """Days since the last day of a planned visit's window, 0 or less while there is time or nothing is planned."""
    return 0 if following is None else (today - following.window.latest).days


def find(service: Service, centres: frozenset[str] | None, *, reference: str, number: int) -> Found:
    """Read a page of patients of these centres (all) whose reference holds some text, with their next visits."""
    skip = (number - 1) * ON_A_PAGE
    with service.database.reading() as patients:
        if reference:
            stored, total = _holding(patients, reference, centres, skip=skip)
        else:
            stored, total = patients.page(skip=skip, most=ON_A_PAGE, centres=centres)
    planned = next_visits(service.model, service.planning, stored)
    today = service.today()
    return Found([ListedPatient.of(*each, today) for each in zip(stored, planned, strict=True)], total)


def find_overdue(service: Service, centres: frozenset[str] | None, *, reference: str, number: int) -> Found:
    """Read a page of the overdue, the longest overdue first; of those beyond the most that are listed, none."""
    late, today = overdue(service, centres).most, service.today()
    rows = [
        ListedPatient(each.stored, each.next, "", each.days(today))
        for each in late
        if reference.casefold() in each.stored.patient_ref.casefold()
    ]
    return Found(rows[(number - 1) * ON_A_PAGE : number * ON_A_PAGE], len(rows))


def _holding(
    patients: Patients, text: str, centres: frozenset[str] | None, *, skip: int
) -> tuple[list[StoredPatient], int]:
    """Patients whose reference holds the text, by reference, and how many there are.

    Large and small letters are alike; of those outside ASCII only where the database knows them.
    """
    reference = PatientRow.patient_ref
    which = [
        or_(reference.contains(text, autoescape=True), func.lower(reference).contains(text.lower(), autoescape=True))
    ]
    if centres is not None:
        which.append(PatientRow.centre.in_(sorted(centres)))
    query = select(PatientRow.patient_id).where(*which).order_by(reference, PatientRow.centre)
    total = patients.session.scalar(select(func.count(PatientRow.patient_id)).where(*which)) or 0
    return [patients.get(each) for each in patients.session.scalars(query.offset(skip).limit(ON_A_PAGE))], total
