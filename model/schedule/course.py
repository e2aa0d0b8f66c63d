"""One patient's plan after the other, in machine code: how it goes, what a change would gain, and the best changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.compiling import compiled
from model.schedule.packed import Walk, Work

if TYPE_CHECKING:
    from model.schedule.limits import Limits
    from model.schedule.packed import Looks, People
    from model.types import FloatArray, IntArray

MOST_SWEEPS = 40
# Improvements below this share of the objective are not looked for.
LEAST_GAIN = 1e-4


@compiled
def work_for(looks: Looks, people: People) -> Work:
    """Make room."""
    n_slots, n_actions = looks.cost.shape
    _, n_causes, n_cells = people.cells.shape
    return Work(
        np.empty((n_causes, n_slots)),
        np.empty((n_causes, n_slots)),
        np.empty((n_causes, n_slots)),
        np.empty((n_slots, n_causes, n_cells), dtype=np.float32),
        np.empty((n_causes, n_cells), dtype=np.float32),
        np.empty((n_causes, n_cells), dtype=np.float32),
        np.empty(n_cells, dtype=np.float32),
        np.empty(looks.of_cause[-1]),
        np.empty(n_actions),
    )


@compiled
def look(looks: Looks, unfound: FloatArray, action: int, slot: int) -> None:
    """Keep what an action in a slot misses of the unfound mass, (n_causes, n_cells), in place."""
    for cause in range(len(unfound)):
        row = looks.row[action, cause]
        for cell in range(looks.n_seen[slot]):
            unfound[cause, cell] *= looks.missed[slot, row, cell]


@compiled
def mass_of(cells: FloatArray) -> float:
    """Sum single numbers in double precision."""
    total = 0.0
    for cell in range(len(cells)):
        total += np.float64(cells[cell])
    return total


@compiled
def follow(looks: Looks, people: People, who: int, plan: IntArray, work: Work) -> tuple[float, float]:
    """Follow a patient's plan into `work`; return its expected cost and undetected months."""
    unfound, n_causes = work.unfound, len(work.unfound)
    unfound[:] = people.cells[who]
    never, now = np.empty(n_causes), np.ones(n_causes)
    for cause in range(n_causes):
        never[cause] = 1.0 - mass_of(unfound[cause])
    cost = undetected = 0.0
    for slot in range(len(plan)):
        comes = people.there[who, slot]
        work.before[:, slot] = now
        if plan[slot] > 0:
            look(looks, unfound, plan[slot], slot)
        nothing, no_onset = 1.0, 1.0
        for cause in range(n_causes):
            comes *= now[cause]
            begun = 0.0
            if plan[slot] > 0:
                now[cause] = never[cause] + mass_of(unfound[cause])
            if looks.target[cause]:
                for cell in range(unfound.shape[1]):
                    begun += np.float64(unfound[cause, cell]) * looks.begun[slot, cell]
            work.after[cause, slot], work.clear[cause, slot] = now[cause], now[cause] - begun
            nothing *= now[cause]
            no_onset *= now[cause] - begun
        if plan[slot] > 0:
            cost += comes * looks.cost[slot, plan[slot]]
        undetected += people.months[who, slot] * (nothing - no_onset)
    return cost, undetected


@compiled
def weigh(looks: Looks, people: People, who: int, plan: IntArray, work: Work) -> None:
    """Fill `work.worth`, going back from the end of a plan that was followed."""
    n_slots, n_causes, _ = work.worth.shape
    work.later[:] = 0.0
    for slot in range(n_slots - 1, -1, -1):
        through(looks, people, who, slot, work, work.later, work.worth[slot])
        work.later[:] = work.worth[slot]
        if plan[slot] > 0:
            look(looks, work.later, plan[slot], slot)
            for cause in range(n_causes):
                visit = looks.cost[slot, plan[slot]] * people.there[who, slot]
                for other in range(n_causes):
                    if other != cause:
                        visit *= work.before[other, slot]
                work.later[cause] += np.float32(visit)


