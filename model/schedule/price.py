"""What a month undetected is worth: the price at which a patient, or a cohort, is found as early as was asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from model.schedule.best import best_plans
from model.schedule.figures import onset_probability
from model.schedule.task import course_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.schedule.limits import Limits
    from model.schedule.task import Task
    from model.types import FloatArray, IntArray

LEAST_PRICE, MOST_PRICE = 0.01, 1000.0
HALVINGS = 12


def delay(task: Task, plan: IntArray) -> FloatArray:
    """Months that an onset stays unseen on average, (n_patients,); 0 where there can be none."""
    undetected, onset = course_of(task, plan).undetected, onset_probability(task.prospect)
    return np.divide(undetected, onset, out=np.zeros_like(onset), where=onset > 0)


def plans_of_delay(task: Task, limits: Limits, months: float) -> tuple[FloatArray, IntArray]:
    """Return each patient's least price at which an onset stays unseen for so many months at most, and the plans.

    Halves the span of prices, on the log scale; where none is high enough the highest is returned, with its plan.
    """
    low, high = (np.full(len(task), np.log(price)) for price in (LEAST_PRICE, MOST_PRICE))
    best, _ = best_plans(replace(task, price=np.exp(high)), limits)
    plan = best
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        priced = replace(task, price=np.exp(middle))
        plan, _ = best_plans(priced, limits, former=plan)
        late = delay(priced, plan) > months
        low, high = np.where(late, middle, low), np.where(late, high, middle)
        best = np.where(late[:, None], best, plan)
    return np.exp(high), best


@dataclass(frozen=True)
class Match:
    """A price for everybody, with what it gives on the cohort it was found on: means per patient.

    Attributes
    ----------
    undetected_months, cost : of the plans at this price
    n_patients : of the cohort
    """

    price: float
    undetected_months: float
    cost: float
    n_patients: int


def matching_price(tasks: Sequence[tuple[Task, Limits]], undetected_months: float) -> Match:
    """Find the least price at which the mean of the expected undetected months is at most this.

    Halves the span of prices; where none is high enough the result is that of the highest.
    """
    n = sum(len(task) for task, _ in tasks)
    low, high = np.log(LEAST_PRICE), np.log(MOST_PRICE)
    former: list[IntArray | None] = [None] * len(tasks)
    found = Match(MOST_PRICE, np.nan, np.nan, n)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        undetected = cost = 0.0
        for number, (task, limits) in enumerate(tasks):
            priced = replace(task, price=np.full(len(task), np.exp(middle)))
            plan, _ = best_plans(priced, limits, former=former[number])
            former[number] = plan
            course = course_of(priced, plan)
            undetected += float(course.undetected.sum()) / n
            cost += float(course.cost.sum()) / n
        if undetected > undetected_months:
            low = middle
        else:
            high, found = middle, Match(float(np.exp(middle)), undetected, cost, n)
    return found
