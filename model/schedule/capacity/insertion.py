"""Plans where a slot has its price: one visit at a time is taken out and put where it gains most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from model.schedule.capacity.duty import may_be, overrun, relief
from model.schedule.task import Course, Task, Worth, course_of, gains

if TYPE_CHECKING:
    from model.schedule.limits import Limits
    from model.types import FloatArray, IntArray

LEAST_GAIN = 1e-4
# A slot by which a limit is overrun counts as so many of the dearest visits and months undetected: more than any gain.
DUTY = 10.0


@dataclass(frozen=True)
class Priced:
    """Patients to plan for who pay for every test what its slot costs, beside what it costs anywhere.

    A limit that asks for a visit is a price, too: `duty` for each slot by which it is overrun. So patients who cannot
    have what they must get what comes nearest.

    Attributes
    ----------
    toll : (n_slots, n_actions) charged for an action in a slot when the patient comes; 0 for no visit
    """

    task: Task
    limits: Limits
    toll: FloatArray

    @cached_property
    def duty(self) -> FloatArray:
        """Price of a slot by which a limit is overrun, (n_patients,)."""
        return np.asarray(DUTY * (self.task.actions.cost.max() + self.task.price))

    @cached_property
    def by_slot(self) -> Task:
        """The same task with an action of its own for each slot, which costs what it costs there."""
        actions, n_slots = self.task.actions, len(self.toll)
        each = replace(
            actions,
            tests=np.tile(actions.tests, (n_slots, 1)),
            cost=(actions.cost + self.toll).reshape(-1),
            which=np.tile(actions.which, (n_slots, 1)),
        )
        return replace(self.task, actions=each)

    def coded(self, plan: IntArray) -> IntArray:
        """The plan in the actions of `by_slot`."""
        return np.where(plan > 0, plan + np.arange(plan.shape[1]) * self.toll.shape[1], 0)

    def course(self, plan: IntArray) -> Course:
        """Follow a plan; the tolls are in its cost and objective."""
        return course_of(self.by_slot, self.coded(plan))

    def value(self, plan: IntArray) -> FloatArray:
        """What plans are to be judged by, the less the better, (n_patients,)."""
        return np.asarray(self.course(plan).objective + self.duty * overrun(self.limits, plan > 0))


def comes(task: Task, course: Course) -> FloatArray:
    """P(the patient comes in a slot: alive, nothing found before, the plan not over), (n_patients, n_slots)."""
    return np.asarray(course.before.prod(axis=1) * task.prospect.followed * task.inside)


def improve(priced: Priced, plan: IntArray, space: FloatArray, *, passes: range) -> tuple[IntArray, FloatArray]:
    """Improve plans of actions, (n_patients, n_slots); returns (plans, their value).

    In pass number p one visit of each patient, in turn, or none, is taken out; then the visit, or the other tests at a
    visit, that gain most come in. A change stays if it gains.

    Parameters
    ----------
    space : (n_slots, n_actions) an action is put in only where P(the patient comes) is no more than this
    """
    plan, value = plan.copy(), priced.value(plan)
    for number in passes:
        order = np.cumsum(plan > 0, axis=1)
        turn = number % (order[:, -1] + 1)
        tried = _inserted(priced, np.where((plan > 0) & (order == turn[:, None]), 0, plan), space)
        after = priced.value(tried)
        better = after < value - LEAST_GAIN * np.abs(value)
        plan[better], value[better] = tried[better], after[better]
    return plan, value


def _inserted(priced: Priced, plan: IntArray, space: FloatArray) -> IntArray:
    """Add to each plan the one visit, or set at one visit the tests, that gain most; nothing where nothing gains."""
    task, who = priced.task, np.arange(len(plan))
    course = priced.course(plan)
    worth = Worth.of(priced.by_slot, priced.coded(plan), course)
    there, unfound = comes(task, course), task.cells.copy()
    fits, helps = may_be(priced.limits, plan > 0), priced.duty[:, None] * relief(priced.limits, plan > 0)
    best, where, what = np.zeros(len(plan)), np.zeros(len(plan), dtype=np.int64), plan[:, 0].copy()
    for slot in range(plan.shape[1]):
        held, come = plan[:, slot], there[:, slot]
        value = gains(task, unfound, worth.after[slot], come, slot) - come[:, None] * priced.toll[slot]
        value += helps[:, slot, None] - value[who, held][:, None]
        value[:, 0] = -np.inf
        value[~fits[:, slot, None] | (come[:, None] > space[slot])] = -np.inf
        action = value.argmax(axis=1)
        gain = value[who, action]
        wins = gain > best
        best[wins], where[wins], what[wins] = gain[wins], slot, action[wins]
        rows = np.flatnonzero(held)
        task.look(unfound, rows, held[rows], slot)
    found = plan.copy()
    gained = np.flatnonzero(best > 0)
    found[gained, where[gained]] = what[gained]
    return found