@compiled
def through(
    looks: Looks, people: People, who: int, slot: int, work: Work, later: FloatArray, worth: FloatArray
) -> None:
    """Add the stretch after a slot to what comes later, (n_causes, n_cells), into `worth`."""
    for cause in range(len(worth)):
        after = clear = people.price[who] * people.months[who, slot]
        for other in range(len(worth)):
            if other != cause:
                after *= work.after[other, slot]
                clear *= work.clear[other, slot]
        ahead = np.float32(after - clear)
        more = np.float32(clear) if looks.target[cause] else np.float32(0.0)
        for cell in range(worth.shape[1]):
            worth[cause, cell] = later[cause, cell] + ahead + more * looks.begun[slot, cell]


@compiled
def gains(looks: Looks, worth: FloatArray, comes: float, slot: int, work: Work) -> None:
    """Fill `work.value`: what each action in a slot gains against no visit there.

    worth : (n_causes, n_cells) of what is unfound after the slot's visit; comes : P(the patient comes)
    """
    n, weighed = looks.n_seen[slot], work.weighed
    for cause in range(len(worth)):
        for cell in range(n):
            weighed[cell] = work.unfound[cause, cell] * worth[cause, cell]
        for row in range(looks.of_cause[cause], looks.of_cause[cause + 1]):
            total = np.float32(0.0)
            for cell in range(n):
                total += weighed[cell] * looks.seen[slot, row, cell]
            work.found[row] = total
    for action in range(len(work.value)):
        gain = -comes * looks.cost[slot, action]
        for cause in range(len(worth)):
            gain += work.found[looks.row[action, cause]]
        work.value[action] = gain


@compiled
def fits(limits: Limits, who: int, slot: int, after: int, walk: Walk) -> bool:
    """Whether a visit may be in a slot between the one last seen and the one after it."""
    n_slots = limits.open.shape[1]
    since, left = slot - walk.seen[0], min(after, limits.end[who]) - slot
    near_enough = since <= limits.longest[who] and left <= limits.longest[who]
    near_enough &= not walk.first[0] or slot <= limits.first_by[who]
    far_enough = since >= limits.shortest[who] and (after - slot >= limits.shortest[who] or after >= n_slots)
    return bool(limits.open[who, slot]) and near_enough and far_enough


@compiled
def may_stay_empty(limits: Limits, who: int, slot: int, after: int, walk: Walk) -> bool:
    """Whether no visit need be in a slot."""
    end, first_by = limits.end[who], limits.first_by[who]
    near_enough = min(after, end) - walk.seen[0] <= limits.longest[who]
    near_enough &= not walk.first[0] or after <= first_by or first_by >= end
    return near_enough and not limits.must[who, slot]


@compiled
def best_visit(value: FloatArray) -> int:
    """The action worth most, no visit apart."""
    return 1 + int(np.argmax(value[1:]))


@compiled
def change(
    looks: Looks,
    people: People,
    limits: Limits,
    who: int,
    plan: IntArray,
    slot: int,
    least: float,
    next_visit: IntArray,
    walk: Walk,
    work: Work,
) -> None:
    """Take what gains most while all other visits stay.

    That is another action or none in the slot; or, of this slot and the next, the visit at the other one.
    """
    now, after, there = plan[slot], next_visit[slot], people.there[who]
    allowed = fits(limits, who, slot, after, walk)
    held, best, value = 0.0, least, work.value
    if now > 0 or allowed:
        gains(looks, work.worth[slot], walk.nothing_found[0] * there[slot], slot, work)
        held = value[now]
        if not allowed:
            value[1:] = -np.inf
        if not may_stay_empty(limits, who, slot, after, walk):
            value[0] = -np.inf
        value[now] = held + least
        plan[slot] = np.argmax(value)
        best = value[plan[slot]] - held
    if slot + 1 == len(plan) or limits.must[who, slot] or limits.must[who, slot + 1]:
        return
    if now > 0 and plan[slot + 1] == 0 and fits(limits, who, slot + 1, next_visit[slot + 1], walk):
        gains(looks, work.worth[slot + 1], walk.nothing_found[0] * there[slot + 1], slot + 1, work)
        other = best_visit(value)
        if value[other] > held + best + least:
            plan[slot], plan[slot + 1] = 0, other
    elif now == 0 and plan[slot + 1] > 0 and fits(limits, who, slot, next_visit[slot + 1], walk):
        gains(looks, work.worth[slot + 1], walk.nothing_found[0] * there[slot + 1], slot + 1, work)
        there_now = value[plan[slot + 1]]
        through(looks, people, who, slot, work, work.worth[slot + 1], work.later)
        gains(looks, work.later, walk.nothing_found[0] * there[slot], slot, work)
        other = best_visit(value)
        if value[other] > there_now + best + least:
            plan[slot], plan[slot + 1] = other, 0


