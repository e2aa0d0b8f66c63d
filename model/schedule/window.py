"""How far the first visit may move, the others staying, before the plan loses more than a stated amount."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.schedule.task import course_of

if TYPE_CHECKING:
    from model.schedule.limits import Limits
    from model.schedule.task import Task
    from model.types import FloatArray, IntArray

MOST_MONTHS = 12.0


def window(task: Task, limits: Limits, plan: IntArray, loss: float) -> tuple[FloatArray, FloatArray]:
    """Earliest and latest month of the first visit, (n_patients,) from now; nan without a visit.

    Between slots the objective is taken as straight.

    Parameters
    ----------
    plan : (n_patients, n_slots) of actions
    loss : of the objective, in the study's units of cost
    """
    first = _first(plan)
    best = course_of(task, plan).objective
    reach = int(MOST_MONTHS / task.prospect.step)
    ends = [_end(task, limits, plan, best + loss, range(by, by * (reach + 1), by)) for by in (-1, 1)]
    earliest, latest = (np.where(first >= 0, end * task.prospect.step, np.nan) for end in ends)
    return earliest, latest


def _end(task: Task, limits: Limits, plan: IntArray, most: FloatArray, moves: range) -> FloatArray:
    """The slot, as a fraction, to which the first visit may move in one direction."""
    first = _first(plan)
    who, place = np.arange(len(plan)), np.arange(plan.shape[1])
    end, going_on = first.astype(np.float64), first >= 0
    held = course_of(task, plan).objective
    for move in moves:
        slot = np.clip(first + move, 0, plan.shape[1] - 1)
        inside = slot == first + move
        moved = np.where(place == first[:, None], 0, plan)
        onto = moved[who, slot] > 0
        moved[who, slot] = plan[who, np.maximum(first, 0)]
        value = course_of(task, moved).objective
        fits = going_on & inside & ~onto & limits.kept(moved > 0)
        share = np.clip(
            np.divide(most - held, value - held, out=np.ones_like(held), where=value > np.maximum(most, held)), 0.0, 1.0
        )
        end = np.where(fits, end + np.sign(move) * share, end)
        held, going_on = value, fits & (value <= most)
    return end


def _first(plan: IntArray) -> IntArray:
    """Slot of the first visit, (n_patients,); -1 without one."""
    visited = np.asarray(plan > 0)
    return np.where(visited.any(axis=1), visited.argmax(axis=1), -1)
