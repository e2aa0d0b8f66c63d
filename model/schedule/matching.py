"""Hold plans against a guideline: at which price is a cohort found as early, and at what cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.errors import NotSupportedError
from model.guidelines.advice import SILENT, calendar, follow_up
from model.schedule.actions import worthwhile
from model.schedule.figures import figures, on_slots
from model.schedule.limits import policy_limits
from model.schedule.price import Match, matching_price
from model.schedule.prospect import prospects
from model.schedule.task import Task

if TYPE_CHECKING:
    from model.guidelines.entries import Guideline, GuidelineFile
    from model.predictor import Predictor
    from model.schedule.limits import Limits
    from model.schedule.policy import Policy
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Histories

MOST_PATIENTS = 1000


@dataclass(frozen=True)
class Compared:
    """A guideline and the plans that find as early, on the same patients from the origin on; means per patient.

    Attributes
    ----------
    match : of the plans
    cost, undetected_months : under the guideline
    n_silent : patients for whom the guideline says nothing, who are left out
    """

    match: Match
    cost: float
    undetected_months: float
    n_silent: int


def guideline_visits(
    guideline: Guideline, guidelines: GuidelineFile, study: Study, baseline: FloatArray
) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Lay out each patient's visits, missing facts read as the guidelines' file says.

    Returns (months since the origin, (n_patients, n_visits) padded with inf; tests, (..., n_tests); whether the
    guideline says anything, (n_patients,)).
    """
    entry = follow_up(guideline, guidelines, study, baseline, assume=True).entry
    calendars = [calendar(row, study) for row in guideline.row]
    most = max(1, *(len(each.month) for each in calendars))
    month = np.full((len(calendars) + 1, most), np.inf)
    test = np.zeros((len(calendars) + 1, most, len(study.test)), dtype=bool)
    for row, each in enumerate(calendars):
        month[row, : len(each.month)], test[row, : len(each.month)] = each.month, each.test
    return month[entry], test[entry], entry != SILENT


def match_guideline(
    predictor: Predictor,
    histories: Histories,
    policy: Policy,
    guideline: Guideline,
    guidelines: GuidelineFile,
    *,
    tier: str | None,
) -> Compared:
    """Find the price of `matching_price` for a cohort as it stood at the origin, its first `MOST_PATIENTS`."""
    study = predictor.study
    month, test, spoken = guideline_visits(guideline, guidelines, study, histories.baseline)
    who = np.flatnonzero(spoken)[:MOST_PATIENTS]
    if not len(who):
        raise NotSupportedError(f'guideline "{guideline.id}" says nothing about any of these patients')
    now, end = np.zeros(len(who)), np.full(len(who), policy.until_months)
    actions = worthwhile(study, policy.burden, tier=tier)
    tasks: list[tuple[Task, Limits]] = []
    cost = undetected = 0.0
    for part, prospect in prospects(predictor, histories.select(who), now, end):
        theirs = figures(study, prospect, on_slots(prospect, month[who[part]], test[who[part]]))
        cost, undetected = cost + theirs.cost.sum(), undetected + theirs.undetected_months.sum()
        limits = policy_limits(prospect, policy, now[part], now[part], never_seen=np.ones(len(part), dtype=bool))
        tasks.append((Task.of(study, prospect, actions, np.ones(len(part))), limits))
    found = matching_price(tasks, undetected / len(who))
    return Compared(found, float(cost / len(who)), float(undetected / len(who)), int((~spoken).sum()))
