"""Plans for patients of a fitted model under a policy: when to come, with which tests, and what that means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from model.errors import NotSupportedError
from model.schedule.actions import worthwhile
from model.schedule.best import best_plans
from model.schedule.figures import Figures, figures, finer
from model.schedule.limits import policy_limits
from model.schedule.price import delay, plans_of_delay
from model.schedule.prospect import prospects
from model.schedule.steady import steadied
from model.schedule.task import Task
from model.schedule.window import window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.predictor import Predictor
    from model.schedule.actions import Actions
    from model.schedule.limits import Limits
    from model.schedule.policy import Policy
    from model.schedule.prospect import Prospect
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Histories, IntArray

# Figures are worked out on a finer grid than plans are searched on.
FINE_STEP, FINE_SPACING = 1.0, 0.25
DRAWS, UPPER, MOST_CERTAIN = 40, 0.975, 0.99
AT_ONCE, AT_ONCE_WITH_DRAWS = 250, 50


@dataclass(frozen=True)
class Plans:
    """Plans of patients, each from their own moment on; a plan is for as long as nothing is found.

    Attributes
    ----------
    as_of_month : (n_patients,) since the origin
    slot_month : (n_slots,) months from then in which visits may be
    done : (n_patients, n_slots, n_tests)
    price : (n_patients,) of a month undetected
    broken : (n_patients,) the limit that cannot be kept, the plan being the nearest to it; "" where all are kept
    earliest_month, latest_month : (n_patients,) from now, around the first visit; nan without one
    figures : of the plans
    """

    as_of_month: FloatArray
    slot_month: FloatArray
    done: BoolArray
    price: FloatArray
    broken: tuple[str, ...]
    earliest_month: FloatArray
    latest_month: FloatArray
    figures: Figures

    @property
    def first_month(self) -> FloatArray:
        """Months from now to the first visit, (n_patients,); nan without one."""
        visited = np.asarray(self.done.any(axis=2))
        return np.where(visited.any(axis=1), self.slot_month[visited.argmax(axis=1)], np.nan)


@dataclass(frozen=True)
class Patients:
    """Whom to plan for, as of when, nothing having been found by then.

    Attributes
    ----------
    as_of_month : (n_patients,) since the origin
    former_month : (n_patients,) since the origin, of the next visit that an earlier plan meant; nan = none
    """

    histories: Histories
    as_of_month: FloatArray
    former_month: FloatArray | None = None

    def __len__(self) -> int:
        """Count the patients."""
        return len(self.as_of_month)

    def select(self, index: IntArray) -> Self:
        """Return some of the patients."""
        former = None if self.former_month is None else self.former_month[index]
        return type(self)(self.histories.select(index), self.as_of_month[index], former)

    def end_month(self, policy: Policy) -> FloatArray:
        """Months from now to the plan's end, (n_patients,)."""
        return np.maximum(policy.until_months - self.as_of_month, policy.at_least_ahead_months)


def plan(
    predictor: Predictor, patients: Patients, policy: Policy, *, tier: str | None = None
) -> Iterator[tuple[IntArray, Plans]]:
    """Yield (which patients, their plans), some at a time.

    Parameters
    ----------
    tier : whose tests may be used; None = all

    Raises NotSupportedError where the model has no answer, no test of the tier sees anything, or the policy has no
    price.
    """
    asked = predictor, patients.histories, patients.as_of_month, patients.end_month(policy)
    fine = prospects(*asked, step=FINE_STEP, spacing=FINE_SPACING, at_once=_at_once(policy))
    found = search_plans(predictor, patients, policy, tier=tier)
    for (who, task, limits, chosen), (_, finely) in zip(found, fine, strict=True):
        as_of_month = patients.as_of_month[who]
        yield who, _described(predictor.study, policy, task, limits, chosen, fine=finely, as_of_month=as_of_month)


