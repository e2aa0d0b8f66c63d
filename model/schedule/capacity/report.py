"""What came of sharing slots: each patient's visits and losses, and how the cohort fares beside a queue."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from model.schedule.capacity.booking import STEP
from model.schedule.capacity.duty import overrun
from model.schedule.capacity.plan import figures_by_month
from model.schedule.capacity.queue import RULES, queued
from model.schedule.figures import Figures

if TYPE_CHECKING:
    from model.predictor import Predictor
    from model.schedule.capacity.plan import Shared
    from model.schedule.limits import Limits
    from model.schedule.planner import Patients
    from model.schedule.policy import Policy
    from model.types import BoolArray, FloatArray, IntArray

OURS, FREE = "slots shared by price", "slots for everybody"
NEVER = 10**6


@dataclass(frozen=True)
class Way:
    """A way to follow the crowd.

    Attributes
    ----------
    plan, month : (n_patients, n_slots) of actions, and months of the visits from now; -1 = none
    figures : of everybody, by months
    """

    name: str
    plan: IntArray
    month: IntArray
    figures: Figures


def ways(predictor: Predictor, patients: Patients, policy: Policy, shared: Shared) -> list[Way]:
    """The shared plans, what each would have if there were slots for all, and the queues; figures by one reckoning."""
    slot = np.arange(shared.crowd.n_slots)
    plans = {
        OURS: (shared.bookings.plan, shared.bookings.month),
        FREE: (shared.wanted, np.where(shared.wanted > 0, slot * STEP, -1)),
        **{name: queued(shared.crowd, shared.wanted, shared.room, rule) for rule, name in RULES.items()},
    }
    tests = shared.crowd.actions.tests
    done = [(tests[plan], month) for plan, month in plans.values()]
    parts = list(figures_by_month(predictor, patients, policy, done))
    order = np.argsort(np.concatenate([who for who, _ in parts]))
    return [
        Way(name, plan, month, _joined([found[number] for _, found in parts], order))
        for number, (name, (plan, month)) in enumerate(plans.items())
    ]


def _joined(parts: list[Figures], order: IntArray) -> Figures:
    """Put parts together; `unseen_before` has other lengths in other parts and is left empty."""
    names = [field.name for field in fields(Figures) if field.name != "unseen_before"]
    columns = {name: np.concatenate([getattr(part, name) for part in parts])[order] for name in names}
    return Figures(**columns, unseen_before=np.zeros((len(order), 0)))


def moved_months(booked: IntArray, wanted: IntArray) -> FloatArray:
    """Months by which the first, second, ... booked visit is later than the wanted one, (n_patients, n_slots).

    booked, wanted : (n_patients, n_slots) months, -1 = no visit; nan where there is no visit, or none was wanted
    """
    number = np.cumsum(booked >= 0, axis=1) - 1
    ordered = np.sort(np.where(wanted >= 0, wanted, NEVER), axis=1)
    meant = np.take_along_axis(ordered, np.maximum(number, 0), axis=1)
    return np.where((booked >= 0) & (meant < NEVER), booked - meant, np.nan)


def infeasible(shared: Shared) -> list[str]:
    """For each patient the limits that the slots leave no room for, and by how much; "" where all are kept."""
    said = [""] * len(shared.crowd)
    for group in shared.crowd.groups:
        broken = _overruns(group.limits, shared.bookings.plan[group.who, : group.n_slots] > 0)
        for row in np.flatnonzero(np.sum(list(broken.values()), axis=0) > 0):
            parts = [f"{name} by {by[row] * STEP:g} months" for name, by in broken.items() if by[row] > 0]
            said[group.who[row]] = f"infeasible within the slots; overrun: {', '.join(parts)}"
    return said


def _overruns(limits: Limits, visited: BoolArray) -> dict[str, FloatArray]:
    """Slots by which each limit is overrun, (n_patients,) each."""
    never, none = np.full_like(limits.longest, NEVER), np.zeros_like(limits.must)
    return {
        "longest_interval_months": overrun(limits._replace(must=none, first_by=limits.end), visited),
        "first_visit_by_months": overrun(limits._replace(must=none, longest=never), visited),
        "must_visit_months": overrun(limits._replace(longest=never, first_by=limits.end), visited),
    }
