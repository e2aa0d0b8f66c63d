"""What the search weighs: the objective of plans, for many patients at once, and what a change would gain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from model.schedule.sight import Sight

if TYPE_CHECKING:
    from model.schedule.actions import Actions
    from model.schedule.prospect import Prospect
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Task:
    """Patients to plan for: objective = expected cost + price x expected undetected months.

    Attributes
    ----------
    price : (n_patients,) of a month undetected, in the units of cost
    missed, seen : per cause, (n_slots, n_subsets, n_cells) P(a subset of its tests, done in the slot, misses the onset
        or sees it)
    """

    actions: Actions
    prospect: Prospect
    price: FloatArray
    missed: tuple[FloatArray, ...]
    seen: tuple[FloatArray, ...]

    @classmethod
    def of(cls, study: Study, prospect: Prospect, actions: Actions, price: FloatArray) -> Self:
        """Tabulate what the actions see."""
        sight = Sight.of(study, prospect)
        n_slots, n_cells = prospect.n_slots, prospect.mass.shape[2] * prospect.mass.shape[3]
        tables = []
        for cause, subsets in enumerate(actions.subset):
            table = np.ones((n_slots, len(subsets), n_cells), dtype=np.float32)
            for test in (test for test, seen in sight.sees if seen == cause and subsets[:, test].any()):
                seen = np.stack([sight.chance(test, cause, slot).ravel() for slot in range(n_slots)])
                table[:, subsets[:, test]] *= 1.0 - seen[:, None]
            tables.append(table)
        return cls(actions, prospect, price, tuple(tables), tuple(1.0 - table for table in tables))

    def __len__(self) -> int:
        """Count the patients."""
        return len(self.price)

    def select(self, index: IntArray | BoolArray) -> Self:
        """Return some of the patients."""
        return type(self)(self.actions, self.prospect.select(index), self.price[index], self.missed, self.seen)

    @cached_property
    def cells(self) -> FloatArray:
        """Mass by cell, (n_patients, n_causes, n_cells)."""
        mass = self.prospect.mass
        return mass.reshape(*mass.shape[:2], -1).astype(np.float32)

    @cached_property
    def total(self) -> FloatArray:
        """P(onset ever) of each cause alone, (n_patients, n_causes)."""
        return np.asarray(self.cells.sum(axis=2, dtype=np.float64))

    @cached_property
    def inside(self) -> BoolArray:
        """Slots before the plan's end, (n_patients, n_slots)."""
        return np.asarray(self.prospect.slot_month <= self.prospect.end_month[:, None] - 1e-9)

    def look(self, unfound: FloatArray, rows: IntArray, action: IntArray, slot: int) -> None:
        """Keep what the actions in a slot miss of some rows' unfound mass, (n_rows, n_causes, n_cells), in place."""
        which = self.actions.which[action]
        for cause, table in enumerate(self.missed):
            unfound[rows, cause] *= table[slot][which[:, cause]]


@dataclass(frozen=True)
class Course:
    """How a plan goes, by slot.

    Attributes
    ----------
    before : (n_patients, n_causes, n_slots) P(cause not found before the slot)
    after : likewise, from the slot on
    clear : likewise, and no onset by the middle of the stretch after it; `after` where the cause is no target
    cost, undetected : (n_patients,) expected
    objective : (n_patients,) cost + price x undetected
    """

    before: FloatArray
    after: FloatArray
    clear: FloatArray
    cost: FloatArray
    undetected: FloatArray
    objective: FloatArray


