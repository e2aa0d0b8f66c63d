"""Published rules that turn a predicted risk curve into visits, each with the cheapest tests that look for every cause.

They read the very curve that the engine plans on, on the first day. A rule's one figure makes it a curve of policies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.schedule.figures import figures
from model.schedule.prospect import prospects
from model.schedule.tests import available, cheapest_set
from model.simulate.calendars import Given
from model.simulate.course import no_visits

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.predictor import Predictor
    from model.schedule.prospect import Prospect
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray

THRESHOLDS = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.10)
NUMBERS = (1, 2, 3, 4, 6, 8, 10)
BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0)


def fixed_threshold(onset_by: FloatArray, _: float, threshold: float) -> BoolArray:
    """Come when P(onset since the last visit | none by then) reaches the threshold; Tomer's rivals use 5 and 10 %."""
    surely = np.minimum(onset_by, np.nextafter(1.0, 0.0))  # After an onset that is certain nobody is without one.
    return _each_whole(np.log1p(-surely) / np.log1p(-threshold))


def equal_quantiles(onset_by: FloatArray, _: float, number: float) -> BoolArray:
    """Filleron: so many visits, each after the same share of the risk until the horizon."""
    last = onset_by[:, -1:]
    return _each_whole(np.divide(onset_by * number, last, out=np.zeros_like(onset_by), where=last > 0))


def bounded_wait(onset_by: FloatArray, step: float, bound: float) -> BoolArray:
    """Bebu: come when the expected undetected months since the last visit reach the bound."""
    visits = np.zeros(onset_by.shape, dtype=bool)
    since, waited = onset_by[:, 0].copy(), np.zeros(len(onset_by))
    for slot in range(1, onset_by.shape[1]):
        middle = (onset_by[:, slot] + onset_by[:, slot - 1]) / 2
        waited += step * (middle - since)
        now = waited >= bound - 1e-9
        visits[now, slot] = True
        since[now], waited[now] = onset_by[now, slot], 0.0
    return visits


RULES: dict[str, tuple[Callable[[FloatArray, float, float], BoolArray], tuple[float, ...]]] = {
    "rival: fixed threshold": (fixed_threshold, THRESHOLDS),
    "rival: equal quantiles (Filleron)": (equal_quantiles, NUMBERS),
    "rival: bounded wait (Bebu)": (bounded_wait, BOUNDS),
}
PERSONAL = "rival: personal threshold (Tomer)"


@dataclass(frozen=True)
class RiskRule:
    """A rule with its figure; without one, the threshold that brings each patient nearest to one visit, no delay."""

    name: str
    predictor: Predictor
    horizon_month: float
    rule: Callable[[FloatArray, float, float], BoolArray]
    figure: float | None
    reads_markers: bool = False

    def start(self, baseline: FloatArray) -> Given:
        """Lay down everybody's visits."""
        study, n = self.predictor.study, len(baseline)
        tests = cheapest_tests(study)
        month, visited = np.zeros(0), np.zeros((n, 0), dtype=bool)
        asked = self.predictor, no_visits(baseline, study), np.zeros(n), np.full(n, self.horizon_month)
        for who, prospect in prospects(*asked):
            if not visited.size:
                month, visited = prospect.slot_month, np.zeros((n, prospect.n_slots), dtype=bool)
            visited[who] = self._visits(prospect, tests)
        order = np.argsort(~visited, axis=1, kind="stable")
        there = np.take_along_axis(visited, order, axis=1)
        return Given(np.where(there, month[order], np.inf), there[:, :, None] & tests)

    def _visits(self, prospect: Prospect, tests: BoolArray) -> BoolArray:
        curve = onset_curve(prospect)
        if self.figure is not None:
            return self.rule(curve, prospect.step, self.figure)
        tried = np.stack([self.rule(curve, prospect.step, each) for each in THRESHOLDS])
        expected = [figures(self.predictor.study, prospect, plan[:, :, None] & tests) for plan in tried]
        away = [np.hypot(each.visits - 1.0, each.undetected_months) for each in expected]
        return np.asarray(tried[np.argmin(away, axis=0), np.arange(len(curve))])


def onset_curve(prospect: Prospect) -> FloatArray:
    """P(a target's onset by each slot, were there no death), (n_patients, n_slots)."""
    by_bin = prospect.mass[:, prospect.target].sum(axis=2)
    first = prospect.n_past - 1
    none_by = 1.0 - np.cumsum(by_bin, axis=2)[:, :, first : first + prospect.n_slots]
    return np.asarray(1.0 - none_by.prod(axis=1))


def cheapest_tests(study: Study) -> BoolArray:
    """The cheapest tests that look for every target found by tests, (n_tests,)."""
    wanted = {study.event_names[cause - 1] for cause in study.targets if study.found_by_test(cause)}
    names = {test.name for test in cheapest_set(available(study, None), wanted)}
    return np.array([test.name in names for test in study.test], dtype=bool)


def _each_whole(passed: FloatArray) -> BoolArray:
    """A visit in every slot in which a whole number is passed, but not at the origin."""
    whole = np.floor(passed + 1e-9)
    return np.diff(whole, axis=1, prepend=whole[:, :1]) > 0
