"""What clinics do without prices: everybody wants the plan that would be best for them, and waits where it is full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from model.schedule.capacity.booking import OFFSETS, STEP, first_that_fit

if TYPE_CHECKING:
    from model.schedule.capacity.crowd import Crowd
    from model.types import FloatArray, IntArray

Rule = Literal["asked", "due", "urgent"]
# Who goes first: who asked first, and one asks for a visit when the one before it is done; whose visit is longest due;
# in whom a target's onset is likeliest there, unseen.
RULES: dict[Rule, str] = {
    "asked": "first come, first served",
    "due": "longest due first",
    "urgent": "most urgent first",
}


def queued(crowd: Crowd, wanted: IntArray, room: FloatArray, rule: Rule) -> tuple[IntArray, IntArray]:
    """Give slots through time; a visit takes place at the first chance from its wanted slot on that has all its tests.

    Parameters
    ----------
    wanted : (n_patients, n_slots) of actions
    room : (n_months, n_tests)

    Returns
    -------
    plans and months of visits (-1 = none), (n_patients, n_slots)
    """
    line, n_slots = _Line(crowd, wanted, room.copy()), wanted.shape[1]
    for now in range(n_slots):
        rows = line.without()
        if rule == "asked":
            for slot in range(now, n_slots):
                line.serve(rows[line.due()[rows] <= slot], slot)
            line.gave_up[np.intersect1d(rows, line.without())] = True
        else:
            rows = rows[line.due()[rows] <= now]
            key = line.due()[rows] if rule == "due" else -line.risk(now)[rows]
            line.serve(rows[np.argsort(key, kind="stable")], now)
        line.go_past(now)
    return line.plan, line.month


class _Line:
    """Where everybody stands; visits are served in the order of the wanted plan.

    Attributes
    ----------
    plan, month, left : as in Bookings
    gave_up : (n_patients,) whether no slot was found for the next visit
    """

    def __init__(self, crowd: Crowd, wanted: IntArray, room: FloatArray) -> None:
        n, n_slots = wanted.shape
        self.crowd, self.wanted, self.left = crowd, wanted, room
        self.plan, self.month = np.zeros_like(wanted), np.full(wanted.shape, -1)
        self.gave_up = np.zeros(n, dtype=bool)
        self._last = np.full(n, -(10**6))  # month of the last visit given
        self._number = np.zeros(n, dtype=np.int64)  # of visits given
        self._done = np.zeros(n, dtype=np.int64)  # of visits past
        slot = np.where(wanted > 0, np.arange(n_slots), n_slots)
        self._slot = np.append(np.sort(slot, axis=1), np.full((n, 1), n_slots), axis=1)
        self._unfound = [group.task.cells.copy() for group in crowd.groups]
        self._followed, self._open = np.zeros(wanted.shape), np.zeros(wanted.shape, dtype=bool)
        self._nothing_found, self._shortest = np.ones(n), np.ones(n)
        for group in crowd.groups:
            self._followed[group.who, : group.n_slots] = group.task.prospect.followed * group.task.inside
            self._open[group.who, : group.n_slots] = group.limits.open | group.limits.must
            self._shortest[group.who] = group.limits.shortest * STEP

    def due(self) -> IntArray:
        """The slot in which the next visit is wanted, (n_patients,); the number of slots where none is."""
        return np.asarray(self._slot[np.arange(len(self._slot)), self._number])

    def without(self) -> IntArray:
        """Patients who want a visit more and have none before them."""
        return np.flatnonzero((self._done == self._number) & (self.due() < self.wanted.shape[1]) & ~self.gave_up)

    def serve(self, rows: IntArray, slot: int) -> None:
        """Give their next visit in a slot to as many as there is room for, the first rows first."""
        rows = rows[self._open[rows, slot] & (self._done[rows] == self._number[rows])]
        action = self.wanted[rows, self.due()[rows]]
        come = self._nothing_found[rows] * self._followed[rows, slot]
        for month in slot * STEP + OFFSETS:
            if month < 0:
                continue
            waits = (self.month[rows, slot] < 0) & (month - self._last[rows] >= self._shortest[rows])
            use = come[:, None] * self.crowd.actions.tests[action]
            free = np.flatnonzero(waits)
            got = free[first_that_fit(self.left[month], use[free])]
            self.left[month] -= use[got].sum(axis=0)
            here = rows[got]
            self.plan[here, slot], self.month[here, slot], self._last[here] = action[got], month, month
            self._number[here] += 1

    def risk(self, slot: int) -> FloatArray:
        """P(a target's onset is there now, if nothing was found), (n_patients,)."""
        found = np.zeros(len(self.plan))
        for group, unfound in zip(self.crowd.groups, self._unfound, strict=True):
            prospect = group.task.prospect
            there = (
                group.task.by_bin(unfound)
                @ prospect.share_before(np.array([slot * prospect.step]))[0]
                * prospect.target
            )
            found[group.who] = 1.0 - (1.0 - there / _open(group.task.total, unfound)).prod(axis=1)
        return found

    def go_past(self, slot: int) -> None:
        """Do the visits of a slot."""
        self._done += self.plan[:, slot] > 0
        for group, unfound in zip(self.crowd.groups, self._unfound, strict=True):
            rows = np.flatnonzero(self.plan[group.who, slot])
            if len(rows):
                group.task.look(unfound, rows, self.plan[group.who[rows], slot], slot)
                self._nothing_found[group.who] = _open(group.task.total, unfound).prod(axis=1)


def _open(total: FloatArray, unfound: FloatArray) -> FloatArray:
    """P(cause not found), (n_patients, n_causes)."""
    return np.asarray(1.0 - total + unfound.sum(axis=2))
