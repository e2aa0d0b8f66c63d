"""Clinical limits on the slots of visits: shortest and longest interval, visits that must be, where the plan ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model.schedule.keeping import keeps, repair

if TYPE_CHECKING:
    from model.schedule.policy import Policy
    from model.schedule.prospect import Prospect
    from model.types import BoolArray, FloatArray, IntArray


class Limits(NamedTuple):
    """Where visits may and must be, in slots from now.

    Attributes
    ----------
    open : (n_patients, n_slots) slots in which a visit may be
    must : (n_patients, n_slots) slots in which a visit has to be, whatever the shortest interval
    last_seen : (n_patients,) slot of the visit before now, at or below 0
    end : (n_patients,) slot at which the plan ends
    shortest, longest : (n_patients,) slots between two visits, and for the longest to the end; at least 1
    first_by : (n_patients,) the last slot of the first visit; `end` where nothing says so
    """

    open: BoolArray
    must: BoolArray
    last_seen: IntArray
    end: IntArray
    shortest: IntArray
    longest: IntArray
    first_by: IntArray

    def select(self, index: IntArray | BoolArray) -> Limits:
        """Return some of the patients."""
        return Limits._make(part[index] for part in self)

    def near(self, slot: IntArray, reach: int) -> Limits:
        """Ask for a first visit within `reach` slots of a slot, (n_patients,), as far as visits may be there."""
        place = np.arange(self.open.shape[1])
        early = place < (slot - reach)[:, None]
        return self._replace(open=self.open & ~early, first_by=np.minimum(self.first_by, slot + reach))

    def kept(self, visited: BoolArray) -> BoolArray:
        """Whether a plan, (n_patients, n_slots), keeps every limit, (n_patients,)."""
        return keeps(self, np.require(visited, requirements=["C", "W"]))

    def repaired(self, wanted: BoolArray) -> BoolArray:
        """Turn wishes into a plan that keeps the limits where any can: too early visits go, missing ones come."""
        return repair(self, np.require(wanted, requirements=["C", "W"]))


def plain_limits(prospect: Prospect, *, shortest: float, longest: float | None) -> Limits:
    """Limits of intervals alone, in months, for patients seen now."""
    n, n_slots = prospect.followed.shape
    end = np.ceil(prospect.end_month / prospect.step - 1e-9).astype(np.int64)
    place = np.arange(n_slots)
    least = max(int(np.ceil(shortest / prospect.step - 1e-9)), 1)
    most = 2 * n_slots if longest is None else max(int(np.floor(longest / prospect.step + 1e-9)), 1)
    return Limits(
        open=(place > 0) & (place < end[:, None]),
        must=np.zeros((n, n_slots), dtype=bool),
        last_seen=np.zeros(n, dtype=np.int64),
        end=end,
        shortest=np.full(n, least),
        longest=np.full(n, most),
        first_by=end,
    )


def policy_limits(
    prospect: Prospect, policy: Policy, as_of_month: FloatArray, seen_month: FloatArray, *, never_seen: BoolArray
) -> Limits:
    """Limits of a policy, as far as slots of this length can keep them.

    Parameters
    ----------
    as_of_month, seen_month : (n_patients,) since the origin: now, and the last visit until now, or the origin
    never_seen : (n_patients,) whether there was none
    """
    plain = plain_limits(prospect, shortest=policy.shortest_interval_months, longest=policy.longest_interval_months)
    step, place = prospect.step, np.arange(prospect.n_slots)
    waited = (as_of_month - seen_month)[:, None] / step
    is_open = (plain.open | (place == 0)) & (waited + place >= plain.shortest[:, None] - 1e-9)
    must = np.zeros_like(plain.must)
    for month in policy.must_visit_months:
        slot = np.rint((month - as_of_month) / step).astype(np.int64)
        who = np.flatnonzero((slot > 0) & (slot < plain.end))
        must[who, slot[who]] = True
    first_by = plain.first_by
    if policy.first_visit_by_months is not None:
        left = np.floor((policy.first_visit_by_months - as_of_month) / step + 1e-9).astype(np.int64)
        first_by = np.where(never_seen, np.minimum(np.maximum(left, is_open.argmax(axis=1)), first_by), first_by)
    # Who is overdue already comes at once: the longest interval counts from the first slot that there is.
    last_seen = np.maximum(-np.ceil(waited[:, 0] - 1e-9).astype(np.int64), is_open.argmax(axis=1) - plain.longest)
    return plain._replace(open=is_open, must=must, last_seen=last_seen, first_by=first_by)
