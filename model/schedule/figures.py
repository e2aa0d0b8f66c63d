"""The figures of any plan for the same patients: what it costs, how long an onset stays unseen, what it misses."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np

from model.schedule.sight import Sight

if TYPE_CHECKING:
    from model.schedule.prospect import Prospect
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, IntArray

LIMITS = (6.0, 12.0)


@dataclass(frozen=True)
class Figures:
    """Expectations over what may happen to a patient who follows the plan until something is found, or the plan ends.

    All are (n_patients,) but `tests`, `waits` and `unseen_before`.

    Attributes
    ----------
    planned_visits : if nothing is ever found and the patient lives
    visits, cost, burden_days, false_positives : expected; cost in the study's units, visits included
    tests : (n_patients, n_tests) expected number of each test
    onset_probability : P(a target's onset is there now or comes before the plan's end and before death)
    undetected_months : expected months from the first onset, or from now, to detection, death or the plan's end
    delay_months : the same for a patient in whom there is an onset: undetected_months / onset_probability, or 0
    missed_probability : P(there is an onset, and death or the plan's end comes before it is found)
    waits : (n_patients, n_limits) P(an onset is still unseen `LIMITS` months after it)
    unseen_before : (n_patients, n_slots) P(a target's onset is there, if nothing is found until then) just before each
        visit; 0 where there is none
    """

    planned_visits: FloatArray
    visits: FloatArray
    cost: FloatArray
    burden_days: FloatArray
    false_positives: FloatArray
    tests: FloatArray
    onset_probability: FloatArray
    undetected_months: FloatArray
    delay_months: FloatArray
    missed_probability: FloatArray
    waits: FloatArray
    unseen_before: FloatArray

    def select(self, index: IntArray) -> Self:
        """Return those of some patients."""
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


def on_slots(prospect: Prospect, month: FloatArray, done: BoolArray) -> BoolArray:
    """Put visits on the nearest slots, (n_patients, n_slots, n_tests); what lies past the last slot is left out.

    month : (n_patients, n_visits) from now, padded with inf; done : (n_patients, n_visits, n_tests)
    """
    plan = np.zeros((len(month), prospect.n_slots, done.shape[2]), dtype=bool)
    slot = np.rint(np.where(np.isfinite(month), month / prospect.step, -1.0)).astype(np.int64)
    who, visit = np.nonzero((slot >= 0) & (slot < prospect.n_slots))
    np.logical_or.at(plan, (who, slot[who, visit]), done[who, visit])
    return plan


def finer(plan: BoolArray, prospect: Prospect, fine: Prospect) -> BoolArray:
    """Put a plan on the slots of the same patients' finer prospect."""
    ratio = round(prospect.step / fine.step)
    found = np.zeros((len(plan), fine.n_slots, plan.shape[2]), dtype=bool)
    n_slots = (fine.n_slots - 1) // ratio + 1
    found[:, ::ratio] = plan[:, :n_slots]
    return found


def figures(study: Study, prospect: Prospect, plan: BoolArray) -> Figures:
    """Work out a plan's figures, (n_patients, n_slots, n_tests) by test done in each slot.

    Causes and tests are independent given the onsets, as the model takes them to be. Work is done where visits are;
    what lies between them is counted by month from where the mass stands.
    """
    course = _follow(study, prospect, plan)
    visited = plan.any(axis=2)
    each = np.einsum("is,ist->it", course.comes, plan)
    planned = np.array([test.cost for test in study.test]), np.array([test.burden_days for test in study.test])
    visits = (course.comes * visited).sum(axis=1)
    unseen = course.nothing_found - course.no_onset
    left = np.diff(prospect.followed, axis=1, append=prospect.followed[:, -1:])
    inside = np.clip((prospect.end_month[:, None] - prospect.slot_month) / prospect.step, 0.0, 1.0)
    last = np.clip(np.ceil(prospect.end_month / prospect.step - 1e-9).astype(np.int64) - 1, 0, prospect.n_slots - 1)
    who = np.arange(len(prospect))
    at_end = (prospect.followed + left * inside)[who, last] * course.unseen_at_end
    visit_cost = study.policy.visit_cost if study.policy else 0.0
    onset = onset_probability(prospect)
    undetected = (prospect.counted * unseen).sum(axis=1)
    return Figures(
        planned_visits=visited.sum(axis=1).astype(float),
        visits=visits,
        cost=visit_cost * visits + each @ planned[0],
        burden_days=each @ planned[1],
        false_positives=each @ np.array([test.false_positive for test in study.test]),
        tests=each,
        onset_probability=onset,
        undetected_months=undetected,
        delay_months=np.divide(undetected, onset, out=np.zeros_like(undetected), where=onset > 0),
        missed_probability=at_end - (left * inside * unseen).sum(axis=1),
        waits=course.waits,
        unseen_before=course.unseen_before,
    )


@dataclass(frozen=True)
class _Course:
    """How a plan goes, by slot, (n_patients, n_slots).

    Attributes
    ----------
    comes : P(followed and nothing found before the slot)
    nothing_found : P(nothing found) from the slot to the next, if nobody dies
    no_onset : P(nothing found and no target's onset) likewise, in the middle of that stretch
    unseen_at_end : (n_patients,) P(a target's onset before the plan's end and nothing found), if nobody dies
    waits, unseen_before : as in Figures
    """

    comes: FloatArray
    nothing_found: FloatArray
    no_onset: FloatArray
    unseen_at_end: FloatArray
    waits: FloatArray
    unseen_before: FloatArray


def _follow(study: Study, prospect: Prospect, plan: BoolArray) -> _Course:
    sight = Sight.of(study, prospect)
    mass = prospect.mass.copy()
    by_bin = mass.sum(axis=2)
    total = by_bin.sum(axis=2)
    open_now = np.ones((len(mass), len(prospect.cause)))
    shape = (len(mass), prospect.n_slots)
    comes, nothing_found, no_onset, unseen_before = (np.zeros(shape) for _ in range(4))
    share_by = prospect.share_before(prospect.slot_month)
    inside = prospect.slot_month <= prospect.end_month[:, None] - 1e-9
    waits = np.zeros((len(mass), len(LIMITS)))
    unseen_at_end = np.zeros(len(mass))
    for slot in range(prospect.n_slots):
        comes[:, slot] = prospect.followed[:, slot] * open_now.prod(axis=1) * inside[:, slot]
        for number, limit in enumerate(LIMITS):
            due = _due(prospect, slot, limit)
            if len(due):
                unseen = _first_and_unseen(by_bin, total, prospect.target, due)
                waits[:, number] += unseen * prospect.followed[:, slot] * inside[:, slot]
        came = np.flatnonzero(plan[:, slot].any(axis=1))
        if len(came):
            there = (by_bin[came] @ share_by[slot]) * prospect.target
            unseen_before[came, slot] = 1.0 - (1.0 - there / open_now[came]).prod(axis=1)
            for test, cause in sight.sees:
                its = came[plan[came, slot, test]]
                if len(its):
                    mass[its, cause] *= 1.0 - sight.chance(test, cause, slot)
            by_bin[came] = mass[came].sum(axis=2)
            open_now = 1.0 - total + by_bin.sum(axis=2)
        here = by_bin @ prospect.share_begun[slot]
        ends = inside[:, slot] & (prospect.end_month <= (slot + 1) * prospect.step + 1e-9)
        if ends.any():
            by_then = np.einsum("ikb,ib->ik", by_bin[ends], prospect.share_before(prospect.end_month[ends]))
            clear = (open_now[ends] - by_then * prospect.target).prod(axis=1)
            unseen_at_end[ends] = open_now[ends].prod(axis=1) - clear
        nothing_found[:, slot] = open_now.prod(axis=1)
        no_onset[:, slot] = (open_now - here * prospect.target).prod(axis=1)
    return _Course(comes, nothing_found, no_onset, unseen_at_end, waits, unseen_before)


def _due(prospect: Prospect, slot: int, limit: float) -> IntArray:
    """Bins whose onsets, at the slot and not yet at the one before, are `limit` months old or older."""
    age = slot * prospect.step - prospect.middle
    old = age >= limit - 1e-9
    return np.flatnonzero(old if slot == 0 else old & (age - prospect.step < limit - 1e-9))


def _first_and_unseen(by_bin: FloatArray, total: FloatArray, target: BoolArray, due: IntArray) -> FloatArray:
    """P(the first target onset lies in one of these bins and nothing is found yet), (n_patients,)."""
    found = np.zeros(len(by_bin))
    later = 1.0 - total[:, :, None] + np.cumsum(by_bin[:, :, ::-1], axis=2)[:, :, ::-1]  # from each bin on, or never
    there = np.where(target[:, None], later - by_bin, later[:, :, :1])  # strictly later, for targets
    for bin_ in due:
        before, after = later[:, :, bin_], there[:, :, bin_]
        others = np.where(target, before, after)
        found += others.prod(axis=1) - after.prod(axis=1)
    return found


def onset_probability(prospect: Prospect) -> FloatArray:
    """P(a target's onset is there now or comes before the plan's end, and before death)."""
    by_bin = prospect.mass[:, prospect.target].sum(axis=2)
    n_past, n_slots = prospect.n_past, prospect.n_slots
    none_by = (1.0 - np.cumsum(by_bin, axis=2)[:, :, n_past - 1 : n_past + n_slots - 1]).prod(axis=1)
    comes = -np.diff(none_by, axis=1)
    inside = np.clip((prospect.end_month[:, None] - prospect.slot_month) / prospect.step, 0.0, 1.0)[:, :-1]
    alive = (prospect.followed[:, 1:] + prospect.followed[:, :-1]) / 2
    return np.asarray(1.0 - none_by[:, 0] + (comes * inside * alive).sum(axis=1))
