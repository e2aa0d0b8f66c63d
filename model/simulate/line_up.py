"""Which policies are tried against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.guidelines.advice import SILENT
from model.simulate.calendars import ByCalendar, for_everybody, guideline_policy, rhythm
from model.simulate.course import no_visits
from model.simulate.engine import Engine, Planner
from model.simulate.groups import GroupChoice, plain_calendars
from model.simulate.oracles import Clairvoyant, TrueHazardPlans, TrueRiskGroups
from model.simulate.rivals import PERSONAL, RULES, RiskRule, fixed_threshold
from model.simulate.run import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model.guidelines.entries import GuidelineFile
    from model.predictor import Predictor
    from model.schedule.policy import Policy
    from model.simulate.truth import Truth
    from model.study.definition import Study
    from model.types import FloatArray, IntArray

RHYTHMS = (6, 12, 24)
N_GROUPS, N_TRUE_GROUPS = 5, 20
MOST_SILENT = 0.5
ENGINE, FIRST_DAY, RISK_GROUPS, ONE = "engine", "engine, first day's plan", "risk groups", "one calendar for all"
TRUE_HAZARDS, TRUE_GROUPS, CLAIRVOYANT = "oracle: true hazards", "oracle: true-risk groups", "oracle: clairvoyant"


def guideline_entries(
    guidelines: GuidelineFile, study: Study, baseline: FloatArray
) -> tuple[list[Entry], dict[str, float]]:
    """Every guideline that says something about most of such patients, (n_patients, n_baseline).

    Returns them, and of all guidelines the share of the patients about whom they say nothing.
    """
    policies = [guideline_policy(each, guidelines, study) for each in guidelines.guideline]
    silent = {policy.name: float(np.mean(policy.choose(baseline) == SILENT)) for policy in policies}
    return [Entry("guideline", policy) for policy in policies if silent[policy.name] <= MOST_SILENT], silent


def rhythm_entries(study: Study, tests: Sequence[str], horizon_month: int) -> list[Entry]:
    """The same tests every so many months, for everybody."""
    plans = {every: rhythm(range(every, horizon_month + 1, every), tests, study) for every in RHYTHMS}
    return [Entry("rhythm", for_everybody(f"every {every} months", plan)) for every, plan in plans.items()]


def static_entries(
    believed: Sequence[Truth],
    actual: Sequence[Truth],
    predictor: Predictor,
    prices: FloatArray,
    *,
    horizon_month: int,
) -> list[Entry]:
    """Best plain calendars for everybody, by groups of predicted risk, and by groups of true risk.

    believed : design patients from the nature that the clinics believe in
    actual : design patients from the nature that is true, for the oracle
    """
    study = predictor.study
    calendars = plain_calendars(study, horizon_month)
    nobody_differs = _remembered(lambda baseline: np.zeros(len(baseline)))
    risk = _remembered(lambda baseline: predicted_risk(predictor, baseline))
    one = GroupChoice.learn(believed, calendars, lambda t: nobody_differs(t.baseline), study, n_groups=1)
    groups = GroupChoice.learn(believed, calendars, lambda t: risk(t.baseline), study, n_groups=N_GROUPS)
    truly = GroupChoice.learn(actual, calendars, lambda t: t.hazards.sum, study, n_groups=N_TRUE_GROUPS)
    return [
        *(_by_score(ONE, one, nobody_differs, price) for price in prices),
        *(_by_score(RISK_GROUPS, groups, risk, price) for price in prices),
        *(Entry(TRUE_GROUPS, TrueRiskGroups(_named(TRUE_GROUPS, price), truly, price), price) for price in prices),
        Entry(CLAIRVOYANT, Clairvoyant(study)),
    ]


def engine_entries(predictor: Predictor, prices: FloatArray, policy: Policy, *, tier: str | None) -> list[Entry]:
    """The engine at every price: planning anew after each visit, or keeping to the first plan; and its oracle."""
    planners = [Planner(predictor.study, policy, float(price), tier) for price in prices]
    return [
        Entry(kind, Engine(_named(kind, planner.price), predictor, planner, replans), planner.price)
        for kind, replans in ((ENGINE, True), (FIRST_DAY, False))
        for planner in planners
    ] + [
        Entry(TRUE_HAZARDS, TrueHazardPlans(_named(TRUE_HAZARDS, planner.price), planner), planner.price)
        for planner in planners
    ]


def rival_entries(predictor: Predictor, horizon_month: int) -> list[Entry]:
    """Published rules on the model's own risk curves, each at several values of its figure."""
    until = float(horizon_month)
    entries = [
        Entry(kind, RiskRule(f"{kind}, {figure:g}", predictor, until, rule, figure), figure)
        for kind, (rule, every) in RULES.items()
        for figure in every
    ]
    return [*entries, Entry(PERSONAL, RiskRule(PERSONAL, predictor, until, fixed_threshold, None))]


def predicted_risk(predictor: Predictor, baseline: FloatArray) -> FloatArray:
    """What the model makes of the baseline: P(any target within the longest horizon), (n_patients,)."""
    study = predictor.study
    forecast = predictor.predict(no_visits(baseline, study), np.zeros(len(baseline)))
    return np.asarray(forecast.at(study.horizon_months[-1])[:, np.array(study.targets) - 1].sum(axis=1))


def _by_score(kind: str, choice: GroupChoice, score: Callable[[FloatArray], FloatArray], price: float) -> Entry:
    def choose(baseline: FloatArray) -> IntArray:
        return choice.of(score(baseline), price)

    return Entry(kind, ByCalendar(_named(kind, price), choice.calendars, choose), price)


def _remembered(score: Callable[[FloatArray], FloatArray]) -> Callable[[FloatArray], FloatArray]:
    """The same function, not asked again about the very patients it was asked about last."""
    last: list[FloatArray] = []

    def remembered(baseline: FloatArray) -> FloatArray:
        if not last or last[0] is not baseline:
            last[:] = [baseline, score(baseline)]
        return last[1]

    return remembered


def _named(kind: str, price: float) -> str:
    return f"{kind}, {price:.3g} a month"
