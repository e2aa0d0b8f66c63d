"""Surveillance plans: when each patient is asked to come next, and for which tests.

A plan is any callable from what has been seen so far to the next visit. Fixed plans (a rhythm, a table, a guideline)
ignore the results; a policy under evaluation may use them. No plan gets to see a latent quantity.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from synthetic_data.arrays import BoolArray, FloatArray, IntArray
from synthetic_data.parameters import MARKERS, TEST_DONE_SHARE, TESTS, VISIT_MONTHS


@dataclass(frozen=True, slots=True)
class Visits:
    """Recorded visits, in the order in which they happened.

    patient : (n_visits,) row of the patient in the block's patients table
    month : (n_visits,) months since resection
    markers : (n_visits, n_markers) nan = not measured
    tests : (n_visits, n_tests) -1 = not done, 0 = negative, 1 = positive
    """

    patient: IntArray
    month: FloatArray
    markers: FloatArray
    tests: IntArray

    def sorted(self) -> "Visits":
        """The same by patient, then month."""
        order = np.lexsort((self.month, self.patient))
        return Visits(self.patient[order], self.month[order], self.markers[order], self.tests[order])


def join_visits(parts: Sequence[Visits]) -> Visits:
    """Put visits of several rounds together, in the order given."""
    return Visits(
        np.concatenate([np.empty(0, dtype=np.int64), *(p.patient for p in parts)]),
        np.concatenate([np.empty(0), *(p.month for p in parts)]),
        np.concatenate([np.empty((0, len(MARKERS))), *(p.markers for p in parts)]),
        np.concatenate([np.empty((0, len(TESTS)), dtype=np.int64), *(p.tests for p in parts)]),
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What a clinic knows when it plans the next visit of the patients still followed.

    patients : the whole block's table as recorded (blanks included), patient_id among its columns
    rows : (n,) rows of the patients to plan for
    now_month : (n,) the moment of the visit just kept or missed; 0 on the day of resection
    planned_month : (n,) the moment that visit was planned for
    rounds : what was recorded, one entry per round of visits; `visits()` joins them
    """

    patients: pa.Table
    rows: IntArray
    now_month: FloatArray
    planned_month: FloatArray
    rounds: Sequence[Visits]

    def visits(self) -> Visits:
        """Every visit recorded so far, of everybody in the block, in order of time for each patient."""
        return join_visits(self.rounds)


@dataclass(frozen=True, slots=True)
class NextVisit:
    """month : (n,) planned moment, inf = no further visit; test_share : (n, n_tests) P(each test is done there)."""

    month: FloatArray
    test_share: FloatArray


Plan: TypeAlias = Callable[[Seen], NextVisit]


@dataclass(frozen=True, slots=True)
class FixedPlan:
    """The same calendar for everybody: `months` (n_visits,), `test_share` (n_visits, n_tests)."""

    months: FloatArray
    test_share: FloatArray

    def __call__(self, seen: Seen) -> NextVisit:
        """Give the visit after the one last planned."""
        months, share = np.append(self.months, np.inf), np.vstack([self.test_share, np.zeros(len(TESTS))])
        following = next_planned(months[None, :], seen.planned_month)
        return NextVisit(months[following], share[following])


@dataclass(frozen=True, slots=True)
class RhythmByRisk:
    """Visits every so many months until `until`, with a shorter interval after high-risk pathology as recorded."""

    interval_months: float
    high_risk_interval_months: float
    until: float = VISIT_MONTHS[-1]

    def __call__(self, seen: Seen) -> NextVisit:
        """Give the next multiple of the patient's interval."""
        interval = np.where(
            recorded_high_risk(seen.patients)[seen.rows], self.high_risk_interval_months, self.interval_months
        )
        month = interval * (np.floor(seen.planned_month / interval + 1e-9) + 1.0)
        month[month > self.until] = np.inf
        return NextVisit(month, np.tile(TEST_DONE_SHARE, (len(month), 1)))


def next_planned(months: FloatArray, planned_month: FloatArray) -> IntArray:
    """Index of the first of `months` (n or 1, n_visits) after the visit last planned; (n,)."""
    index: IntArray = np.sum(months <= planned_month[:, None] + 1e-9, axis=1)
    return index


def recorded_high_risk(patients: pa.Table) -> BoolArray:
    """G2-3, muscularis propria or lymphovascular invasion, as far as the record says so; (n,)."""
    grade, depth = (patients[name].to_numpy() for name in ("grade", "depth"))
    lvi = patients["lymphovascular_invasion"].to_numpy()
    high: BoolArray = np.isin(grade, ["G2", "G3"]) | np.isin(depth, ["muscularis_propria", "beyond"]) | (lvi == 1)
    return high


def every(interval_months: float, *, until: float = VISIT_MONTHS[-1]) -> FixedPlan:
    """Plan a visit every so many months, with the tests of everyday practice."""
    months = np.arange(interval_months, until + 1e-9, interval_months)
    return FixedPlan(months, np.tile(TEST_DONE_SHARE, (len(months), 1)))


REAL_WORLD_PLAN = FixedPlan(np.array(VISIT_MONTHS), np.tile(TEST_DONE_SHARE, (len(VISIT_MONTHS), 1)))
