"""One patient's plan after the other, in machine code: how it goes, what a change would gain, and the best changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.compiling import compiled, inlined
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


@inlined
def look(looks: Looks, people: People, who: int, unfound: FloatArray, action: int, slot: int) -> None:
    """Keep what an action in a slot misses of the unfound mass, (n_causes, n_cells), in place."""
    for cause in range(len(unfound)):
        row = looks.row[action, cause]
        for cell in range(people.first[who, cause], people.end[who, cause]):
            unfound[cause, cell] *= looks.missed[slot, row, cell]


@inlined
def mass_of(people: People, who: int, cause: int, cells: FloatArray) -> float:
    """Sum a cause's mass, (n_causes, n_cells), in double precision."""
    total = 0.0
    for cell in range(people.first[who, cause], people.end[who, cause]):
        total += np.float64(cells[cause, cell])
    return total


@compiled
def begun_of(looks: Looks, people: People, who: int, cause: int, unfound: FloatArray, slot: int) -> float:
    """Sum what is there of a cause's unfound mass, (n_causes, n_cells), in the middle of the stretch after a slot."""
    total = 0.0
    for cell in range(people.first[who, cause], people.end[who, cause]):
        total += np.float64(unfound[cause, cell]) * looks.begun[slot, cell]
    return total


@compiled
def follow(looks: Looks, people: People, who: int, plan: IntArray, work: Work) -> float:
    """Follow a patient's plan into `work`; return its objective: cost + price x undetected months."""
    return follow_between(looks, people, who, plan, 0, len(plan), start(people, who, work), work)


@compiled
def start(people: People, who: int, work: Work) -> FloatArray:
    """Nothing is found yet: P(that) of each cause."""
    work.unfound[:] = people.cells[who]
    return np.ones(len(work.unfound))


@compiled
def follow_between(
    looks: Looks, people: People, who: int, plan: IntArray, first: int, end: int, now: FloatArray, work: Work
) -> float:
    """Follow a plan through slots from `first` and before `end`, from and to `now` and `work.unfound`."""
    cost, undetected = cost_between(looks, people, who, plan, first, end, now, work)
    return float(cost + people.price[who] * undetected)


@compiled
def cost_between(
    looks: Looks, people: People, who: int, plan: IntArray, first: int, end: int, now: FloatArray, work: Work
) -> tuple[float, float]:
    """Do the same; return expected cost and undetected months of the stretch."""
    unfound, n_causes = work.unfound, len(work.unfound)
    never = np.empty(n_causes)
    for cause in range(n_causes):
        never[cause] = 1.0 - mass_of(people, who, cause, people.cells[who])
    cost = undetected = 0.0
    for slot in range(first, end):
        comes = people.there[who, slot]
        work.before[:, slot] = now
        if plan[slot] > 0:
            look(looks, people, who, unfound, plan[slot], slot)
        nothing, no_onset = 1.0, 1.0
        for cause in range(n_causes):
            comes *= now[cause]
            if plan[slot] > 0:
                now[cause] = never[cause] + mass_of(people, who, cause, unfound)
            begun = begun_of(looks, people, who, cause, unfound, slot) if looks.target[cause] else 0.0
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
            look(looks, people, who, work.later, plan[slot], slot)
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
        for cell in range(people.first[who, cause], people.end[who, cause]):
            worth[cause, cell] = later[cause, cell] + ahead + more * looks.begun[slot, cell]


@compiled
def gains(
    looks: Looks, people: People, who: int, worth: FloatArray, slot: int, nothing_found: float, work: Work
) -> None:
    """Fill `work.value`: what each action in a slot gains against no visit there.

    worth : (n_causes, n_cells) of what is unfound after the slot's visit; nothing_found : P(that) before the slot
    """
    comes = nothing_found * people.there[who, slot]
    for cause in range(len(worth)):
        first, end = people.first[who, cause], people.end[who, cause]
        for cell in range(first, end):
            work.weighed[cell] = work.unfound[cause, cell] * worth[cause, cell]
        for row in range(looks.of_cause[cause], looks.of_cause[cause + 1]):
            total = np.float32(0.0)
            for cell in range(first, end):
                total += work.weighed[cell] * looks.seen[slot, row, cell]
            work.found[row] = total
    for action in range(len(work.value)):
        gain = -comes * looks.cost[slot, action]
        for cause in range(len(worth)):
            gain += work.found[looks.row[action, cause]]
        work.value[action] = gain


