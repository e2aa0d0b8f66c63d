"""Best plans within limits: good beginnings, improved; and new beginnings from the result where there is time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.schedule.task import course_of, improve

if TYPE_CHECKING:
    from model.schedule.limits import Limits
    from model.schedule.task import Task
    from model.types import FloatArray, IntArray

RHYTHMS = (6.0, 12.0, 24.0, 48.0)
MORE_RHYTHMS = (3.0, 9.0, 18.0, 36.0)


def best_plans(
    task: Task, limits: Limits, *, former: IntArray | None = None, thorough: bool = False
) -> tuple[IntArray, FloatArray]:
    """Return (plans of actions, (n_patients, n_slots); their objective).

    Parameters
    ----------
    former : plans to start from beside the regular ones, where they keep the limits
    thorough : try new beginnings from what was found, until none of them gains; several times as long
    """
    beginnings = _beginnings(task, limits, RHYTHMS)
    if former is not None:
        visited = limits.repaired(former > 0)
        beginnings.append(np.where(visited, np.where(former > 0, former, _all_round(task)), 0))
    if thorough:
        plan, value = _best_improved(task, limits, beginnings + _beginnings(task, limits, MORE_RHYTHMS))
    else:
        plan, value = improve(task, limits, _best_beginning(task, limits, beginnings))
    active = np.arange(len(plan)) if thorough else np.arange(0)
    while len(active):
        here, bounds = task.select(active), limits.select(active)
        tried, new = _best_improved(here, bounds, _kicks(plan[active], bounds))
        better = new < value[active] * (1 - 1e-6)
        plan[active[better]], value[active[better]] = tried[better], new[better]
        active = active[better]
    return plan, value


def _best_improved(task: Task, limits: Limits, plans: list[IntArray]) -> tuple[IntArray, FloatArray]:
    """Improve all of some beginnings and keep each patient's best that keeps the limits, as far as one does."""
    rows = np.tile(np.arange(len(task)), len(plans))
    here, bounds = task.select(rows), limits.select(rows)
    tried, value = improve(here, bounds, np.concatenate(plans))
    value = np.where(bounds.kept(tried > 0), value, np.inf).reshape(len(plans), -1)
    best, who = value.argmin(axis=0), np.arange(len(task))
    found = tried.reshape(len(plans), len(task), -1)[best, who]
    return found, np.where(np.isinf(value[best, who]), course_of(task, found).objective, value[best, who])


def _beginnings(task: Task, limits: Limits, rhythms: tuple[float, ...]) -> list[IntArray]:
    """Regular plans, and no visit, as far as the limits let them be; with the cheapest tests that look for all."""
    place = np.arange(task.prospect.n_slots)
    usual, plans = _all_round(task), []
    for every in (*(max(round(months / task.prospect.step), 1) for months in rhythms), 2 * len(place)):
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


def _kicks(plan: IntArray, limits: Limits) -> list[IntArray]:
    """The plan a slot earlier or later, without its first, second or last visit, and the first two drawn together."""
    visited = plan > 0
    most = np.maximum(plan.max(axis=1), 1)[:, None]
    order = np.cumsum(visited, axis=1)
    first_two = [
        np.where((order >= number) & visited, np.arange(plan.shape[1]), plan.shape[1]).min(axis=1) for number in (1, 2)
    ]
    between = np.arange(plan.shape[1]) == (sum(first_two) // 2)[:, None]
    kicks = [
        *(np.roll(plan, by, axis=1) for by in (-1, 1)),
        *(np.where(order == number, 0, plan) for number in (1, 2)),
        np.where(order == order[:, -1:], 0, plan),
        np.where(between, most, np.where(order <= 2, 0, plan)),
    ]
    return [np.where(limits.repaired(kick > 0), np.where(kick > 0, kick, most), 0) for kick in kicks]
