"""What the search weighs: the objective of plans, for many patients at once, and what a change would gain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from model.schedule.course import follow_each, gains_each, improve_each
from model.schedule.packed import Looks, People
from model.schedule.sight import Sight

if TYPE_CHECKING:
    from model.schedule.actions import Actions
    from model.schedule.limits import Limits
    from model.schedule.prospect import Prospect
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Task:
    """Patients to plan for: objective = expected cost + price x expected undetected months.

    Attributes
    ----------
    price : (n_patients,) of a month undetected, in the units of cost
    looks : what the actions see and cost
    """

    actions: Actions
    prospect: Prospect
    price: FloatArray
    looks: Looks

    @classmethod
    def of(cls, study: Study, prospect: Prospect, actions: Actions, price: FloatArray) -> Self:
        """Tabulate what the actions see."""
        return cls(actions, prospect, price, _looks(Sight.of(study, prospect), prospect, actions))

    def __len__(self) -> int:
        """Count the patients."""
        return len(self.price)

    def select(self, index: IntArray | BoolArray) -> Self:
        """Return some of the patients."""
        return type(self)(self.actions, self.prospect.select(index), self.price[index], self.looks)

    def with_toll(self, toll: FloatArray) -> Self:
        """Charge something for each action in each slot, (n_slots, n_actions), beside what it costs anywhere."""
        return replace(self, looks=self.looks._replace(cost=self.looks.cost + toll))

    @cached_property
    def cells(self) -> FloatArray:
        """Mass by pace and bin, (n_patients, n_causes, n_cells)."""
        mass = self.prospect.mass
        return mass.reshape(*mass.shape[:2], mass.shape[2] * mass.shape[3]).astype(np.float32)

    def by_bin(self, cells: FloatArray) -> FloatArray:
        """Add up the paces of each bin, (n_patients, n_causes, n_cells) to (..., n_bins)."""
        return np.asarray(cells.reshape(*cells.shape[:2], len(self.prospect.pace), -1).sum(axis=2))

    @cached_property
    def total(self) -> FloatArray:
        """P(onset ever) of each cause alone, (n_patients, n_causes)."""
        return np.asarray(self.cells.sum(axis=2, dtype=np.float64))

    @cached_property
    def inside(self) -> BoolArray:
        """Slots before the plan's end, (n_patients, n_slots)."""
        return np.asarray(self.prospect.slot_month <= self.prospect.end_month[:, None] - 1e-9)

    @cached_property
    def people(self) -> People:
        """The patients as the compiled search reads them."""
        prospect = self.prospect
        price = np.ascontiguousarray(self.price, dtype=np.float64)
        # Most patients have mass at some paces only. Unsigned: what might be negative keeps loops off the vector unit.
        some = self.cells > 0
        first, after = some.argmax(axis=2), self.cells.shape[2] - some[:, :, ::-1].argmax(axis=2)
        after = np.where(some.any(axis=2), after, first)
        there, months = prospect.followed * self.inside, np.ascontiguousarray(prospect.counted)
        return People(self.cells, first.astype(np.uint64), after.astype(np.uint64), there, months, price)

    def look(self, unfound: FloatArray, rows: IntArray, action: IntArray, slot: int) -> None:
        """Keep what the actions in a slot miss of some rows' unfound mass, (n_rows, n_causes, n_cells), in place."""
        row = self.looks.row[action]
        for cause in range(row.shape[1]):
            unfound[rows, cause] *= self.looks.missed[slot, row[:, cause]]


def _looks(sight: Sight, prospect: Prospect, actions: Actions) -> Looks:
    n_slots, (_, n_causes, n_paces, n_bins) = prospect.n_slots, prospect.mass.shape
    of_cause = np.cumsum([0, *(len(subsets) for subsets in actions.subset)])
    missed = np.ones((n_slots, of_cause[-1], n_paces, n_bins), dtype=np.float32)
    for cause, subsets in enumerate(actions.subset):
        own = missed[:, of_cause[cause] : of_cause[cause + 1]]
        for test in (test for test, seen in sight.sees if seen == cause and subsets[:, test].any()):
            own[:, subsets[:, test]] *= 1.0 - sight.chance(test, cause, np.arange(n_slots))[:, None]
    shape = (n_slots, int(of_cause[-1]), n_paces * n_bins)
    return Looks(
        cost=np.tile(actions.cost, (n_slots, 1)),
        row=np.ascontiguousarray(actions.which + of_cause[:n_causes], dtype=np.uint64),
        of_cause=of_cause,
        missed=missed.reshape(shape),
        seen=1.0 - missed.reshape(shape),
        begun=np.tile(prospect.share_begun, (1, n_paces)).astype(np.float32),
        target=prospect.target,
    )


@dataclass(frozen=True)
class Course:
    """How plans go.

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
    """Follow plans of actions, (n_patients, n_slots)."""
    before, after, clear = (np.empty((*task.cells.shape[:2], plan.shape[1])) for _ in range(3))
    total = np.empty((len(plan), 2))
    follow_each(task.looks, task.people, np.ascontiguousarray(plan), before, after, clear, total)
    cost, undetected = total.T
    return Course(before, after, clear, cost, undetected, cost + task.price * undetected)


def gains(task: Task, plan: IntArray) -> FloatArray:
    """What each action in each slot gains against no visit there, the others staying, (n_patients, n_slots, n_actions).

    It is reckoned as if finding one cause did not change what the others cost.
    """
    value = np.empty((*plan.shape, len(task.actions.cost)))
    gains_each(task.looks, task.people, np.ascontiguousarray(plan), value)
    return value


def improve(task: Task, limits: Limits, plan: IntArray) -> tuple[IntArray, FloatArray]:
    """Improve plans of actions, (n_patients, n_slots), that keep the limits; returns (plans, their objective).

    Goes through the slots and changes one visit at a time, then two that follow each other, while that gains.
    """
    best, value = np.array(plan, dtype=np.int64), np.empty(len(plan))
    improve_each(task.looks, task.people, limits, best, value)
    return best, value
