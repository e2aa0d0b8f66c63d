"""Whether visits keep clinical limits, and the nearest that do, in machine code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.compiling import compiled

if TYPE_CHECKING:
    from model.schedule.limits import Limits
    from model.types import BoolArray


@compiled
def keeps(limits: Limits, visited: BoolArray) -> BoolArray:
    """Whether plans, (n_patients, n_slots), keep every limit, (n_patients,)."""
    kept = np.ones(len(visited), dtype=np.bool_)
    for who in range(len(visited)):
        seen, first = limits.last_seen[who], True
        for slot in range(visited.shape[1]):
            must = limits.must[who, slot]
            if not visited[who, slot]:
                kept[who] &= not must
                continue
            soon = slot - seen < limits.shortest[who] and not must
            late = slot - seen > limits.longest[who] or (first and slot > limits.first_by[who])
            kept[who] &= (limits.open[who, slot] or must) and not soon and not late
            seen, first = slot, False
        kept[who] &= limits.end[who] - seen <= limits.longest[who]
        kept[who] &= not first or limits.first_by[who] >= limits.end[who]
    return kept


@compiled
def repair(limits: Limits, wanted: BoolArray) -> BoolArray:
    """Leave out visits that come too early, and add those that must be, (n_patients, n_slots)."""
    n_slots = wanted.shape[1]
    visited = np.zeros(wanted.shape, dtype=np.bool_)
    must_next, may_next = np.empty(n_slots, dtype=np.int64), np.empty(n_slots, dtype=np.int64)
    for who in range(len(wanted)):
        end, shortest, longest, first_by = (
            limits.end[who],
            limits.shortest[who],
            limits.longest[who],
            limits.first_by[who],
        )
        must_next[-1] = may_next[-1] = n_slots
        for slot in range(n_slots - 1, 0, -1):
            must = limits.must[who, slot]
            must_next[slot - 1] = slot if must else must_next[slot]
            may_next[slot - 1] = slot if must or limits.open[who, slot] else may_next[slot]
        seen, first = limits.last_seen[who], True
        for slot in range(n_slots):
            free = limits.open[who, slot] and slot - seen >= shortest and slot < end
            free &= must_next[slot] - slot >= shortest or must_next[slot] >= n_slots
            # The last chance before the longest interval, or the first visit's bound, is over.
            overdue = min(may_next[slot], end) - seen > longest and end - seen > longest
            overdue |= first and may_next[slot] > first_by and first_by < end
            if limits.must[who, slot] or (free and (wanted[who, slot] or overdue)):
                visited[who, slot] = True
                seen, first = slot, False
    return visited
