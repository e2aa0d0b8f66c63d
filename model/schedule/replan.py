"""Plans that know what was planned before: the plan as of the visit before says which date a new one should keep near.

It is worked out from the record, not kept: whoever asks about the same record gets the same dates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from model.schedule.planner import Patients, plan, search_plans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.predictor import Predictor
    from model.schedule.planner import Plans
    from model.schedule.policy import Policy
    from model.types import FloatArray, Histories, IntArray


def replanned(
    predictor: Predictor, patients: Patients, policy: Policy, *, tier: str | None = None
) -> Iterator[tuple[IntArray, Plans]]:
    """Plan as `planner.plan` does, each patient's former date taken from the plan as of the visit before."""
    before = moment_before(patients.histories, patients.as_of_month)
    again = np.flatnonzero(before < patients.as_of_month)
    former = np.full(len(patients), np.nan)
    earlier = Patients(patients.histories.select(again), before[again])
    if len(again):
        for part, task, _, chosen in search_plans(predictor, earlier, policy, tier=tier):
            who = again[part]
            month = before[who][:, None] + task.prospect.slot_month
            # A visit that was planned for about now is the one at hand.
            former[who] = _next_date(chosen, month, patients.as_of_month[who] + policy.shortest_interval_months)
    yield from plan(predictor, replace(patients, former_month=former), policy, tier=tier)


def moment_before(histories: Histories, as_of_month: FloatArray) -> FloatArray:
    """Month of the last visit before each patient's moment, (n_patients,); the origin where there was none."""
    visit = histories.visit_month
    return np.asarray(np.where(visit < as_of_month[:, None] - 1e-9, visit, 0.0).max(axis=1, initial=0.0))


def _next_date(plan: IntArray, month: FloatArray, from_month: FloatArray) -> FloatArray:
    """First planned visit from a month on, since the origin, (n_patients,); nan without one.

    plan : (n_patients, n_slots) of actions; month : likewise, of the slots
    """
    visited = (plan > 0) & (month >= from_month[:, None] - 1e-9)
    return np.where(visited.any(axis=1), month[np.arange(len(month)), visited.argmax(axis=1)], np.nan)
