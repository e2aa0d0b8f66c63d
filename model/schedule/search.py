"""Improve plans of many patients at once: go through the slots and change one visit at a time while that gains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from model.schedule.limits import next_slot
from model.schedule.task import Course, Task, Worth, course_of, gains

if TYPE_CHECKING:
    from model.schedule.limits import Limits
    from model.types import BoolArray, FloatArray, IntArray

ROWS_AT_ONCE = 250
MOST_SWEEPS = 40
# Improvements below this share of the objective are not looked for.
LEAST_GAIN = 1e-4


def improve(task: Task, limits: Limits, plan: IntArray) -> tuple[IntArray, FloatArray]:
    """Improve plans of actions, (n_patients, n_slots), that keep the limits; returns (plans, their objective)."""
    best, value = plan.copy(), np.zeros(len(plan))
    for start in range(0, len(plan), ROWS_AT_ONCE):
        here = np.arange(start, min(start + ROWS_AT_ONCE, len(plan)))
        best[here], value[here] = _improve(task.select(here), limits.select(here), plan[here])
    return best, value


def _improve(task: Task, limits: Limits, plan: IntArray) -> tuple[IntArray, FloatArray]:
    """Sweep until nothing gains.

    A sweep reckons each change as if the other causes went as before; where its changes together do not gain, the next
    sweep makes the first of them alone.
    """
    best = plan.copy()
    value = course_of(task, plan).objective
    alone, active = np.zeros(len(plan), dtype=bool), np.arange(len(plan))
    for _ in range(MOST_SWEEPS):
        here = task.select(active)
        tried = _sweep(here, limits.select(active), best[active], alone=alone[active])
        after = course_of(here, tried).objective
        better = after < value[active] * (1 - LEAST_GAIN)
        best[active[better]], value[active[better]] = tried[better], after[better]
        going_on = better | ~alone[active]
        alone[active] = ~better
        active = active[going_on]
        if not len(active):
            break
    return best, value


def _sweep(task: Task, limits: Limits, plan: IntArray, *, alone: BoolArray) -> IntArray:
    """Go through the slots once and make the changes that gain; of those who are `alone` only the first."""
    walk = _Walk.at_start(task, limits, plan.copy())
    for slot in range(plan.shape[1]):
        before = walk.plan[:, slot].copy()
        walk.change(slot)
        walk.settled |= alone & (walk.plan[:, slot] != before)
        walk.visit(slot)
    return walk.plan


@dataclass
class _Walk:
    """Where a sweep stands: plans are new before the slot and old after it.

    Attributes
    ----------
    worth : of what is unfound, under the old plans
    there : (n_patients, n_slots) P(followed), within the plan
    least : (n_patients,) smallest gain worth a change
    unfound : (n_patients, n_causes, n_cells) mass that the visits before the slot have missed
    nothing_found : (n_patients,) P(no cause found before the slot)
    following : (n_patients, n_slots) slot of the next visit after each, under the old plans
    seen : (n_patients,) slot of the visit before
    first : (n_patients,) whether no visit has come yet
    settled : (n_patients,) whether nothing more is to be changed
    """

    task: Task
    limits: Limits
    plan: IntArray
    worth: Worth
    there: FloatArray
    least: FloatArray
    unfound: FloatArray
    nothing_found: FloatArray
    following: IntArray
    seen: IntArray
    first: BoolArray
    settled: BoolArray

    @classmethod
    def at_start(cls, task: Task, limits: Limits, plan: IntArray) -> Self:
        """Stand before the first slot."""
        course: Course = course_of(task, plan)
        return cls(
            task=task,
            limits=limits,
            plan=plan,
            worth=Worth.of(task, plan, course),
            there=task.prospect.followed * task.inside,
            least=LEAST_GAIN * np.abs(course.objective),
            unfound=task.cells.copy(),
            nothing_found=np.ones(len(plan)),
            following=next_slot(plan > 0),
            seen=limits.last_seen.copy(),
            first=np.ones(len(plan), dtype=bool),
            settled=np.zeros(len(plan), dtype=bool),
        )

    def gains(self, rows: IntArray, slot: int, worth: FloatArray) -> FloatArray:
        """What each action in a slot gains if there is no visit between the last and it, (n_rows, n_actions)."""
        comes = self.nothing_found[rows] * self.there[rows, slot]
        return gains(self.task, self.unfound[rows], worth, comes, slot)

    def change(self, slot: int) -> None:
        """Take what gains most while all other visits stay.

        That is another action or none in the slot; or, of this slot and the next, the visit at the other one.
        """
        everyone = np.arange(len(self.plan))
        now, after = self.plan[:, slot].copy(), self.following[:, slot]
        value = self.gains(everyone, slot, self.worth.after[slot])
        held = value[everyone, now]
        value[:, 1:][~self._fits(everyone, slot, after)] = -np.inf
        value[~self._may_stay_empty(slot, after), 0] = -np.inf
        value[everyone, now] = held + self.least
        best = value.max(axis=1) - held
        self.plan[:, slot] = np.where(self.settled, now, value.argmax(axis=1))
        if slot + 1 == self.plan.shape[1]:
            return
        must = self.limits.must[:, slot] | self.limits.must[:, slot + 1]
        free = ~must & ~self.settled & ((now > 0) != (self.plan[:, slot + 1] > 0))
        self._put_off(np.flatnonzero(free & (now > 0)), slot, held + best)
        self._bring_forward(np.flatnonzero(free & (now == 0)), slot, best)

    def visit(self, slot: int) -> None:
        """Go past a slot, its visit done."""
        rows = np.flatnonzero(self.plan[:, slot])
        if not len(rows):
            return
        self.task.look(self.unfound, rows, self.plan[rows, slot], slot)
        unfound = 1.0 - self.task.total[rows] + self.unfound[rows].sum(axis=2)
        self.nothing_found[rows] = unfound.prod(axis=1)
        self.seen[rows], self.first[rows] = slot, False

    def _put_off(self, rows: IntArray, slot: int, best: FloatArray) -> None:
        """Move the visit to the next slot, which is empty, where that gains more."""
        rows = self._fitting(rows, slot + 1, slot + 1)
        if not len(rows):
            return
        value = self.gains(rows, slot + 1, self.worth.after[slot + 1][rows])
        action, wins = _best(value, best[rows] + self.least[rows])
        self.plan[rows[wins], slot], self.plan[rows[wins], slot + 1] = 0, action[wins]

    def _bring_forward(self, rows: IntArray, slot: int, best: FloatArray) -> None:
        """Move the visit of the next slot to this one, which is empty, where that gains more."""
        rows = self._fitting(rows, slot, slot + 1)
        if not len(rows):
            return
        later = self.worth.after[slot + 1][rows]
        held = self.gains(rows, slot + 1, later)[np.arange(len(rows)), self.plan[rows, slot + 1]]
        value = self.gains(rows, slot, self.worth.through(slot, later, rows))
        action, wins = _best(value, held + best[rows] + self.least[rows])
        self.plan[rows[wins], slot], self.plan[rows[wins], slot + 1] = action[wins], 0

    def _fitting(self, rows: IntArray, slot: int, without: int) -> IntArray:
        """Those of some rows in whom a visit may be in a slot, were there none in slot `without`."""
        return rows[self._fits(rows, slot, self.following[rows, without])] if len(rows) else rows

    def _fits(self, rows: IntArray, slot: int, after: IntArray) -> BoolArray:
        """Whether a visit may be in a slot between the one last seen and the one after it, (n_rows,)."""
        limits = self.limits.select(rows)
        since, left = slot - self.seen[rows], np.minimum(after, limits.end) - slot
        near_enough = (since <= limits.longest) & (left <= limits.longest)
        near_enough &= ~self.first[rows] | (slot <= limits.first_by)
        far_enough = (since >= limits.shortest) & ((after - slot >= limits.shortest) | (after >= self.plan.shape[1]))
        return np.asarray(limits.open[:, slot] & near_enough & far_enough)

    def _may_stay_empty(self, slot: int, after: IntArray) -> BoolArray:
        """Whether no visit need be in a slot, (n_patients,)."""
        limits = self.limits
        near_enough = np.minimum(after, limits.end) - self.seen <= limits.longest
        near_enough &= ~self.first | (after <= limits.first_by) | (limits.first_by >= limits.end)
        return np.asarray(near_enough & ~limits.must[:, slot])


def _best(value: FloatArray, least: FloatArray) -> tuple[IntArray, BoolArray]:
    """The action that is worth most, no visit apart, and whether it is worth more than `least`, (n_rows,)."""
    action = value[:, 1:].argmax(axis=1) + 1
    return action, value[np.arange(len(value)), action] > least
