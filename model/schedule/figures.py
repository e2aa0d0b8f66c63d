"""The figures of any plan for the same patients: what it costs, how long an onset stays unseen, what it misses."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np

from model.schedule.finely import Lives, Looked, Passed, pass_through
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


def _follow(study: Study, prospect: Prospect, plan: BoolArray) -> Passed:
    n, n_slots = prospect.followed.shape
    inside = prospect.slot_month <= prospect.end_month[:, None] - 1e-9
    n_inside = inside.sum(axis=1)
    ends = prospect.end_month <= n_inside * prospect.step + 1e-9
    age = prospect.slot_month[:, None] - prospect.middle
    lives = Lives(
        mass=np.ascontiguousarray(prospect.mass).reshape(*prospect.mass.shape[:2], -1),
        target=prospect.target,
        followed=np.ascontiguousarray(prospect.followed),
        inside=inside,
        begun=prospect.share_before(prospect.slot_month),
        in_stretch=prospect.share_begun,
        last=np.where(ends, n_inside - 1, -1),
        by_end=prospect.share_before(prospect.end_month),
        old=np.stack([(age >= limit - 1e-9).sum(axis=1) for limit in LIMITS]),
    )
    comes, nothing_found, no_onset, unseen_before = (np.zeros((n, n_slots)) for _ in range(4))
    waits = np.zeros((n, len(LIMITS)))
    passed = Passed(comes, nothing_found, no_onset, unseen_before, waits, unseen_at_end=np.zeros(n))
    pass_through(lives, _looked(Sight.of(study, prospect), plan), passed)
    return passed


def _looked(sight: Sight, plan: BoolArray) -> Looked:
    """Tabulate what the tests of some plans miss, where they are done."""
    n_slots, n_cells = plan.shape[1], int(np.prod(sight.prospect.mass.shape[2:]))
    table, missed = np.full((n_slots, len(sight.sees)), -1), [np.ones((0, n_cells))]
    for pair, (test, cause) in enumerate(sight.sees):
        slots = np.flatnonzero(plan[:, :, test].any(axis=0))
        table[slots, pair] = np.arange(len(slots)) + sum(map(len, missed))
        missed.append(1.0 - sight.chance(test, cause, slots).reshape(len(slots), n_cells))
    tests, causes = np.array(sight.sees, dtype=np.int64).reshape(-1, 2).T.copy()
    return Looked(np.ascontiguousarray(plan), tests, causes, table, np.concatenate(missed))


def onset_probability(prospect: Prospect) -> FloatArray:
    """P(a target's onset is there now or comes before the plan's end, and before death)."""
    by_bin = prospect.mass[:, prospect.target].sum(axis=2)
    n_past, n_slots = prospect.n_past, prospect.n_slots
    none_by = (1.0 - np.cumsum(by_bin, axis=2)[:, :, n_past - 1 : n_past + n_slots - 1]).prod(axis=1)
    comes = -np.diff(none_by, axis=1)
    inside = np.clip((prospect.end_month[:, None] - prospect.slot_month) / prospect.step, 0.0, 1.0)[:, :-1]
    alive = (prospect.followed[:, 1:] + prospect.followed[:, :-1]) / 2
    return np.asarray(1.0 - none_by[:, 0] + (comes * inside * alive).sum(axis=1))
