"""The sets of tests worth doing at one visit: no other set sees every onset at least as well for less."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from model.onset.growth import sensitivity_at
from model.schedule.tests import available

if TYPE_CHECKING:
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, IntArray

# With more tests than this, sets of more than three are left out: there would be thousands.
MOST_TESTS = 8


@dataclass(frozen=True)
class Actions:
    """What may be done in a slot; action 0 is no visit.

    Attributes
    ----------
    tests : (n_actions, n_tests)
    cost : (n_actions,) of the visit and its tests
    causes : the study's numbers (1..K) of the causes found by tests
    subset : per cause, (n_subsets, n_tests) the different sets of those tests that see it; subset 0 is empty
    which : (n_actions, n_causes) the subset of each cause's tests that an action does
    """

    tests: BoolArray
    cost: FloatArray
    causes: tuple[int, ...]
    subset: tuple[BoolArray, ...]
    which: IntArray


@dataclass(frozen=True)
class Burden:
    """What a plan is charged beside the costs of visits and tests, in the same units.

    Attributes
    ----------
    burden_day, false_positive : a day lost, a result that must be worked up
    """

    burden_day: float = 0.0
    false_positive: float = 0.0

    def of(self, study: Study, tests: BoolArray) -> FloatArray:
        """Cost of visits with these tests, (..., n_tests) to (...,)."""
        visit = study.policy.visit_cost if study.policy else 0.0
        each = [t.cost + self.burden_day * t.burden_days + self.false_positive * t.false_positive for t in study.test]
        return np.asarray(visit * tests.any(axis=-1) + tests @ np.array(each))


@lru_cache(maxsize=16)
def worthwhile(study: Study, burden: Burden, *, tier: str | None) -> Actions:
    """List the sets of the tier's tests that no other set beats; none sees anything where no test sees a cause."""
    causes = tuple(k for k in range(1, len(study.event) + 1) if study.found_by_test(k))
    names = {study.event_names[cause - 1] for cause in causes}
    useful = [i for i, t in enumerate(study.test) if t in available(study, tier) and names & set(t.sees)]
    alone = np.eye(len(study.test), dtype=bool)[useful]
    own = [_by_what_sees(study, cause, alone) for cause in causes]
    missed = [(_missed(study, cause, subset), which) for cause, (subset, which) in zip(causes, own, strict=True)]
    # Not beside a better one either: two tests of one kind would miss the same things.
    useful = [test for test, worse in zip(useful, _beaten(burden.of(study, alone), missed), strict=True) if not worse]
    sizes = range(1, (len(useful) if len(useful) <= MOST_TESTS else 3) + 1)
    sets = [(), *(chosen for size in sizes for chosen in combinations(useful, size))]
    tests = np.zeros((len(sets), len(study.test)), dtype=bool)
    for row, chosen in enumerate(sets):
        tests[row, list(chosen)] = True
    cost = burden.of(study, tests)
    split = [_by_what_sees(study, cause, tests) for cause in causes]
    keep = ~_beaten(
        cost, [(_missed(study, cause, own), which) for cause, (own, which) in zip(causes, split, strict=True)]
    )
    tests, cost = tests[keep], cost[keep]
    split = [_by_what_sees(study, cause, tests) for cause in causes]
    which = np.array([each for _, each in split], dtype=np.int64).reshape(len(causes), len(cost)).T
    return Actions(tests, cost, causes, tuple(subset for subset, _ in split), which)


def _by_what_sees(study: Study, cause: int, tests: BoolArray) -> tuple[BoolArray, IntArray]:
    """Return the different sets of tests that see a cause, and which of them each set holds, (n_sets,)."""
    able = np.array([study.event_names[cause - 1] in test.sees for test in study.test])
    subset, which = np.unique(tests & able, axis=0, return_inverse=True)
    return subset, which.reshape(-1)


def _missed(study: Study, cause: int, tests: BoolArray) -> FloatArray:
    """P(every test of the set misses an onset), (n_sets, n_moments), from well before it until long after."""
    event = study.event[cause - 1]
    lead = event.lead * study.months_per_unit
    slowest = (
        max((t.sees[event.name].half_time for t in study.test if event.name in t.sees), default=0.0)
        * study.months_per_unit
    )
    since = np.concatenate([np.linspace(-lead, 0.0, 40, endpoint=False), np.linspace(0.0, 8 * slowest, 160)])
    missed = np.ones((len(tests), len(since)))
    for column, test in enumerate(study.test):
        if event.name in test.sees:
            seen = sensitivity_at(test.sees[event.name], since, months_per_unit=study.months_per_unit, lead_months=lead)
            missed[tests[:, column]] *= 1.0 - seen
    return missed


def _beaten(cost: FloatArray, missed: list[tuple[FloatArray, IntArray]]) -> BoolArray:
    """Sets for which another costs no more and misses no more of any cause; of equals the first stays.

    missed : per cause, (n_subsets, n_moments) by subset and (n_sets,) the subset of each set
    """
    order = np.arange(len(cost))
    beats = np.asarray(cost[:, None] <= cost + 1e-12)
    same = np.asarray(np.abs(cost[:, None] - cost) <= 1e-12)
    for chance, which in missed:
        less = chance[:, None] - chance
        subsets = np.ix_(which, which)
        beats &= np.all(less <= 1e-12, axis=2)[subsets]
        same &= np.all(np.abs(less) <= 1e-12, axis=2)[subsets]
    return np.asarray((beats & (~same | (order[:, None] < order))).any(axis=0))
