"""Plan a whole cohort together within the slots there are, and hold that against what clinics do without prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.errors import NotSupportedError
from model.schedule.actions import worthwhile
from model.schedule.best import best_plans
from model.schedule.capacity.booking import Bookings, by_slot, in_parts, months_of
from model.schedule.capacity.crowd import Crowd, Group
from model.schedule.capacity.prices import priced_slots
from model.schedule.figures import Figures, figures
from model.schedule.planner import AT_ONCE, FINE_SPACING, FINE_STEP, limits_of
from model.schedule.prospect import STEP_MONTH, prospects
from model.schedule.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model.predictor import Predictor
    from model.schedule.planner import Patients
    from model.schedule.policy import Policy
    from model.types import BoolArray, FloatArray, IntArray

# Of the plans wanted: what is found later, where slots are few, should not be better.
FREE_PASSES = 8
# Times that everybody plans anew: at prices, which fall where room is left and rise elsewhere, and at last for nothing.
ROUNDS, LAST_ROUNDS = 40, 4
FALL, RISE, LEAST_RISE = 0.95, 1.03, 0.01


@dataclass(frozen=True)
class Shared:
    """Plans of patients who share slots.

    Attributes
    ----------
    crowd : the patients
    wanted : (n_patients, n_slots) of actions: the plans if there were slots for all
    bookings : the plans within the slots, by months
    room : (n_months, n_tests) the slots there are; inf = as many as are wanted
    price : (n_months, n_tests) what one slot more would gain, in the study's units of cost
    bound : no plans within the slots have a lower total value, as far as the search finds each patient's best plan
    """

    crowd: Crowd
    wanted: IntArray
    bookings: Bookings
    room: FloatArray
    price: FloatArray
    bound: float

    @property
    def value(self) -> FloatArray:
        """Objective of the plans, and what overrunning limits adds, (n_patients,)."""
        return self.crowd.value(self.bookings.plan)


def gather(predictor: Predictor, patients: Patients, policy: Policy, *, tier: str | None) -> tuple[Crowd, IntArray]:
    """Return (the patients, the plan that each would have if there were slots for all).

    Raises NotSupportedError where the policy states no price, or `planner.plan` would.
    """
    if policy.price is None or policy.cautious:
        raise NotSupportedError(
            "slots are shared by one price of a month undetected: a policy with a price, not cautious"
        )
    actions = worthwhile(predictor.study, policy.burden, tier=tier)
    if len(actions.cost) == 1:
        raise NotSupportedError("no test at hand finds any of the events, so no visit would be of use")
    groups, plans = [], []
    asked = predictor, patients.histories, patients.as_of_month, patients.end_month(policy)
    for who, prospect in prospects(*asked, at_once=AT_ONCE):
        task = Task.of(predictor.study, prospect, actions, np.full(len(who), policy.price))
        groups.append(Group(who, task, limits_of(patients, who, prospect, policy)))
        plans.append(best_plans(task, groups[-1].limits)[0])
    crowd = Crowd(tuple(groups))
    wanted = np.zeros((len(crowd), crowd.n_slots), dtype=np.int64)
    for group, plan in zip(groups, plans, strict=True):
        wanted[group.who, : group.n_slots] = plan
    free = np.zeros((crowd.n_slots, len(actions.cost)))
    return crowd, crowd.improved(wanted, crowd.everybody, free, free + np.inf, passes=range(FREE_PASSES))[0]


def share(
    crowd: Crowd, wanted: IntArray, room: FloatArray, *, rng: np.random.Generator, tell: Callable[[str], None]
) -> Shared:
    """Find plans of least total value within the slots.

    Parameters
    ----------
    room : (n_months, n_tests), for at least `months_of(crowd.n_slots)` months
    rng : in which order patients plan anew
    """
    room, n_slots = room[: months_of(crowd.n_slots)], crowd.n_slots
    prices = priced_slots(crowd, wanted, by_slot(room, n_slots).sum(axis=0), tell=tell)
    bookings, price = Bookings.none(crowd, room), prices.price
    order = rng.permutation(len(crowd))
    for part in in_parts(order):
        bookings.book(part, prices.plan[part])
    for number in range(0 if price.any() else ROUNDS, ROUNDS + LAST_ROUNDS):
        toll = (price if number < ROUNDS else np.zeros_like(price)) @ crowd.actions.tests.T
        bookings.rebook(rng.permutation(len(crowd)), toll, passes=range(number, number + 1))
        spare = by_slot(bookings.left, n_slots).sum(axis=0) > 1.0
        if number > 1:
            price = np.where(spare, price * FALL, price * RISE + LEAST_RISE)
        if (number + 1) % (ROUNDS // 2) == 0:
            tell(f"  booking: round {number + 1} of {ROUNDS + LAST_ROUNDS}")
    nearest = np.rint(np.arange(len(room)) / STEP_MONTH).astype(np.int64)
    return Shared(crowd, wanted, bookings, room, prices.price[np.minimum(nearest, n_slots - 1)], prices.bound)


def figures_by_month(
    predictor: Predictor, patients: Patients, policy: Policy, ways: list[tuple[BoolArray, IntArray]]
) -> Iterator[tuple[IntArray, list[Figures]]]:
    """Yield (which patients, their figures under each way), some at a time.

    ways : each (tests done (n_patients, n_slots, n_tests), months of the visits (n_patients, n_slots), -1 = none)
    """
    asked = predictor, patients.histories, patients.as_of_month, patients.end_month(policy)
    for who, fine in prospects(*asked, step=FINE_STEP, spacing=FINE_SPACING, at_once=AT_ONCE):
        found = []
        for done, month in ways:
            plan = by_month(done[who], month[who], fine.n_slots)
            found.append(figures(predictor.study, fine, plan))
        yield who, found


def by_month(done: BoolArray, month: IntArray, n_months: int) -> BoolArray:
    """Put visits, (n_patients, n_slots, n_tests), in their months, (n_patients, n_months, n_tests)."""
    plan = np.zeros((len(done), n_months, done.shape[2]), dtype=bool)
    row, slot = np.nonzero(month >= 0)
    plan[row, month[row, slot]] = done[row, slot]
    return plan
