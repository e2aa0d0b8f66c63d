"""Patients are not called back and forth: a new plan keeps near the date that the former one meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.schedule.best import best_plans
from model.schedule.task import course_of

if TYPE_CHECKING:
    from model.schedule.limits import Limits
    from model.schedule.policy import Policy
    from model.schedule.task import Task
    from model.types import FloatArray, IntArray


def steadied(task: Task, limits: Limits, policy: Policy, free: IntArray, former_month: FloatArray) -> IntArray:
    """Take, where that loses little, the best plan whose first visit is near the former date, instead of the free one.

    Parameters
    ----------
    free : (n_patients, n_slots) plans of actions
    former_month : (n_patients,) from now; nan, or before now, where there is no date to keep
    """
    chosen = free.copy()
    rows = np.flatnonzero(former_month >= 0)
    slot = np.rint(former_month[rows] / task.prospect.step).astype(np.int64)
    first = np.where((free[rows] > 0).any(axis=1), (free[rows] > 0).argmax(axis=1), 2 * free.shape[1])
    reach = int(policy.most_shift_months / task.prospect.step + 1e-9)
    moved = np.abs(first - slot) > reach
    rows, slot = rows[moved], slot[moved]
    if not len(rows):
        return chosen
    here, bounds = task.select(rows), limits.select(rows).near(slot, reach)
    near, value = best_plans(here, bounds)
    stays = bounds.kept(near > 0) & (value - course_of(here, free[rows]).objective <= policy.shift_gain)
    chosen[rows[stays]] = near[stays]
    return chosen