@inlined
def fits(limits: Limits, who: int, slot: int, after: int, walk: Walk) -> bool:
    """Whether a visit may be in a slot between the one last seen and the one after it."""
    n_slots = limits.open.shape[1]
    since, left = slot - walk.seen[0], min(after, limits.end[who]) - slot
    near_enough = since <= limits.longest[who] and left <= limits.longest[who]
    near_enough &= not walk.first[0] or slot <= limits.first_by[who]
    far_enough = since >= limits.shortest[who] and (after - slot >= limits.shortest[who] or after >= n_slots)
    return bool(limits.open[who, slot]) and near_enough and far_enough


@inlined
def may_stay_empty(limits: Limits, who: int, slot: int, after: int, walk: Walk) -> bool:
    """Whether no visit need be in a slot."""
    end, first_by = limits.end[who], limits.first_by[who]
    near_enough = min(after, end) - walk.seen[0] <= limits.longest[who]
    near_enough &= not walk.first[0] or after <= first_by or first_by >= end
    return near_enough and not limits.must[who, slot]


@inlined
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
    now, after = plan[slot], next_visit[slot]
    allowed = fits(limits, who, slot, after, walk)
    held, best, value = 0.0, least, work.value
    if now > 0 or allowed:
        gains(looks, people, who, work.worth[slot], slot, walk.nothing_found[0], work)
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
        gains(looks, people, who, work.worth[slot + 1], slot + 1, walk.nothing_found[0], work)
        other = best_visit(value)
        if value[other] > held + best + least:
            plan[slot], plan[slot + 1] = 0, other
    elif now == 0 and plan[slot + 1] > 0 and fits(limits, who, slot, next_visit[slot + 1], walk):
        gains(looks, people, who, work.worth[slot + 1], slot + 1, walk.nothing_found[0], work)
        there_now = value[plan[slot + 1]]
        through(looks, people, who, slot, work, work.worth[slot + 1], work.later)
        gains(looks, people, who, work.later, slot, walk.nothing_found[0], work)
        other = best_visit(value)
        if value[other] > there_now + best + least:
            plan[slot], plan[slot + 1] = other, 0


@compiled
def sweep(
    looks: Looks, people: People, limits: Limits, who: int, plan: IntArray, least: float, only: int, work: Work
) -> None:
    """Go through the slots once and make, in place, the changes that gain, or `only` one of them; -1 = all.

    Each change is reckoned as if the other causes went as under the plan that `work` follows and weighs.
    """
    n_slots, n_causes = len(plan), work.unfound.shape[0]
    work.unfound[:] = people.cells[who]
    never = np.empty(n_causes)
    for cause in range(n_causes):
        never[cause] = 1.0 - mass_of(people, who, cause, work.unfound)
    next_visit = np.full(n_slots, 2 * n_slots)
    for slot in range(n_slots - 2, -1, -1):
        next_visit[slot] = slot + 1 if plan[slot + 1] > 0 else next_visit[slot + 1]
    walk = Walk(np.array([limits.last_seen[who]]), np.array([True]), np.array([1.0]))
    n_changes = 0
    for slot in range(n_slots):
        if only < 0 or n_changes <= only:
            before, following = plan[slot], plan[min(slot + 1, n_slots - 1)]
            change(looks, people, limits, who, plan, slot, least, next_visit, walk, work)
            if plan[slot] != before:
                n_changes += 1
                if n_changes <= only:
                    plan[slot] = before
                    if slot + 1 < n_slots:
                        plan[slot + 1] = following
        if plan[slot] > 0:
            look(looks, people, who, work.unfound, plan[slot], slot)
            walk.nothing_found[0] = 1.0
            for cause in range(n_causes):
                walk.nothing_found[0] *= never[cause] + mass_of(people, who, cause, work.unfound)
            walk.seen[0], walk.first[0] = slot, False


