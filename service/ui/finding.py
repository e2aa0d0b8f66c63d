"""The list of patients: by reference, narrowed to some references, or to those whose visit is overdue."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.api import answers
from service.api.monitoring import overdue
from service.api.next_visits import next_visits
from service.errors import FollowUpClosedError

if TYPE_CHECKING:
    from datetime import date

    from service.api.dependencies import Service
    from service.api.next_visits import Planned
    from service.api.outgoing_schedule import NextVisitOut
    from service.record import StoredPatient

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
    skip, today = (number - 1) * ON_A_PAGE, service.today()
    with service.database.reading() as patients:
        stored, total = patients.page(skip=skip, most=ON_A_PAGE, centres=centres, holding=reference)
    planned = next_visits(service.model, service.planning, stored, today)
    return Found([ListedPatient.of(*each, today) for each in zip(stored, planned, strict=True)], total)


def find_overdue(service: Service, centres: frozenset[str] | None, *, reference: str, number: int) -> Found:
    """Read a page of the overdue, the longest overdue first."""
    late, today = overdue(service, centres), service.today()
    which = [each for each, its in late.references.items() if reference.casefold() in its.casefold()]
    with service.database.reading() as patients:
        stored = patients.some(which[(number - 1) * ON_A_PAGE : number * ON_A_PAGE])
    rows = [ListedPatient.of(each, late.plans[each.patient_id].planned, today) for each in stored]
    return Found(rows, len(which))
