"""The engine as a policy: it plans from what the clinic recorded, and plans again after every visit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from model.schedule.actions import Actions, worthwhile
from model.schedule.best import best_plans
from model.schedule.limits import policy_limits
from model.schedule.prospect import STEP_MONTH, prospects
from model.schedule.task import Task
from model.simulate.course import NextVisits

if TYPE_CHECKING:
    from model.predictor import Predictor
    from model.schedule.policy import Policy as SchedulePolicy
    from model.schedule.prospect import Prospect
    from model.study.definition import Study
    from model.types import FloatArray, Histories, IntArray


@dataclass(frozen=True)
class Planner:
    """How plans are made: least expected cost + price x expected undetected months, within a policy's limits.

    Attributes
    ----------
    price : of a month undetected, in the study's units of cost; stands for the policy's own
    tier : whose tests may be used; None = all
    """

    study: Study
    policy: SchedulePolicy
    price: float
    tier: str | None = None

    @cached_property
    def actions(self) -> Actions:
        """What may be done at a visit; action 0 is no visit."""
        return worthwhile(self.study, self.policy.burden, tier=self.tier)

    @property
    def n_slots(self) -> int:
        """Slots from the origin to the horizon."""
        return int(self.policy.until_months / STEP_MONTH) + 1

    def plan(self, prospect: Prospect, now_month: FloatArray, former: IntArray) -> IntArray:
        """Actions by slot from a visit at `now_month`, (n_patients,), or the origin; (n_patients, n_slots).

        former : the same, from which to start the search among others
        """
        task = Task.of(self.study, prospect, self.actions, np.full(len(prospect), self.price))
        limits = policy_limits(prospect, self.policy, now_month, now_month, never_seen=now_month == 0)
        chosen, _ = best_plans(task, limits, former=former)
        return chosen


@dataclass(frozen=True)
class Engine:
    """A fitted model and a planner.

    Attributes
    ----------
    replans : whether it plans again after every visit; otherwise it keeps to the plan of the first day
    """

    name: str
    predictor: Predictor
    planner: Planner
    replans: bool = True

    @property
    def reads_markers(self) -> bool:
        """Whether what is measured at visits can change anything."""
        return self.replans

    def start(self, baseline: FloatArray) -> _Planning:
        """Begin without plans."""
        return _Planning(self, np.zeros((len(baseline), self.planner.n_slots), dtype=np.int64))


@dataclass
class _Planning:
    """Plans so far, (n_patients, n_slots) of actions by slot since the origin.

    Beyond the last moment that the model supports, the last plan stands.
    """

    engine: Engine
    plan: IntArray

    def next_visits(self, histories: Histories, rows: IntArray, now_month: FloatArray) -> NextVisits:
        """Plan anew where that is due, then give each plan's next visit."""
        due = (now_month == 0) | (self.engine.replans & (now_month <= self.engine.predictor.supported_until_month))
        self._plan(histories, rows[due], now_month[due])
        slot = np.arange(self.plan.shape[1])
        ahead = (self.plan[rows] > 0) & (slot * STEP_MONTH > now_month[:, None])
        following = ahead.argmax(axis=1)
        month = np.where(ahead.any(axis=1), following * STEP_MONTH, np.inf)
        return NextVisits(month, self.engine.planner.actions.tests[self.plan[rows, following]])

    def _plan(self, histories: Histories, who: IntArray, now_month: FloatArray) -> None:
        predictor, planner = self.engine.predictor, self.engine.planner
        left = planner.policy.until_months - now_month
        for part, prospect in prospects(predictor, histories.select(who), now_month, left):
            row = who[part, None]
            slot = np.rint(now_month[part, None] / STEP_MONTH).astype(np.int64) + np.arange(prospect.n_slots)
            inside = slot < self.plan.shape[1]
            slot = np.minimum(slot, self.plan.shape[1] - 1)
            chosen = planner.plan(prospect, now_month[part], np.where(inside, self.plan[row, slot], 0))
            self.plan[np.broadcast_to(row, slot.shape)[inside], slot[inside]] = chosen[inside]