@compiled
def settle(looks: Looks, people: People, limits: Limits, who: int, plan: IntArray, value: float, work: Work) -> float:
    """Sweep, in place, until nothing gains; return the objective.

    Where the changes of a sweep together do not gain, the next sweeps make one of them each.
    """
    weigh(looks, people, who, plan, work)
    only = -1
    for _ in range(MOST_SWEEPS):
        tried = plan.copy()
        sweep(looks, people, limits, who, tried, LEAST_GAIN * abs(value), only, work)
        if (tried == plan).all():
            break
        after = follow(looks, people, who, tried, work)
        if after < value * (1 - LEAST_GAIN):
            plan[:], value, only = tried, after, -1
            weigh(looks, people, who, tried, work)
        else:
            only += 1
            follow(looks, people, who, plan, work)
    return value


@compiled
def pair_up(looks: Looks, people: People, limits: Limits, who: int, plan: IntArray, value: float, work: Work) -> float:
    """Change, in place, two visits that follow each other where that gains, and return the objective.

    They change places, become one of the two half-way between them, or both come a slot earlier or later.
    """
    n_slots, best, tried = len(plan), plan.copy(), plan.copy()
    visits, ways = np.flatnonzero(plan), np.zeros((5, 2), dtype=np.int64)
    before = Walk(np.array([limits.last_seen[who]]), np.array([True]), np.array([1.0]))
    between = Walk(np.array([0]), np.array([False]), np.array([1.0]))
    # What comes before both visits is the same whatever becomes of them, and followed once.
    reached, so_far, now = 0, 0.0, start(people, who, work)
    unfound = work.unfound.copy()
    for place in range(len(visits) - 1):
        one, other = visits[place], visits[place + 1]
        after = visits[place + 2] if place + 2 < len(visits) else 2 * n_slots
        work.unfound[:] = unfound
        so_far += follow_between(looks, people, who, plan, reached, max(one - 1, 0), now, work)
        reached = max(one - 1, 0)
        unfound[:] = work.unfound
        middle, bound, chosen = (one + other) // 2, limits.must[who, one] or limits.must[who, other], -1
        ways[:, 0] = one, middle, middle, one - 1, one + 1
        ways[:, 1] = other, middle, middle, other - 1, other + 1
        for way in range(5):
            first, second = ways[way]
            if way == 0:
                allowed = plan[one] != plan[other]
            elif way < 3:
                allowed = not bound and fits(limits, who, middle, after, before)
            else:
                between.seen[0] = first
                allowed = not bound and first >= 0 and second < min(n_slots, after)
                allowed = allowed and fits(limits, who, first, second, before)
                allowed = allowed and fits(limits, who, second, after, between)
            if allowed:
                tried[:] = plan
                tried[one] = tried[other] = 0
                tried[first], tried[second] = (plan[other], plan[one]) if way == 0 else (plan[one], plan[other])
                if way == 1:
                    tried[middle] = plan[one]
                work.unfound[:] = unfound
                there = so_far + follow_between(looks, people, who, tried, reached, n_slots, now.copy(), work)
                if there < value * (1 - LEAST_GAIN):
                    best[:], value, chosen = tried, there, way
        if chosen >= 0:
            plan[:] = best
            visits[place], visits[place + 1] = ways[chosen]
        if not 0 < chosen < 3:
            before.seen[0], before.first[0] = visits[place], False
    return follow(looks, people, who, plan, work)


@compiled
def improve_each(looks: Looks, people: People, limits: Limits, plan: IntArray, value: FloatArray) -> None:
    """Improve plans, (n_patients, n_slots), in place, until no visit and no two of them gain; fill their objective."""
    work = work_for(looks, people)
    for who in range(len(plan)):
        now = follow(looks, people, who, plan[who], work)
        before = np.inf
        while now < before:
            settled = settle(looks, people, limits, who, plan[who], now, work)
            before, now = settled, pair_up(looks, people, limits, who, plan[who], settled, work)
        value[who] = now


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
        now = start(people, who, work)
        total[who, 0], total[who, 1] = cost_between(looks, people, who, plan[who], 0, plan.shape[1], now, work)
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
            nothing_found = 1.0
            for cause in range(len(work.unfound)):
                nothing_found *= work.before[cause, slot]
            gains(looks, people, who, work.worth[slot], slot, nothing_found, work)
            value[who, slot] = work.value
            if plan[who, slot] > 0:
                look(looks, people, who, work.unfound, plan[who, slot], slot)