@compiled
def sweep(
    looks: Looks, people: People, limits: Limits, who: int, plan: IntArray, least: float, only_first: bool, work: Work
) -> None:
    """Go through the slots once and make, in place, the changes that gain, or only the first of them.

    Each change is reckoned as if the other causes went as under the plan that `work` follows and weighs.
    """
    n_slots, n_causes = len(plan), work.unfound.shape[0]
    work.unfound[:] = people.cells[who]
    never = np.empty(n_causes)
    for cause in range(n_causes):
        never[cause] = 1.0 - mass_of(work.unfound[cause])
    next_visit = np.full(n_slots, 2 * n_slots)
    for slot in range(n_slots - 2, -1, -1):
        next_visit[slot] = slot + 1 if plan[slot + 1] > 0 else next_visit[slot + 1]
    walk = Walk(np.array([limits.last_seen[who]]), np.array([True]), np.array([1.0]))
    settled = False
    for slot in range(n_slots):
        if not settled:
            before = plan[slot]
            change(looks, people, limits, who, plan, slot, least, next_visit, walk, work)
            settled = only_first and plan[slot] != before
        if plan[slot] > 0:
            look(looks, work.unfound, plan[slot], slot)
            walk.nothing_found[0] = 1.0
            for cause in range(n_causes):
                walk.nothing_found[0] *= never[cause] + mass_of(work.unfound[cause])
            walk.seen[0], walk.first[0] = slot, False


@compiled
def improve_each(looks: Looks, people: People, limits: Limits, plan: IntArray, value: FloatArray) -> None:
    """Improve plans, (n_patients, n_slots), in place, sweeping until nothing gains; fill their objective.

    Where the changes of a sweep together do not gain, the next sweep makes the first of them alone.
    """
    work = work_for(looks, people)
    for who in range(len(plan)):
        cost, undetected = follow(looks, people, who, plan[who], work)
        value[who] = cost + people.price[who] * undetected
        weigh(looks, people, who, plan[who], work)
        alone = False
        for _ in range(MOST_SWEEPS):
            tried = plan[who].copy()
            sweep(looks, people, limits, who, tried, LEAST_GAIN * abs(value[who]), alone, work)
            if (tried == plan[who]).all():
                break
            cost, undetected = follow(looks, people, who, tried, work)
            after = cost + people.price[who] * undetected
            if after < value[who] * (1 - LEAST_GAIN):
                plan[who], value[who], alone = tried, after, False
                weigh(looks, people, who, tried, work)
            elif alone:
                break
            else:
                alone = True
                follow(looks, people, who, plan[who], work)


@compiled
def follow_each(
    looks: Looks,
    people: People,
    plan: IntArray,
    before: FloatArray,
    after: FloatArray,
    clear: FloatArray,
    total: FloatArray,
) -> None:
    """Follow plans, (n_patients, n_slots); fill how they go, (n_patients, n_causes, n_slots), and cost and months."""
    work = work_for(looks, people)
    for who in range(len(plan)):
        total[who, 0], total[who, 1] = follow(looks, people, who, plan[who], work)
        before[who], after[who], clear[who] = work.before, work.after, work.clear


@compiled
def gains_each(looks: Looks, people: People, plan: IntArray, value: FloatArray) -> None:
    """Fill what each action in each slot gains against no visit there, (n_patients, n_slots, n_actions)."""
    work = work_for(looks, people)
    for who in range(len(plan)):
        follow(looks, people, who, plan[who], work)
        weigh(looks, people, who, plan[who], work)
        work.unfound[:] = people.cells[who]
        for slot in range(plan.shape[1]):
            comes = people.there[who, slot]
            for cause in range(len(work.unfound)):
                comes *= work.before[cause, slot]
            gains(looks, work.worth[slot], comes, slot, work)
            value[who, slot] = work.value
            if plan[who, slot] > 0:
                look(looks, work.unfound, plan[who, slot], slot)
