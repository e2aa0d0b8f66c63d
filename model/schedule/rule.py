"""The first schedule rule: wait as long as the risk of an unseen recurrence stays under the study's limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.errors import NotSupportedError
from model.finite import finite_forecast
from model.onset.growth import sensitivity_at
from model.schedule.tests import available, cheapest_set, out_of_reach

if TYPE_CHECKING:
    from model.forecast import Forecast
    from model.predictor import Predictor
    from model.study.definition import Study
    from model.study.entries import Test
    from model.types import FloatArray, Histories


@dataclass(frozen=True)
class Step:
    """One planned visit.

    Attributes
    ----------
    month : since the origin
    tests : names, in the study's order
    unseen_risk : P(a target event is there and unseen) just before the visit, if every visit before it found nothing
    """

    month: float
    tests: tuple[str, ...]
    unseen_risk: float


@dataclass(frozen=True)
class Plan:
    """The visits to come, for a patient in whom nothing is found meanwhile.

    Attributes
    ----------
    feasible : whether the limit can be kept within the shortest and longest interval, at every step
    why : the reasons in sentences: what bounds the first interval, then the first visit before which the limit breaks,
        then what only another tier's tests can find
    interval_months : to the first visit
    earliest_month, latest_month : the window around the first visit
    visits, cost, burden_days : of the whole plan; costs in the study's units
    until_month : where the plan ends: the longest horizon past now
    """

    feasible: bool
    why: tuple[str, ...]
    steps: tuple[Step, ...]
    interval_months: float
    earliest_month: float
    latest_month: float
    visits: int
    cost: float
    burden_days: float
    until_month: float


def plan(predictor: Predictor, histories: Histories, as_of_month: float, *, tier: str | None = None) -> Plan:
    """Plan one patient's visits from what was known at `as_of_month`.

    The next visit is the latest month within the policy's bounds at which the probability that a target event is there
    and unseen is still at or under the limit. If even the shortest interval exceeds it, that interval is taken and the
    plan says that it is not feasible. Later visits follow by the same rule, as if each one before them found nothing.

    Raises NotSupportedError if the study states no policy, the moment lies beyond what the model learned from or the
    model gives no finite number.
    """
    study = predictor.study
    if study.policy is None:
        raise NotSupportedError("the study file states no [policy], so there is no rule to plan by")
    unit = study.months_per_unit
    shortest, longest = study.policy.shortest_interval * unit, study.policy.longest_interval * unit
    limit = study.policy.unseen_risk_limit
    forecast = finite_forecast(predictor, histories, np.array([as_of_month]))
    tests = available(study, tier)
    targets = {study.event_names[cause - 1] for cause in study.targets}
    chosen = cheapest_set(tests, targets)
    onsets = _Onsets(study, forecast)
    steps: list[Step] = []
    why: list[str] = []
    within, month = True, 0.0
    while (room := predictor.grid.horizon_month - month) >= shortest:
        bounds = {"limit": limit, "shortest": shortest, "longest": min(longest, room)}
        wait, kept = _longest_wait(onsets, month, **bounds)
        month += wait
        steps.append(Step(as_of_month + month, tuple(test.name for test in chosen), onsets.unseen_at(month)))
        onsets.look(month, chosen)
        if len(steps) == 1 or (within and not kept):
            place = f"At visit {len(steps)}, {month:.1f} months from now, the" if len(steps) > 1 else "The"
            why.append(_sentence(place, steps[-1], wait, kept=kept, **bounds))
        within &= kept
    first = steps[0].month
    slack = min(1.0, (first - as_of_month) / 4)
    return Plan(
        feasible=within,
        why=(*why, *out_of_reach(study, tests, targets, tier)),
        steps=tuple(steps),
        interval_months=first - as_of_month,
        earliest_month=first - slack,
        latest_month=min(first + slack, as_of_month + longest),
        visits=len(steps),
        cost=len(steps) * (study.policy.visit_cost + sum(test.cost for test in chosen)),
        burden_days=len(steps) * sum(test.burden_days for test in chosen),
        until_month=as_of_month + predictor.grid.horizon_month,
    )


class _Onsets:
    """Where the unseen target events of one patient may have begun, thinned by every look that found nothing.

    A cause that is seen at once (its time is exact) counts as unseen risk until the next visit: it is what the visit
    is meant to come before.
    """

    def __init__(self, study: Study, forecast: Forecast) -> None:
        self.study = study
        # Mass that began before now is placed at now: its tests are at least as good later, so this is cautious.
        self.month = np.append(0.0, (forecast.month[1:] + forecast.month[:-1]) / 2)
        self.end = forecast.month
        causes = np.array(study.targets) - 1
        curve = forecast.incidence[0, causes]
        self.mass = np.concatenate([curve[:, :1], np.diff(curve, axis=1)], axis=1)
        self.elsewhere = 0.0

    def unseen_at(self, month: float) -> float:
        """P(a target event is there and unseen), given that nothing was found so far."""
        there = self._there(month)
        return float((self.mass * there).sum() / (1.0 - self.elsewhere))

    def look(self, month: float, tests: tuple[Test, ...]) -> None:
        """Find nothing with these tests: keep of each onset the chance that all of them missed it."""
        before = self.mass.sum()
        for row, cause in enumerate(self.study.targets):
            event = self.study.event[cause - 1]
            missed = np.zeros(len(self.month)) if event.observed == "exact" else np.ones(len(self.month))
            for test in tests:
                if event.name in test.sees:
                    since = month - self.month
                    missed *= 1.0 - sensitivity_at(
                        test.sees[event.name], since, months_per_unit=self.study.months_per_unit
                    )
            self.mass[row] *= np.where(self.month <= month, missed, 1.0)
        self.elsewhere += before - self.mass.sum()

    def _there(self, month: float) -> FloatArray:
        """Share of each bin's onsets that lie before a month, (n_steps + 1,)."""
        width = np.diff(self.end)
        share = np.clip((month - self.end[:-1]) / width, 0.0, 1.0)
        return np.append(1.0, share)


def _longest_wait(
    onsets: _Onsets, month: float, *, limit: float, shortest: float, longest: float
) -> tuple[float, bool]:
    """Return (months to wait, whether the limit is kept): the last moment under the limit, by bisection."""
    if onsets.unseen_at(month + shortest) > limit:
        return shortest, False
    if onsets.unseen_at(month + longest) <= limit:
        return longest, True
    low, high = shortest, longest
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if onsets.unseen_at(month + middle) <= limit else (low, middle)
    return low, True


def _sentence(the: str, step: Step, wait: float, *, kept: bool, limit: float, shortest: float, longest: float) -> str:
    if not kept:
        return (
            f"{the} limit of {percent(limit)} cannot be kept: even after the shortest interval of {shortest:g} months "
            f"the risk of an unseen event is {percent(step.unseen_risk)}. The shortest interval is the nearest allowed."
        )
    if wait >= longest - 1e-9:
        return (
            f"The longest interval of {longest:g} months is reached at an unseen risk of {percent(step.unseen_risk)}."
        )
    return f"After {wait:.1f} months the risk of an unseen event reaches the limit of {percent(limit)}."


def percent(share: float) -> str:
    """Say a probability in words."""
    return f"{100 * share:.1f} %"
