"""What the limits ask for whatever it gains: how far plans are from it, and what a further visit would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.schedule.limits import Limits
    from model.types import BoolArray, FloatArray, IntArray


def overrun(limits: Limits, visited: BoolArray) -> FloatArray:
    """Slots by which plans outlast the longest intervals and the first visit's bound, and must-visits not in them."""
    before, first = visits_before(limits, visited)
    place = np.arange(visited.shape[1])
    late = np.where(visited, _late(limits, before, place, first=first), 0.0).sum(axis=1)
    none = np.logical_not(visited.any(axis=1))
    last = np.where(none, limits.last_seen, visited.shape[1] - 1 - visited[:, ::-1].argmax(axis=1))[:, None]
    late += _late(limits, last, limits.end[:, None], first=none[:, None])[:, 0]
    return np.asarray(late + (limits.must & ~visited).sum(axis=1))


def relief(limits: Limits, visited: BoolArray) -> FloatArray:
    """How much less the overrun is with a visit more, (n_patients, n_slots)."""
    before, first = visits_before(limits, visited)
    place = np.arange(visited.shape[1])
    after = np.minimum(next_slot(visited), limits.end[:, None])
    held = _late(limits, before, after, first=first)
    parted = _late(limits, before, place, first=first) + _late(limits, place, after, first=np.zeros_like(first))
    return np.where(visited, 0.0, held - parted + limits.must)


def may_be(limits: Limits, visited: BoolArray) -> BoolArray:
    """Whether a visit may be added in a slot, or stand there, (n_patients, n_slots)."""
    before, _ = visits_before(limits, visited)
    place, after, shortest = np.arange(visited.shape[1]), next_slot(visited), limits.shortest[:, None]
    far = (place - before >= shortest) & ((after - place >= shortest) | (after >= visited.shape[1]))
    return np.asarray(visited | limits.must | (limits.open & far))


def visits_before(limits: Limits, visited: BoolArray) -> tuple[IntArray, BoolArray]:
    """Slot of the visit before each slot, and whether it is one before now, (n_patients, n_slots)."""
    seen = limits.last_seen[:, None]
    last = np.maximum.accumulate(np.where(visited, np.arange(visited.shape[1]), seen), axis=1)
    return np.concatenate([seen, last[:, :-1]], axis=1), np.cumsum(visited, axis=1) - visited == 0


def _late(limits: Limits, since: IntArray, until: IntArray, *, first: BoolArray) -> FloatArray:
    """Slots that an interval is too long; the first also counts from its own bound, if that lies before the end."""
    late = np.maximum(until - since - limits.longest[:, None], 0)
    bound = np.where(limits.first_by < limits.end, limits.first_by, 10**6)[:, None]
    return np.asarray(np.maximum(late, np.where(first, until - bound, 0)), dtype=np.float64)


def next_slot(visited: BoolArray) -> IntArray:
    """The next slot after each with a visit, (n_patients, n_slots); twice the number of slots where there is none."""
    n_slots = visited.shape[1]
    place = np.where(visited, np.arange(n_slots), 2 * n_slots)
    following = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    return np.concatenate([following[:, 1:], np.full((len(visited), 1), 2 * n_slots)], axis=1)
