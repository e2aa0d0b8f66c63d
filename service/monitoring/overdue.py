"""Who should have been seen by now: the window of the planned next visit is over, and there was no visit."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING

from model.errors import NotSupportedError
from service.api.next_visits import is_followed, last_seen, next_visits
from service.errors import AwaitingWorkUpError, StudyMismatchError
from service.monitoring.reading import stored_in_chunks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    from model.saved.artifact import LoadedModel
    from service.api.next_visits import Planned
    from service.api.outgoing_schedule import NextVisitOut
    from service.planning import Planning
    from service.record import StoredPatient
    from service.store.database import Database

# More than anybody reads; `total` counts them all.
MOST_LISTED = 500
NO_PLAN: dict[type[Exception], str] = {
    AwaitingWorkUpError: "awaiting_work_up",
    NotSupportedError: "not_supported",
    StudyMismatchError: "another_study",
}


@dataclass(frozen=True)
class Kept:
    """A plan, and the version of the record that it was made from."""

    version: int
    planned: Planned


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
    references : everybody's who is overdue, the longest first
    open_patients : how many are still followed
    without_plan : how many of them have no plan, by reason
    plans : of everybody still followed, for the next time
    """

    most: list[OverduePatient]
    references: dict[UUID, str]
    open_patients: int
    without_plan: dict[str, int]
    plans: dict[UUID, Kept]

    @property
    def total(self) -> int:
        """How many are overdue in all."""
        return len(self.references)


def find_overdue(
    model: LoadedModel,
    planning: Planning,
    database: Database,
    today: date,
    known: Mapping[UUID, Kept],
    *,
    centres: frozenset[str] | None = None,
) -> Overdue:
    """Plan everybody's next visit from the last one, as the patient's page does.

    centres : those whose patients are looked at; None = all
    known : plans of the same model; those whose record has not changed since are not worked out again
    """
    plans: dict[UUID, Kept] = {}
    most: list[OverduePatient] = []
    references: dict[UUID, tuple[date, str]] = {}
    without = dict.fromkeys(NO_PLAN.values(), 0)
    for chunk in stored_in_chunks(database):
        asked_for = [stored for stored in chunk if centres is None or stored.centre in centres]
        followed = [stored for stored in asked_for if is_followed(stored.patient, today)]
        here = {each.patient_id: known[each.patient_id] for each in followed if each.patient_id in known}
        changed = [
            each for each in followed if (kept := here.get(each.patient_id)) is None or kept.version != each.version
        ]
        for stored, planned in zip(changed, next_visits(model, planning, changed, today), strict=True):
            here[stored.patient_id] = Kept(stored.version, planned)
        plans |= here
        found = []
        for stored in followed:
            planned = here[stored.patient_id].planned
            if planned.refusal is not None:
                without[NO_PLAN[type(planned.refusal)]] += 1
            elif planned.next is not None and planned.next.window.latest < today:
                found.append(OverduePatient(stored, last_seen(stored.patient), planned.next))
        references |= {each.stored.patient_id: (each.next.window.latest, each.stored.patient_ref) for each in found}
        most = nlargest(MOST_LISTED, most + found, key=lambda patient: patient.days(today))
    longest_first = sorted(references.items(), key=lambda each: each[1])
    return Overdue(most, {each: text for each, (_, text) in longest_first}, len(plans), without, plans)