def course_of(task: Task, plan: IntArray) -> Course:
    """Follow a plan of actions, (n_patients, n_slots)."""
    prospect, n_causes = task.prospect, len(task.missed)
    shape = (len(task), n_causes, prospect.n_slots)
    before, after, clear = np.ones(shape), np.ones(shape), np.ones(shape)
    unfound = task.cells.copy()
    by_bin = prospect.mass.sum(axis=2)
    total = by_bin.sum(axis=2)
    now = np.ones((len(task), n_causes))
    for slot in range(prospect.n_slots):
        before[:, :, slot] = now
        rows = np.flatnonzero(plan[:, slot])
        if len(rows):
            task.look(unfound, rows, plan[rows, slot], slot)
            by_bin[rows] = unfound[rows].reshape(len(rows), *prospect.mass.shape[1:]).sum(axis=2)
            now = 1.0 - total + by_bin.sum(axis=2)
        after[:, :, slot] = now
        clear[:, :, slot] = now - (by_bin @ task.prospect.share_begun[slot]) * prospect.target
    comes = before.prod(axis=1) * prospect.followed * task.inside
    unseen = after.prod(axis=1) - clear.prod(axis=1)
    cost = (comes * task.actions.cost[plan]).sum(axis=1)
    undetected = (prospect.counted * unseen).sum(axis=1)
    return Course(before, after, clear, cost, undetected, cost + task.price * undetected)


@dataclass(frozen=True)
class Worth:
    """What an onset that is not found will yet cost, by cell: visits that finding it saves, and its months undetected.

    The slope of the objective in each cell's unfound mass, the other causes going as in the plan's course.

    Attributes
    ----------
    task : the patients
    after : (n_slots, n_patients, n_causes, n_cells) of what is unfound after the slot's visit
    begun, ahead : (n_patients, n_causes, n_slots) of the stretch after the slot alone, once there is an onset or before
    """

    task: Task
    after: FloatArray
    begun: FloatArray
    ahead: FloatArray

    @classmethod
    def of(cls, task: Task, plan: IntArray, course: Course) -> Self:
        """Go back from the plan's end."""
        prospect = task.prospect
        price = (task.price[:, None] * prospect.counted)[:, None]
        others_after, others_clear = _without_each(course.after), _without_each(course.clear)
        ahead = price * (others_after - others_clear)
        begun = np.where(prospect.target[:, None], price * others_after, ahead)
        visit = (task.actions.cost[plan] * prospect.followed * task.inside)[:, None] * _without_each(course.before)
        after = np.empty((prospect.n_slots, *task.cells.shape), dtype=np.float32)
        worth = cls(task, after, begun.astype(np.float32), ahead.astype(np.float32))
        later: FloatArray = np.zeros(task.cells.shape, dtype=np.float32)
        for slot in range(prospect.n_slots - 1, -1, -1):
            after[slot] = worth.through(slot, later, slice(None))
            later = after[slot].copy()
            rows = np.flatnonzero(plan[:, slot])
            task.look(later, rows, plan[rows, slot], slot)
            later[rows] += visit[rows, :, slot, None]
        return worth

    def through(self, slot: int, later: FloatArray, rows: IntArray | slice) -> FloatArray:
        """Add the stretch after a slot to what comes later, (n_rows, n_causes, n_cells)."""
        share = self.task.prospect.share_begun[slot].astype(np.float32)
        begun, ahead = self.begun[rows, :, slot, None], self.ahead[rows, :, slot, None]
        stretch = ahead + (begun - ahead) * share  # n_rows, n_causes, n_bins
        shape = (*stretch.shape[:2], len(self.task.prospect.pace), len(share))
        return np.asarray((later.reshape(shape) + stretch[:, :, None]).reshape(later.shape))


def gains(task: Task, unfound: FloatArray, worth: FloatArray, comes: FloatArray, slot: int) -> FloatArray:
    """What each action in a slot gains against no visit there, (n_rows, n_actions).

    Parameters
    ----------
    unfound : (n_rows, n_causes, n_cells) mass not found before the slot
    worth : likewise, what a cell unfound after the slot will yet cost
    comes : (n_rows,) P(the patient comes)
    """
    weighed = unfound * worth
    gain = -comes[:, None] * task.actions.cost
    for cause, table in enumerate(task.seen):
        found = weighed[:, cause] @ table[slot].T
        gain += found[:, task.actions.which[:, cause]]
    return gain


def _without_each(chance: FloatArray) -> FloatArray:
    """Product over the other causes, (n_patients, n_causes, n_slots) to the same shape."""
    n = chance.shape[1]
    others = np.array([[j for j in range(n) if j != k] for k in range(n)], dtype=np.int64).reshape(n, -1)
    return np.asarray(chance[:, others].prod(axis=2))
