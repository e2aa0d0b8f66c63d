"""Follow each patient's plan for its figures, in machine code: who comes, what is found, and what stays unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model.compiling import compiled

if TYPE_CHECKING:
    from model.types import BoolArray, FloatArray, IntArray


class Lives(NamedTuple):
    """What may come to the patients, and where it is asked how they stand.

    Attributes
    ----------
    mass : (n_patients, n_causes, n_cells) of onsets; cells are paces, each split by bin
    target : (n_causes,) whether its onset is asked about
    followed : (n_patients, n_slots) P(followed in the slot)
    inside : (n_patients, n_slots) whether the slot comes before the plan's end
    begun, in_stretch : (n_slots, n_bins) share of a bin's onsets before the slot, and by the middle of what follows it
    last, by_end : (n_patients,), (n_patients, n_bins) last slot before the plan's end; -1 = none, and the share by then
    old : (n_limits, n_slots) how many bins, from the first, are older in the slot than the limit
    """

    mass: FloatArray
    target: BoolArray
    followed: FloatArray
    inside: BoolArray
    begun: FloatArray
    in_stretch: FloatArray
    last: IntArray
    by_end: FloatArray
    old: IntArray


class Looked(NamedTuple):
    """What is looked for, and how well.

    Attributes
    ----------
    plan : (n_patients, n_slots, n_tests)
    test, cause : (n_pairs,) the test sees the cause
    table : (n_slots, n_pairs) row of `missed`; -1 = nobody does the test in the slot
    missed : (n_rows, n_cells) P(the test misses it)
    """

    plan: BoolArray
    test: IntArray
    cause: IntArray
    table: IntArray
    missed: FloatArray


class Passed(NamedTuple):
    """How the plans go; to be filled.

    Attributes
    ----------
    comes : (n_patients, n_slots) P(followed and nothing found before the slot)
    nothing_found : (n_patients, n_slots) P(nothing found) from the slot to the next, if nobody dies
    no_onset : (n_patients, n_slots) P(nothing found and no target's onset) likewise, in the middle of that stretch
    unseen_before : (n_patients, n_slots) P(a target's onset, if nothing is found) just before a visit; else 0
    waits : (n_patients, n_limits) P(an onset is still unseen when it is older than the limit)
    unseen_at_end : (n_patients,) P(a target's onset before the plan's end and nothing found), if nobody dies
    """

    comes: FloatArray
    nothing_found: FloatArray
    no_onset: FloatArray
    unseen_before: FloatArray
    waits: FloatArray
    unseen_at_end: FloatArray


@compiled
def add_up(mass: FloatArray, never: FloatArray, by_bin: FloatArray, later: FloatArray) -> None:
    """Sum over paces, (n_causes, n_bins), and find P(no onset before a bin, nothing found), (n_causes, n_bins + 1)."""
    n_bins = by_bin.shape[1]
    by_bin[:] = 0.0
    for cause in range(len(by_bin)):
        for first in range(0, mass.shape[1], n_bins):
            for one in range(n_bins):
                by_bin[cause, one] += mass[cause, first + one]
        later[cause, n_bins] = never[cause]
        for one in range(n_bins - 1, -1, -1):
            later[cause, one] = later[cause, one + 1] + by_bin[cause, one]


@compiled
def none_before(later: FloatArray, target: BoolArray, one: int) -> float:
    """P(nothing found, and no target's onset in the bins before this one)."""
    chance = 1.0
    for cause in range(len(later)):
        chance *= later[cause, one if target[cause] else 0]
    return chance


@compiled
def none_by(later: FloatArray, by_bin: FloatArray, share: FloatArray, target: BoolArray) -> float:
    """P(nothing found, and no target's onset), by the moment that leaves this share of each bin behind."""
    chance = 1.0
    for cause in range(len(later)):
        begun = 0.0
        if target[cause]:
            for one in range(len(share)):
                begun += by_bin[cause, one] * share[one]
        chance *= later[cause, 0] - begun
    return chance


@compiled
def pass_through(lives: Lives, looked: Looked, passed: Passed) -> None:
    """Follow everybody's plan; causes and tests are independent given the onsets."""
    n_causes, n_bins = lives.mass.shape[1], lives.begun.shape[1]
    mass, by_bin = np.empty(lives.mass.shape[1:]), np.empty((n_causes, n_bins))
    never, later = np.empty(n_causes), np.empty((n_causes, n_bins + 1))
    nobody = np.zeros(n_causes, dtype=np.bool_)
    for who in range(len(lives.mass)):
        mass[:] = lives.mass[who]
        for cause in range(n_causes):
            never[cause] = 1.0 - mass[cause].sum()
        add_up(mass, never, by_bin, later)
        for slot in range(lives.followed.shape[1]):
            there = lives.followed[who, slot] if lives.inside[who, slot] else 0.0
            nothing = none_before(later, nobody, 0)
            passed.comes[who, slot] = there * nothing
            for limit in range(len(lives.old)):
                for one in range(lives.old[limit, slot - 1] if slot else 0, lives.old[limit, slot]):
                    unseen = none_before(later, lives.target, one) - none_before(later, lives.target, one + 1)
                    passed.waits[who, limit] += unseen * there
            if looked.plan[who, slot].any():
                clear = none_by(later, by_bin, lives.begun[slot], lives.target)
                passed.unseen_before[who, slot] = 1.0 - clear / nothing
                for pair in range(len(looked.test)):
                    if looked.plan[who, slot, looked.test[pair]]:
                        mass[looked.cause[pair]] *= looked.missed[looked.table[slot, pair]]
                add_up(mass, never, by_bin, later)
                nothing = none_before(later, nobody, 0)
            passed.nothing_found[who, slot] = nothing
            passed.no_onset[who, slot] = none_by(later, by_bin, lives.in_stretch[slot], lives.target)
            if slot == lives.last[who]:
                passed.unseen_at_end[who] = nothing - none_by(later, by_bin, lives.by_end[who], lives.target)
