"""Who has which slot: plans within what there is, made better by letting some patients at a time plan anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from model.schedule.prospect import STEP_MONTH

if TYPE_CHECKING:
    from model.schedule.capacity.crowd import Crowd
    from model.types import BoolArray, FloatArray, IntArray

STEP = int(STEP_MONTH)
# A visit planned for a slot takes place in the slot's own month, or the one before or after it.
OFFSETS = np.array([0, -1, 1])
SLACK = 1e-9
AT_ONCE, LEAST_PARTS = 250, 8


def months_of(n_slots: int) -> int:
    """Months in which visits of so many slots may be."""
    return (n_slots - 1) * STEP + int(OFFSETS.max()) + 1


def by_slot(room: FloatArray, n_slots: int) -> FloatArray:
    """Room in each slot's months, (n_months, n_tests) to (n_offsets, n_slots, n_tests); 0 before the first month."""
    month = np.arange(n_slots) * STEP + OFFSETS[:, None]
    return np.where((month >= 0)[..., None], room[np.maximum(month, 0)], 0.0)


def in_parts(order: IntArray) -> list[IntArray]:
    """Who plans at the same time: few enough of all that they seldom want the same slot."""
    parts = max(-(-len(order) // AT_ONCE), min(LEAST_PARTS, len(order)))
    return np.array_split(order, parts)


@dataclass
class Bookings:
    """Plans and their months, within what there is.

    Attributes
    ----------
    plan : (n_patients, n_slots) of actions
    month : (n_patients, n_slots) in which a slot's visit takes place; -1 without one
    come : (n_patients, n_slots) P(the patient comes)
    left : (n_months, n_tests) of what there is, still free; inf = as many as are wanted
    """

    crowd: Crowd
    plan: IntArray
    month: IntArray
    come: FloatArray
    left: FloatArray

    @classmethod
    def none(cls, crowd: Crowd, room: FloatArray) -> Self:
        """Nobody has a slot."""
        plan = np.zeros((len(crowd), crowd.n_slots), dtype=np.int64)
        return cls(crowd, plan, plan - 1, crowd.comes(plan, crowd.everybody), room.copy())

    def space(self) -> FloatArray:
        """The most patients that an action in a slot has room for in one month, (n_offsets, n_slots, n_actions)."""
        here = by_slot(self.left, self.plan.shape[1])
        return np.stack([here[..., row].min(axis=-1, initial=np.inf) for row in self.crowd.actions.tests], axis=-1)

    def rebook(self, order: IntArray, toll: FloatArray, *, passes: range) -> None:
        """Let patients plan anew with what they have and what is left, some at a time, the first in `order` first."""
        for who in in_parts(order):
            space = self.space()
            tried, _ = self.crowd.improved(self.plan[who], who, toll, space.max(axis=0), passes=passes)
            self.book(who, tried)

    def book(self, who: IntArray, wanted: IntArray) -> None:
        """Give some patients other plans, (n_who, n_slots), those before them having theirs; who does not fit stays."""
        changed = (wanted != self.plan[who]).any(axis=1)
        who, new = who[changed], wanted[changed]
        if not len(who):
            return
        come, old = self.crowd.comes(new, who), self.plan[who]
        month = np.where(new == old, self.month[who], np.where(new > 0, self._months(new, come), -1))
        more = self._use(new, month, come) - self._use(old, self.month[who], self.come[who])
        apart = np.flatnonzero(self._apart(who, month))
        good = apart[first_that_fit(self.left.ravel(), more[apart].reshape(len(apart), self.left.size))]
        rows = who[good]
        self.plan[rows], self.month[rows], self.come[rows] = new[good], month[good], come[good]
        self.left -= more[good].sum(axis=0)

    def _months(self, plan: IntArray, come: FloatArray) -> IntArray:
        """For each slot of some plans a month with room, taking turns so that not all want the same."""
        slot, space = np.arange(plan.shape[1]), self.space()
        turn = (np.arange(len(plan))[:, None] + np.arange(len(OFFSETS))) % len(OFFSETS)
        fits = space[turn[:, None], slot[:, None], plan[..., None]] >= come[..., None] - SLACK
        chosen = np.take_along_axis(turn, fits.argmax(axis=2), axis=1)
        return np.asarray(slot * STEP + OFFSETS[chosen])

    def _use(self, plan: IntArray, month: IntArray, come: FloatArray) -> FloatArray:
        """Expected number of each test that plans want in each month, (n_plans, n_months, n_tests)."""
        use = np.zeros((len(plan), *self.left.shape))
        row, slot = np.nonzero(month >= 0)
        np.add.at(use, (row, month[row, slot]), come[row, slot, None] * self.crowd.actions.tests[plan[row, slot]])
        return use

    def _apart(self, who: IntArray, month: IntArray) -> BoolArray:
        """Whether months lie no nearer to each other than the limits have it, (n_who,)."""
        apart = np.zeros(len(who), dtype=bool)
        for rows, group in self.crowd.among(who):
            its = month[rows]
            before = np.maximum.accumulate(np.where(its >= 0, its, -(10**6)), axis=1)[:, :-1]
            near = (its[:, 1:] >= 0) & (its[:, 1:] - before < group.limits.shortest[:, None] * STEP)
            must = np.zeros_like(near)
            must[:, : group.n_slots - 1] = group.limits.must[:, 1:]
            apart[rows] = ~(near & ~must).any(axis=1)
        return apart


def first_that_fit(room: FloatArray, use: FloatArray) -> IntArray:
    """Rows that get what they use of the room, (n_rows, n_kinds); who does not fit leaves it to those behind.

    What a row gives back, its use being negative, is not given on.
    """
    got: list[IntArray] = []
    rows, left, more = np.arange(len(use)), room + SLACK, np.maximum(use, 0.0)
    while len(rows):
        rows = rows[((more[rows] <= left) | (more[rows] == 0)).all(axis=1)]
        fits = ((np.cumsum(more[rows], axis=0) <= left) | (more[rows] == 0)).all(axis=1)
        got.append(rows[fits])
        left = left - more[rows[fits]].sum(axis=0)
        rows = rows[~fits]
    return np.concatenate([*got, rows])
