"""A patient's visits to come in one form, whatever rule the policy plans by, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.schedule import rule
from model.schedule.figures import Figures, figures, on_slots
from model.schedule.planner import FINE_SPACING, FINE_STEP, Patients
from model.schedule.prospect import prospects
from model.schedule.replan import replanned
from model.schedule.tests import available, out_of_reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.predictor import Predictor
    from model.schedule.planner import Plans
    from model.schedule.policy import Policy
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray


@dataclass(frozen=True)
class Outline:
    """One patient's plan, for as long as nothing is found; months since the origin.

    Attributes
    ----------
    month : (n_visits,)
    tests : (n_visits, n_tests)
    unseen_risk : (n_visits,) P(a target event is there and unseen) just before each visit
    earliest_month, latest_month : around the first visit; nan without one
    end_month : where the plan ends
    feasible : whether every limit is kept; the plan is the nearest to them if not
    figures : of this one patient; None where no test finds any of the events
    why : sentences
    """

    month: FloatArray
    tests: BoolArray
    unseen_risk: FloatArray
    earliest_month: float
    latest_month: float
    end_month: float
    feasible: bool
    figures: Figures | None
    why: tuple[str, ...]


def outlines(
    predictor: Predictor, patients: Patients, policy: Policy, *, tier: str | None = None
) -> Iterator[tuple[int, Outline]]:
    """Yield (which patient, the plan); raises NotSupportedError as `planner.plan` or `rule.plan` do."""
    if policy.rule == "max-unseen-risk":
        for who in range(len(patients)):
            yield who, by_rule(predictor, patients.select(np.array([who])), tier=tier)
        return
    for part, plans in replanned(predictor, patients, policy, tier=tier):
        for row, who in enumerate(part):
            yield int(who), by_planner(predictor, plans, row, policy, tier=tier)


def by_planner(predictor: Predictor, plans: Plans, row: int, policy: Policy, *, tier: str | None) -> Outline:
    """Outline one of the planner's plans."""
    visited = plans.done[row].any(axis=1)
    now, later = plans.as_of_month[row], plans.slot_month[visited]
    found = plans.figures.select(np.array([row]))
    return Outline(
        month=now + later,
        tests=plans.done[row, visited],
        unseen_risk=found.unseen_before[0, np.rint(later / FINE_STEP).astype(np.int64)],
        earliest_month=float(now + plans.earliest_month[row]),
        latest_month=float(now + plans.latest_month[row]),
        end_month=float(max(policy.until_months, now + policy.at_least_ahead_months)),
        feasible=not plans.broken[row],
        figures=found,
        why=_why(predictor.study, policy, plans, row, tier),
    )


def by_rule(predictor: Predictor, patient: Patients, *, tier: str | None) -> Outline:
    """Outline the plan of the study's own rule for one patient."""
    study, now = predictor.study, float(patient.as_of_month[0])
    made = rule.plan(predictor, patient.histories, now, tier=tier)
    month = np.array([step.month for step in made.steps])
    tests = np.array([[test.name in step.tests for test in study.test] for step in made.steps], dtype=bool)
    found = None
    if any(study.found_by_test(cause) for cause in study.targets):
        ((_, fine),) = prospects(
            predictor,
            patient.histories,
            patient.as_of_month,
            np.array([made.until_month - now]),
            step=FINE_STEP,
            spacing=FINE_SPACING,
        )
        found = figures(study, fine, on_slots(fine, month[None] - now, tests[None]))
    return Outline(
        month=month,
        tests=tests,
        unseen_risk=np.array([step.unseen_risk for step in made.steps]),
        earliest_month=made.earliest_month,
        latest_month=made.latest_month,
        end_month=made.until_month,
        feasible=made.feasible,
        figures=found,
        why=made.why,
    )


def _why(study: Study, policy: Policy, plans: Plans, row: int, tier: str | None) -> tuple[str, ...]:
    targets = {study.event_names[cause - 1] for cause in study.targets}
    found, now = plans.figures.select(np.array([row])), plans.as_of_month[row]
    until = max(policy.until_months - now, policy.at_least_ahead_months)
    risk = (
        f"Within {until:.0f} months an event is there, or comes, with a probability of "
        f"{rule.percent(found.onset_probability[0])}; it would then stay unseen for {found.delay_months[0]:.1f} months "
        "on average."
    )
    broken = (f"Not all can be kept: {plans.broken[row]}.",) if plans.broken[row] else ()
    reach = out_of_reach(study, available(study, tier), targets, tier)
    return (_when(policy, plans, row), *_limits(policy), _price(policy, float(plans.price[row])), risk, *broken, *reach)


def _when(policy: Policy, plans: Plans, row: int) -> str:
    first = plans.first_month[row]
    if np.isnan(first):
        return "No visit until the plan's end would gain as much as it costs."
    return (
        f"The first visit is {first:g} months from now; from {plans.earliest_month[row]:.1f} to "
        f"{plans.latest_month[row]:.1f} months it would lose at most {policy.window_loss:g} units of cost."
    )


def _limits(policy: Policy) -> tuple[str, ...]:
    """The limits that may have set a date, whatever it gains."""
    said = []
    if policy.first_visit_by_months is not None:
        said.append(f"a first visit by month {policy.first_visit_by_months:g}")
    if policy.longest_interval_months is not None:
        said.append(f"no more than {policy.longest_interval_months:g} months between visits")
    if policy.must_visit_months:
        said.append(f"visits at months {', '.join(f'{month:g}' for month in policy.must_visit_months)}")
    return (f"The policy asks for {', '.join(said)}, whatever the risk.",) if said else ()


def _price(policy: Policy, price: float) -> str:
    says = f"A month that an event stays unseen is weighed as {price:.3g} units of cost"
    if policy.guideline is not None:
        return f"{says}: so a cohort is found as early as under {policy.guideline}."
    if policy.delay_months is not None:
        return f"{says}: so one stays unseen for {policy.delay_months:g} months on average, if it comes."
    return f"{says}."
