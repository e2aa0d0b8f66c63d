"""Plans where a slot has its price: one visit at a time is taken out and put where it gains most."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from model.schedule.capacity.duty import may_be, overrun, relief
from model.schedule.task import Course, Task, course_of, gains

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
    def charged(self) -> Task:
        """The same task, the tolls being in what its actions cost."""
        return self.task.with_toll(self.toll)

    def course(self, plan: IntArray) -> Course:
        """Follow a plan; the tolls are in its cost and objective."""
        return course_of(self.charged, plan)

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
    who = np.arange(len(plan))
    there = comes(priced.task, priced.course(plan))
    fits, helps = may_be(priced.limits, plan > 0), priced.duty[:, None] * relief(priced.limits, plan > 0)
    value = gains(priced.charged, plan)
    held = np.take_along_axis(value, plan[:, :, None], axis=2)
    value += helps[:, :, None] - held
    value[:, :, 0] = -np.inf
    value[~fits[:, :, None] | (there[:, :, None] > space)] = -np.inf
    by_place = value.reshape(len(plan), -1)
    best = by_place.argmax(axis=1)
    slot, action = np.divmod(best, value.shape[2])
    gained = np.flatnonzero(by_place[who, best] > 0)
    found = plan.copy()
    found[gained, slot[gained]] = action[gained]
    return found
