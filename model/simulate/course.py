"""Follow patients under a policy, each on their own clock, until something is found, death or the horizon."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from model.types import NEGATIVE, NOT_DONE, Histories

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.simulate.truth import Truth
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class NextVisits:
    """month : (n_rows,) whole months since the origin, inf = no further visit; test : (n_rows, n_tests) to be done."""

    month: FloatArray
    test: BoolArray


class Follower(Protocol):
    """A policy at work on some patients; it may remember what it planned for them."""

    def next_visits(self, histories: Histories, rows: IntArray, now_month: FloatArray) -> NextVisits:
        """Plan the next visit of the patients `rows`, whose last visit was at `now_month` (0 = none yet).

        histories : of all patients, everything that was recorded so far
        """


class Policy(Protocol):
    """A way to follow patients."""

    @property
    def name(self) -> str:
        """How it is called in tables and figures."""

    @property
    def reads_markers(self) -> bool:
        """Whether it makes use of marker values."""

    def start(self, baseline: FloatArray) -> Follower:
        """Begin with patients of whom only the baseline is known, (n_patients, n_baseline)."""


@dataclass(frozen=True)
class Course:
    """What came of it, (n_patients,) each unless said otherwise.

    Attributes
    ----------
    undetected_months : from the first onset to detection, death or the horizon; 0 without onset
    burden : of all visits, in the study's cost units, the cost of a visit included
    visits : kept
    tests : (n_patients, n_tests) done
    found_month : when something was found, by a test or by symptoms; inf = never
    by_symptoms : whether symptoms found it
    """

    undetected_months: FloatArray
    burden: FloatArray
    visits: FloatArray
    tests: FloatArray
    found_month: FloatArray
    by_symptoms: BoolArray

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Put the courses of several groups of patients together."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))


def visit_costs(study: Study) -> tuple[float, FloatArray]:
    """Cost of a visit, and of each test, (n_tests,), in the study's units."""
    return study.policy.visit_cost if study.policy else 0.0, np.array([test.cost for test in study.test])


def follow(truth: Truth, policy: Policy, study: Study) -> Course:
    """Follow every patient; a visit at the very month of death or of symptoms still takes place before them.

    Raises ValueError if a policy plans a visit that is not later than the last, or not at a whole month.
    """
    n, last = len(truth), truth.last_month
    ends = np.minimum(last, truth.symptom_month)
    visit_cost, test_cost = visit_costs(study)
    tests, visits, found = np.zeros((n, len(test_cost))), np.zeros(n), np.full(n, np.inf)
    histories = no_visits(truth.baseline, study)
    rows, now = np.arange(n), np.zeros(n)
    follower = policy.start(truth.baseline)
    while len(rows):
        following = follower.next_visits(histories, rows, now[rows])
        _check(following.month, now[rows])
        kept = following.month <= ends[rows]
        rows, month, done = rows[kept], following.month[kept].astype(np.int64), following.test[kept]
        now[rows] = month
        visits[rows] += 1
        tests[rows] += done
        positive = done & (truth.luck[rows, :, month] < truth.finds[rows, :, month])
        hit = positive.any(axis=1)
        found[rows[hit]] = month[hit]
        rows, month, done = rows[~hit], month[~hit], done[~hit]
        values = _measured(truth, rows, month) if policy.reads_markers else np.nan
        histories = _with_visit(histories, rows, month, done, values)
    by_symptoms = np.isinf(found) & (truth.symptom_month <= last)
    found[by_symptoms] = truth.symptom_month[by_symptoms]
    undetected = np.clip(np.minimum(found, last) - truth.onset_month, 0.0, None)
    return Course(undetected, visits * visit_cost + tests @ test_cost, visits, tests, found, by_symptoms)


def expected_course(truth: Truth, month: FloatArray, test: BoolArray, study: Study) -> tuple[FloatArray, FloatArray]:
    """Undetected months and burden that a fixed calendar would give each patient on average over the luck of its tests.

    The second road to what `follow` draws, and free of that luck's noise.

    Parameters
    ----------
    month, test : (n_visits,) whole months, ascending; (n_visits, n_tests)

    Returns
    -------
    both (n_patients,)
    """
    month = month[month <= truth.horizon_month]
    visit_cost, test_cost = visit_costs(study)
    ends = np.minimum(truth.last_month, truth.symptom_month)
    open_share = np.ones(len(truth))
    undetected = np.zeros(len(truth))
    burden = np.zeros(len(truth))
    before = 0.0
    for at, done in zip(month, test[: len(month)], strict=True):
        undetected += open_share * _unseen_between(truth, ends, before, at)
        comes = at <= ends
        burden += open_share * comes * (visit_cost + test_cost[done].sum())
        missed = np.prod(1.0 - truth.finds[:, done, int(at)], axis=1)
        open_share = np.where(comes, open_share * missed, open_share)
        before = float(at)
    return undetected + open_share * _unseen_between(truth, ends, before, np.inf), burden


def _unseen_between(truth: Truth, ends: FloatArray, start: float, stop: float) -> FloatArray:
    """Months after the onset that lie between two moments, (n_patients,)."""
    return np.asarray(np.clip(np.minimum(stop, ends) - np.maximum(start, truth.onset_month), 0.0, None))


def _check(month: FloatArray, now_month: FloatArray) -> None:
    planned = np.isfinite(month)
    if (month <= now_month).any() or (month[planned] % 1 != 0).any():
        raise ValueError("a policy must plan whole months, each later than the visit before")


def no_visits(baseline: FloatArray, study: Study) -> Histories:
    """Records of patients of whom only the baseline is known, (n_patients, n_baseline)."""
    n = len(baseline)
    markers, tests = np.zeros((n, 0, len(study.marker))), np.zeros((n, 0, len(study.test)), dtype=np.int8)
    return Histories(baseline, np.zeros((n, 0)), markers, tests)


def _measured(truth: Truth, rows: IntArray, month: IntArray) -> FloatArray:
    """Marker values of patients at their months, those of one month together, (n_rows, n_markers)."""
    values: FloatArray | None = None
    for each in np.unique(month):
        here = month == each
        part = truth.markers(rows[here], int(each))
        values = np.full((len(rows), part.shape[1]), np.nan) if values is None else values
        values[here] = part
    return np.zeros((0, 0)) if values is None else values


def _with_visit(
    histories: Histories, rows: IntArray, month: IntArray, done: BoolArray, values: FloatArray | float
) -> Histories:
    """Add one visit at which nothing was found to the records of some patients; the others' stay as they are."""
    n_before = np.isfinite(histories.visit_month[rows]).sum(axis=1)
    if n_before.max(initial=-1) + 1 > histories.visit_month.shape[1]:
        histories = _longer(histories)
    histories.visit_month[rows, n_before] = month
    histories.test[rows, n_before] = np.where(done, np.int8(NEGATIVE), np.int8(NOT_DONE))
    if len(rows):
        histories.marker[rows, n_before] = values
    return histories


def _longer(histories: Histories) -> Histories:
    """The same records with room for one more visit."""
    shape = (len(histories), 1)
    return Histories(
        histories.baseline,
        np.concatenate([histories.visit_month, np.full(shape, np.inf)], axis=1),
        np.concatenate([histories.marker, np.full((*shape, histories.marker.shape[2]), np.nan)], axis=1),
        np.concatenate([histories.test, np.full((*shape, histories.test.shape[2]), NOT_DONE, dtype=np.int8)], axis=1),
    )
