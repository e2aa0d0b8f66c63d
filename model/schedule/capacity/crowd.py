"""All patients who share slots: their tasks, group by group, and one plan for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.schedule.capacity.duty import overrun
from model.schedule.capacity.insertion import Priced, comes, improve
from model.schedule.task import course_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.schedule.actions import Actions
    from model.schedule.limits import Limits
    from model.schedule.task import Task
    from model.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Group:
    """Patients whose tasks share their tables; `who`, (n_patients,), says which of the crowd they are."""

    who: IntArray
    task: Task
    limits: Limits

    @property
    def n_slots(self) -> int:
        """Slots of these patients' plans."""
        return self.task.prospect.n_slots

    def select(self, index: IntArray | BoolArray) -> Group:
        """Return some of the patients."""
        return Group(self.who[index], self.task.select(index), self.limits.select(index))


@dataclass(frozen=True)
class Crowd:
    """Patients who are planned together.

    Plans are (n_patients, n_slots) of actions, 0 past a patient's end. What is asked about some patients, `who`, is
    answered in their order.
    """

    groups: tuple[Group, ...]

    def __len__(self) -> int:
        """Count the patients."""
        return sum(len(group.who) for group in self.groups)

    @property
    def actions(self) -> Actions:
        """What may be done, the same for all."""
        return self.groups[0].task.actions

    @property
    def n_slots(self) -> int:
        """Slots of the longest plan."""
        return max(group.n_slots for group in self.groups)

    @property
    def everybody(self) -> IntArray:
        """All patients."""
        return np.arange(len(self))

    def among(self, who: IntArray) -> Iterator[tuple[IntArray, Group]]:
        """Yield (rows of `who`, their group) for some patients."""
        row = np.full(len(self), -1)
        row[who] = np.arange(len(who))
        for group in self.groups:
            here = row[group.who] >= 0
            if here.any():
                yield row[group.who[here]], group if here.all() else group.select(here)

    def comes(self, plan: IntArray, who: IntArray) -> FloatArray:
        """P(each of some patients comes in a slot), (n_who, n_slots), with their plans likewise."""
        there = np.zeros(plan.shape)
        for rows, group in self.among(who):
            course = course_of(group.task, plan[rows, : group.n_slots])
            there[rows, : group.n_slots] = comes(group.task, course)
        return there

    def load(self, plan: IntArray, come: FloatArray) -> FloatArray:
        """Expected number of each test in each slot, (n_slots, n_tests)."""
        n_actions = len(self.actions.cost)
        index = plan + np.arange(plan.shape[1]) * n_actions
        count = np.bincount(index.ravel(), weights=come.ravel(), minlength=plan.shape[1] * n_actions)
        return np.asarray(count.reshape(-1, n_actions) @ self.actions.tests)

    def value(self, plan: IntArray) -> FloatArray:
        """What everybody's plan is judged by where slots cost nothing, (n_patients,)."""
        value = np.zeros(len(plan))
        for rows, group in self.among(self.everybody):
            free = np.zeros((group.n_slots, len(self.actions.cost)))
            value[rows] = Priced(group.task, group.limits, free).value(plan[rows, : group.n_slots])
        return value

    def overrun(self, plan: IntArray) -> FloatArray:
        """Slots by which everybody's plan overruns the limits, (n_patients,)."""
        late = np.zeros(len(plan))
        for rows, group in self.among(self.everybody):
            late[rows] = overrun(group.limits, plan[rows, : group.n_slots] > 0)
        return late

    def improved(
        self, plan: IntArray, who: IntArray, toll: FloatArray, space: FloatArray, *, passes: range
    ) -> tuple[IntArray, FloatArray]:
        """Improve the plans of some patients, (n_who, n_slots); returns (plans, their value with the tolls)."""
        found, value = plan.copy(), np.zeros(len(plan))
        for rows, group in self.among(who):
            inside = slice(group.n_slots)
            priced = Priced(group.task, group.limits, toll[inside])
            found[rows, inside], value[rows] = improve(priced, plan[rows, inside], space[inside], passes=passes)
        return found, value