def search_plans(
    predictor: Predictor, patients: Patients, policy: Policy, *, tier: str | None = None
) -> Iterator[tuple[IntArray, Task, Limits, IntArray]]:
    """Yield (which patients, what was weighed, within what, plans of actions), some at a time; as `plan` otherwise."""
    study = predictor.study
    actions = _actions(study, policy, tier)
    asked = predictor, patients.histories, patients.as_of_month, patients.end_month(policy)
    coarse = prospects(*asked, at_once=_at_once(policy))
    if policy.cautious:
        coarse = _upper(coarse, prospects(*asked, at_once=_at_once(policy), n_draws=DRAWS))
    for who, prospect in coarse:
        limits = limits_of(patients, who, prospect, policy)
        task = Task.of(study, prospect, actions, np.full(len(who), policy.price or 1.0))
        if policy.delay_months is None:
            chosen, _ = best_plans(task, limits)
        else:
            price, chosen = plans_of_delay(task, limits, policy.delay_months)
            task = replace(task, price=price)
        if patients.former_month is not None:
            former = patients.former_month[who] - patients.as_of_month[who]
            chosen = steadied(task, limits, policy, chosen, former)
        yield who, task, limits, chosen


def _at_once(policy: Policy) -> int:
    return AT_ONCE_WITH_DRAWS if policy.cautious else AT_ONCE


def limits_of(patients: Patients, who: IntArray, prospect: Prospect, policy: Policy) -> Limits:
    """The policy's limits for some of the patients."""
    now, visit = patients.as_of_month[who], patients.histories.visit_month[who]
    past = np.asarray(visit <= now[:, None])
    seen = np.where(past, visit, 0.0).max(axis=1, initial=0.0)
    return policy_limits(prospect, policy, now, seen, never_seen=np.logical_not(past.any(axis=1)))


def _actions(study: Study, policy: Policy, tier: str | None) -> Actions:
    if policy.rule == "max-unseen-risk":
        raise NotSupportedError('rule "max-unseen-risk" does not weigh delay against burden: it has no such plan')
    if policy.price is None and policy.delay_months is None:
        raise NotSupportedError("the policy has no price yet: match it to its guideline on a cohort first")
    actions = worthwhile(study, policy.burden, tier=tier)
    if len(actions.cost) == 1:
        raise NotSupportedError("no test at hand finds any of the events, so no visit would be of use")
    return actions


def _upper(
    best: Iterator[tuple[IntArray, Prospect]], drawn: Iterator[tuple[IntArray, Prospect]]
) -> Iterator[tuple[IntArray, Prospect]]:
    """Raise every patient's onsets, when they come staying as it is, to the upper end of the band of P(onset)."""
    for (who, prospect), (_, draws) in zip(best, drawn, strict=True):
        onset = prospect.mass.sum(axis=(2, 3))
        upper = np.quantile(draws.mass.sum(axis=(2, 3)).reshape(-1, *onset.shape), UPPER, axis=0)
        raised = np.clip(upper, onset, np.maximum(onset, MOST_CERTAIN))
        factor = np.divide(raised, onset, out=np.ones_like(onset), where=onset > 0)
        yield who, replace(prospect, mass=prospect.mass * factor[:, :, None, None])


def _described(
    study: Study,
    policy: Policy,
    task: Task,
    limits: Limits,
    chosen: IntArray,
    *,
    fine: Prospect,
    as_of_month: FloatArray,
) -> Plans:
    done = task.actions.tests[chosen]
    broken = np.where(limits.kept(chosen > 0), "", "the intervals, or the visits that must be, leave no plan")
    if policy.delay_months is not None:
        late = delay(task, chosen) > policy.delay_months + 1e-6
        rule = (
            f"delay_months: even at the highest price an onset stays unseen longer than {policy.delay_months:g} months"
        )
        broken = np.where(late & (broken == ""), rule, broken)
    earliest, latest = window(task, limits, chosen, policy.window_loss)
    return Plans(
        as_of_month=as_of_month,
        slot_month=task.prospect.slot_month,
        done=done,
        price=task.price,
        broken=tuple(map(str, broken)),
        earliest_month=earliest,
        latest_month=latest,
        figures=figures(study, fine, finer(done, task.prospect, fine)),
    )
