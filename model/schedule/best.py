"""Best plans within limits: each patient's best of some regular plans, improved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.schedule.task import course_of, improve

if TYPE_CHECKING:
    from model.schedule.limits import Limits
    from model.schedule.task import Task
    from model.types import FloatArray, IntArray

RHYTHMS = (6.0, 9.0, 12.0, 18.0, 24.0, 36.0, 48.0)
# A plan respaced is improved if what it costs is at most this many times what the plan does: improving gains less.
NEAR = 1.05


def best_plans(task: Task, limits: Limits, *, former: IntArray | None = None) -> tuple[IntArray, FloatArray]:
    """Return (plans of actions, (n_patients, n_slots); their objective).

    former : plans to start from beside the regular ones, where they keep the limits
    """
    beginnings = _beginnings(task, limits)
    if former is not None:
        beginnings.append(_repaired(task, limits, former))
    plan, value = improve(task, limits, _best_beginning(task, limits, beginnings))
    # One visit at a time, a plan would have to get worse before it is better with another number of visits.
    for more in (-1, 1):
        tried = _repaired(task, limits, _respaced(plan, limits.end, more))
        there = course_of(task, tried).objective
        near = np.flatnonzero((there < value * NEAR) & limits.kept(tried > 0))
        again, new = improve(task.select(near), limits.select(near), tried[near])
        better = new < value[near]
        plan[near[better]], value[near[better]] = again[better], new[better]
    return plan, value


def _beginnings(task: Task, limits: Limits) -> list[IntArray]:
    """Regular plans, and no visit, as far as the limits let them be; with the cheapest tests that look for all."""
    place = np.arange(task.prospect.n_slots)
    usual, plans = _all_round(task), []
    for every in (*(max(round(months / task.prospect.step), 1) for months in RHYTHMS), 2 * len(place)):
        wanted = np.broadcast_to((place > 0) & (place % every == 0), (len(task), len(place)))
        plans.append(np.where(limits.repaired(wanted), usual, 0))
    return plans


def _all_round(task: Task) -> int:
    """The cheapest action that looks for as many causes as any."""
    looks_for = (task.actions.which > 0).sum(axis=1)
    best = np.flatnonzero(looks_for == looks_for[1:].max())
    return int(best[task.actions.cost[best].argmin()])


def _best_beginning(task: Task, limits: Limits, plans: list[IntArray]) -> IntArray:
    kept = np.stack([limits.kept(plan > 0) for plan in plans])
    value = np.where(kept, [course_of(task, plan).objective for plan in plans], np.inf)
    return np.asarray(np.stack(plans)[value.argmin(axis=0), np.arange(len(task))])


def _repaired(task: Task, limits: Limits, plan: IntArray) -> IntArray:
    """The plans as far as the limits let them be; visits that must be added look for all."""
    visited = limits.repaired(plan > 0)
    return np.where(visited, np.where(plan > 0, plan, _all_round(task)), 0)


def _respaced(plan: IntArray, end: IntArray, more: int) -> IntArray:
    """Plans with so many visits more, spread over the time until the end, (n_patients,), as theirs are."""
    n_patients, n_slots = plan.shape
    visited = plan > 0
    n = visited.sum(axis=1)[:, None]
    # Now, the slots of the visits, and the end.
    at = np.zeros((n_patients, n_slots + 2), dtype=np.int64)
    at[:, 1:-1] = np.sort(np.where(visited, np.arange(n_slots), n_slots), axis=1)
    at = np.where(np.arange(n_slots + 2) > n, end[:, None], at)
    # Where among them each of the new visits comes.
    number = np.arange(1, n_slots + 1)
    place = np.minimum(number * (n + 1) / np.maximum(n + more + 1, 1), n_slots)
    low = place.astype(np.int64)
    before, after = (np.take_along_axis(at, low + step, axis=1) for step in (0, 1))
    slot = np.minimum(np.rint(before + (after - before) * (place - low)).astype(np.int64), n_slots - 1)
    like = np.take_along_axis(at, np.clip(np.rint(place).astype(np.int64), 1, np.maximum(n, 1)), axis=1)
    who, which = np.nonzero(number <= n + more)
    new = np.zeros_like(plan)
    new[who, slot[who, which]] = plan[who, np.minimum(like[who, which], n_slots - 1)]
    return new
