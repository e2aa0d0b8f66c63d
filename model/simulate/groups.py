"""The best of many plain calendars for each group of like risk: a static schedule, and the yardstick of a crude search.

With one group it is the best single calendar for everybody; with groups by the truth's own hazard it is an oracle.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Self

import numpy as np

from model.simulate.calendars import rhythm
from model.simulate.course import expected_course

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model.guidelines.advice import Calendar
    from model.simulate.truth import Truth
    from model.study.definition import Study
    from model.types import FloatArray, IntArray

INTERVALS = (6, 9, 12, 18, 24, 30, 36, 48, 60)
UNTIL = (36, 60, 84, 120)
MOST_TESTS = 3


def plain_calendars(study: Study, horizon_month: int) -> tuple[Calendar, ...]:
    """Every set of up to three tests, cheapest first, at every interval until every end; and no visit at all.

    A set is left out if a test in it sees nothing that a cheaper one in it does not see, as far as causes go, unless it
    is alone.
    """
    names = [test.name for test in study.test]
    sets = [each for size in range(1, MOST_TESTS + 1) for each in combinations(names, size)]
    sees = {test.name: frozenset(test.sees) for test in study.test}
    useful = [each for each in sets if all(_adds(name, each, sees) for name in each)]
    whens = {
        tuple(float(m) for m in range(every, min(until, horizon_month) + 1, every))
        for every in INTERVALS
        for until in UNTIL
    }
    plans = [rhythm(when, tests, study) for tests in useful for when in sorted(whens) if when]
    return (rhythm((), names[:1], study), *plans)


def _adds(name: str, tests: Sequence[str], sees: dict[str, frozenset[str]]) -> bool:
    others = [sees[other] for other in tests if other != name]
    return not others or not sees[name] <= frozenset().union(*others)


@dataclass(frozen=True)
class GroupChoice:
    """What was learned on a design sample: cuts between the groups, and each group's mean result of every calendar.

    Attributes
    ----------
    cut : (n_groups - 1,) of the score, ascending
    undetected, burden : (n_groups, n_calendars)
    """

    calendars: tuple[Calendar, ...]
    cut: FloatArray
    undetected: FloatArray
    burden: FloatArray

    @classmethod
    def learn(
        cls,
        sample: Sequence[Truth],
        calendars: tuple[Calendar, ...],
        score: Callable[[Truth], FloatArray],
        study: Study,
        *,
        n_groups: int,
    ) -> Self:
        """Try every calendar on every patient of the sample; a score of (n_patients,) sorts them into equal groups."""
        scores = [score(truth) for truth in sample]
        cut = np.quantile(np.concatenate(scores), np.arange(1, n_groups) / n_groups)
        total = np.zeros((2, n_groups, len(calendars)))
        count = np.zeros(n_groups)
        for truth, value in zip(sample, scores, strict=True):
            group = np.searchsorted(cut, value, side="right")
            count += np.bincount(group, minlength=n_groups)
            for index, plan in enumerate(calendars):
                for which, figure in enumerate(expected_course(truth, plan.month, plan.test, study)):
                    total[which, :, index] += np.bincount(group, figure, minlength=n_groups)
        mean = total / np.maximum(count, 1.0)[:, None]
        return cls(calendars, cut, mean[0], mean[1])

    def at(self, price: float) -> IntArray:
        """The calendar of each group of least burden + price x undetected months, (n_groups,)."""
        return np.asarray((self.burden + price * self.undetected).argmin(axis=1))

    def of(self, score: FloatArray, price: float) -> IntArray:
        """The calendar of each patient by score, (n_patients,)."""
        return np.asarray(self.at(price)[np.searchsorted(self.cut, score, side="right")])
