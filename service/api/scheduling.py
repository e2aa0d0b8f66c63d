"""Schedules: from checked records to plans and what stands beside them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from model.schedule.answer import answer
from model.schedule.outline import outlines
from model.schedule.planner import Patients
from model.schedule.refer import advise
from service.api import outgoing_schedule as out
from service.api.answers import model_ref, require_question
from service.api.one_at_a_time import one_at_a_time
from service.api.outgoing_treatment import treatment_of
from service.record import histories_of_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from model.saved.artifact import LoadedModel
    from model.schedule.answer import Advised, Choice, Staying
    from model.schedule.outline import Outline
    from model.schedule.refer import Advice
    from model.study.definition import Study
    from model.types import BoolArray
    from service.planning import Planning
    from service.record import Patient


def quick(model: LoadedModel, planning: Planning, patient: Patient, as_of: date) -> out.ScheduleOut:
    """Answer with the visits to come under the default policy, and nothing beside them.

    Raises FollowUpClosedError, AwaitingWorkUpError or NotSupportedError where there is no plan to give.
    """
    require_question(patient, as_of)
    name, policy = planning.named(None)
    ((_, found),) = outlines(model.predictor, patients_of(model, [(patient, as_of)]), policy, tier=patient.tier)
    return _answer(model, patient, as_of, found, tier=patient.tier, policy=name)


@one_at_a_time
def full(
    model: LoadedModel, planning: Planning, patient: Patient, as_of: date, *, tier: str | None, policy: str | None
) -> out.ScheduleOut:
    """Answer with the visits to come and what stands beside them; `tier` in place of the patient's. Raises as `quick`.

    Raises InvalidError for the name of a policy that there is not.
    """
    name, rule = planning.named(policy)
    require_question(patient, as_of)
    tier = tier or patient.tier
    study, asked = model.predictor.study, patients_of(model, [(patient, as_of)])
    found = answer(model.predictor, asked, rule, tier=tier, guidelines=planning.guidelines)
    made = _answer(model, patient, as_of, found.outline, tier=tier, policy=name)
    advice = None
    if planning.tiers is not None and tier is not None:
        advice = advise(
            planning.tiers,
            study,
            asked.histories.baseline,
            tier=tier,
            staying=found.staying,
            tolerable_loss=rule.window_loss,
        )
    bands = None
    if found.low is not None and found.high is not None:
        bands = out.BandsOut(low=out.FiguresOut.of(found.low), high=out.FiguresOut.of(found.high))
    return made.model_copy(
        update={
            "bands": bands,
            "guidelines": [_guideline(study, patient, each) for each in found.guidelines],
            "silent_guidelines": [out.SilentGuidelineOut(id=each.id, title=each.title) for each in found.silent],
            "treatment": planning.guidelines and treatment_of(planning.guidelines, study, asked.histories.baseline),
            "frontier": [
                out.FrontierPointOut(plan=_visits(study, patient, each), figures=out.FiguresOut.of(each.figures))
                for each in found.front
            ],
            "referral": _referral(study, advice, found.staying),
        }
    )


def patients_of(model: LoadedModel, asked: Sequence[tuple[Patient, date]]) -> Patients:
    """Turn records, each with the date that the question is about, into what the planner takes."""
    recorded = histories_of_all(model.predictor.study, [patient for patient, _ in asked])
    return Patients(recorded, np.array([patient.month_of(as_of) for patient, as_of in asked]))


def _answer(
    model: LoadedModel, patient: Patient, as_of: date, found: Outline, *, tier: str | None, policy: str
) -> out.ScheduleOut:
    study = model.predictor.study
    return out.ScheduleOut(
        model=model_ref(model),
        recommendation_id=None,
        as_of=as_of,
        tier=tier,
        policy=policy,
        feasible=found.feasible,
        next=next_visit(study, patient, as_of, found),
        plan=[
            out.PlannedVisitOut(date=patient.date_of(month), tests=_named(study, tests), unseen_risk=float(risk))
            for month, tests, risk in zip(found.month, found.tests, found.unseen_risk, strict=True)
        ],
        plan_until=patient.date_of(found.end_month),
        figures=_taken(study, found) if found.figures is None else out.FiguresOut.of(found.figures),
        bands=None,
        guidelines=None,
        silent_guidelines=None,
        treatment=None,
        frontier=None,
        referral=None,
        rationale=list(found.why),
    )


def next_visit(study: Study, patient: Patient, as_of: date, found: Outline) -> out.NextVisitOut | None:
    """Show the first visit of a plan; None where it has none."""
    if not len(found.month):
        return None
    return out.NextVisitOut(
        date=patient.date_of(found.month[0]),
        window=out.WindowOut(
            earliest=patient.date_of(found.earliest_month), latest=patient.date_of(found.latest_month)
        ),
        tests=_named(study, found.tests[0]),
        interval_months=max(float(found.month[0]) - patient.month_of(as_of), 0.0),
    )


def _taken(study: Study, found: Outline) -> out.FiguresOut:
    """What a plan takes if nothing is ever found, where nothing is known of what tests miss."""
    n_visits = len(found.month)
    visit_cost = study.policy.visit_cost if study.policy else 0.0
    tests = found.tests.sum(axis=0)
    return out.FiguresOut(
        planned_visits=n_visits,
        visits=n_visits,
        cost=math.fsum([n_visits * visit_cost, *(n * test.cost for n, test in zip(tests, study.test, strict=True))]),
        burden_days=math.fsum(n * test.burden_days for n, test in zip(tests, study.test, strict=True)),
        false_positives=None,
        onset_probability=None,
        undetected_months=None,
        expected_delay_months=None,
        missed_probability=None,
    )


def _guideline(study: Study, patient: Patient, each: Advised) -> out.GuidelineOut:
    row = each.row
    return out.GuidelineOut(
        id=each.guideline.id,
        title=each.guideline.title,
        row=row.id,
        stratum=row.stratum,
        mark=row.mark,
        caution=row.caution,
        source=row.source,
        also=row.also,
        assumed_facts=list(each.assumed),
        plan=_visits(study, patient, each.choice),
        figures=out.FiguresOut.of(each.choice.figures),
    )


def _visits(study: Study, patient: Patient, choice: Choice) -> list[out.VisitToComeOut]:
    return [
        out.VisitToComeOut(date=patient.date_of(month), tests=_named(study, tests))
        for month, tests in zip(choice.month, choice.tests, strict=True)
    ]


def _named(study: Study, tests: BoolArray) -> list[str]:
    return [test.name for test, done in zip(study.test, tests, strict=True) if done]


def _referral(study: Study, advice: Advice | None, staying: Staying | None) -> out.ReferralOut | None:
    if advice is None:
        return None
    labels = [test.label or test.name for test in study.test if test.name in advice.needs]
    better = [f"a clearly better plan uses {', '.join(labels)}"] if labels else []
    cost = None
    if staying is not None:
        cost = out.CostOfStayingOut(
            cost=staying.cost,
            undetected_months=staying.undetected_months,
            missed_probability=staying.missed_probability,
        )
    return out.ReferralOut(
        to_tier=advice.to_tier,
        why=[*(f"{each.why} [{each.mark}]" for each in advice.criteria), *better],
        unknown=[f"{each.why} [{each.mark}]" for each in advice.open],
        tests=list(advice.needs),
        cost_of_staying=cost,
    )
