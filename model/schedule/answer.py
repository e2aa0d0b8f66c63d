"""One patient's answer: the plan, what it means and how surely, other choices, and the guidelines beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.schedule.figures import Figures, figures, on_slots
from model.schedule.front import bands, front
from model.schedule.matching import guideline_visits
from model.schedule.planner import FINE_SPACING, FINE_STEP, Patients, Plans, plan
from model.schedule.prospect import prospects
from model.schedule.tests import available, out_of_reach

if TYPE_CHECKING:
    from model.guidelines.entries import GuidelineFile
    from model.predictor import Predictor
    from model.schedule.policy import Policy
    from model.types import BoolArray, FloatArray


@dataclass(frozen=True)
class Choice:
    """Another plan for the same patient, with the same figures.

    Attributes
    ----------
    name : a guideline's id; "" for a point of the front
    month : (n_visits,) since the origin, those still to come
    tests : (n_visits, n_tests)
    figures : of one patient
    """

    name: str
    month: FloatArray
    tests: BoolArray
    figures: Figures


@dataclass(frozen=True)
class Staying:
    """What a plan with the tier's tests alone costs, loses and misses more than one with all, at the same price."""

    cost: float
    undetected_months: float
    missed_probability: float


@dataclass(frozen=True)
class Answer:
    """A patient's plan and what stands beside it.

    Attributes
    ----------
    plans : of this one patient
    low, high : ends of the 95 % bands of its figures
    front : from the fewest visits to the earliest detection
    guidelines : those that say something about the patient, as far as their visits are still to come
    silent : ids of the others
    staying : None without a tier
    why : sentences
    """

    plans: Plans
    low: Figures
    high: Figures
    front: tuple[Choice, ...]
    guidelines: tuple[Choice, ...]
    silent: tuple[str, ...]
    staying: Staying | None
    why: tuple[str, ...]


def answer(
    predictor: Predictor,
    patient: Patients,
    policy: Policy,
    *,
    tier: str | None = None,
    guidelines: GuidelineFile | None = None,
) -> Answer:
    """Answer for one patient; raises NotSupportedError as `plan` does."""
    ((_, made),) = plan(predictor, patient, policy, tier=tier, thorough=True)
    low, high = bands(predictor, patient, policy, made)
    ((_, points),) = front(predictor, patient, policy, tier=tier)
    others, silent = _guidelines(predictor, patient, policy, guidelines)
    return Answer(
        plans=made,
        low=low,
        high=high,
        front=tuple(
            _choice("", made.as_of_month[0] + month, done[0], found)
            for number, (month, done, found) in enumerate(points)
            if number == 0 or (done != points[number - 1][1]).any()
        ),
        guidelines=others,
        silent=silent,
        staying=_staying(predictor, patient, policy, made) if tier else None,
        why=_why(predictor, policy, made, tier),
    )


def _choice(name: str, month: FloatArray, tests: BoolArray, found: Figures) -> Choice:
    visited = tests.any(axis=1)
    return Choice(name, month[visited], tests[visited], found)


def _guidelines(
    predictor: Predictor, patient: Patients, policy: Policy, guidelines: GuidelineFile | None
) -> tuple[tuple[Choice, ...], tuple[str, ...]]:
    if guidelines is None:
        return (), ()
    study, now = predictor.study, patient.as_of_month
    ((_, fine),) = prospects(
        predictor, patient.histories, now, patient.end_month(policy), step=FINE_STEP, spacing=FINE_SPACING
    )
    found, silent = [], []
    for guideline in guidelines.guideline:
        month, tests, spoken = guideline_visits(guideline, guidelines, study, patient.histories.baseline)
        if not spoken[0]:
            silent.append(guideline.id)
            continue
        tests = tests & ((month > now[0]) & np.isfinite(month))[..., None]
        planned = on_slots(fine, month - now[:, None], tests)
        found.append(_choice(guideline.id, month[0], tests[0], figures(study, fine, planned)))
    return tuple(found), tuple(silent)


def _staying(predictor: Predictor, patient: Patients, policy: Policy, made: Plans) -> Staying:
    same_price = policy.model_copy(update={"rule": "price", "price": float(made.price[0]), "delay_months": None})
    ((_, elsewhere),) = plan(predictor, patient, same_price, thorough=True)
    here, there = made.figures, elsewhere.figures
    return Staying(
        cost=float(here.cost[0] - there.cost[0]),
        undetected_months=float(here.undetected_months[0] - there.undetected_months[0]),
        missed_probability=float(here.missed_probability[0] - there.missed_probability[0]),
    )


def _why(predictor: Predictor, policy: Policy, made: Plans, tier: str | None) -> tuple[str, ...]:
    study, found = predictor.study, made.figures
    targets = {study.event_names[cause - 1] for cause in study.targets}
    first = made.first_month[0]
    says = f"A month that an event stays unseen is weighed as {made.price[0]:.3g} units of cost"
    reason = {
        "match-guideline": f": so a cohort is found as early as under {policy.guideline}.",
        "target-delay": f": so one stays unseen for {policy.delay_months:g} months on average, if it comes."
        if policy.delay_months
        else ".",
    }.get(policy.rule, ".")
    when = (
        "No visit until the plan's end would gain as much as it costs."
        if np.isnan(first)
        else f"The first visit is {first:g} months from now; from {made.earliest_month[0]:.1f} to "
        f"{made.latest_month[0]:.1f} months it would lose at most {policy.window_loss:g} units of cost."
    )
    until = max(policy.until_months - made.as_of_month[0], policy.at_least_ahead_months)
    risk = (
        f"Within {until:g} months an event is there, or comes, with a probability of {found.onset_probability[0]:.1%}; "
        f"it would then stay unseen for {found.delay_months[0]:.1f} months on average."
    )
    broken = (f"Not all can be kept: {made.broken[0]}.",) if made.broken[0] else ()
    return (says + reason, when, risk, *broken, *out_of_reach(study, available(study, tier), targets, tier))
