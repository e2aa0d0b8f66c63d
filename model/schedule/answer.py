"""One patient's answer: the plan, how surely, other choices, guidelines beside it, what staying in a tier costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.guidelines.advice import SILENT, follow_up
from model.schedule.figures import Figures, figures, on_slots
from model.schedule.front import bands, front
from model.schedule.matching import guideline_visits
from model.schedule.outline import Outline, by_planner, by_rule
from model.schedule.planner import FINE_SPACING, FINE_STEP, Patients, Plans, plan
from model.schedule.prospect import prospects
from model.schedule.replan import replanned

if TYPE_CHECKING:
    from model.guidelines.entries import Guideline, GuidelineFile, Row
    from model.predictor import Predictor
    from model.schedule.policy import Policy
    from model.types import BoolArray, FloatArray


@dataclass(frozen=True)
class Choice:
    """Another plan for the same patient.

    Attributes
    ----------
    month : (n_visits,) since the origin, those still to come
    tests : (n_visits, n_tests)
    figures : of one patient
    """

    month: FloatArray
    tests: BoolArray
    figures: Figures


@dataclass(frozen=True)
class Advised:
    """What a guideline asks for.

    Attributes
    ----------
    row : the patient's stratum, with its mark
    assumed : missing facts on which the row hangs, read as the guidelines' file says
    """

    guideline: Guideline
    row: Row
    assumed: tuple[str, ...]
    choice: Choice


@dataclass(frozen=True)
class Staying:
    """What a plan with the tier's tests alone costs, loses and misses more than one with all, at the same price.

    needs : tests beyond the tier's that the plan with all uses
    """

    cost: float
    undetected_months: float
    missed_probability: float
    objective: float
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """A patient's plan and what stands beside it.

    Attributes
    ----------
    outline : the plan
    low, high : ends of the 95 % bands of its figures; None under `max-unseen-risk`
    front : from the fewest visits to the earliest detection; empty under `max-unseen-risk`
    guidelines : those that say something about the patient
    silent : the others
    staying : None without a tier, and under `max-unseen-risk`
    """

    outline: Outline
    low: Figures | None
    high: Figures | None
    front: tuple[Choice, ...]
    guidelines: tuple[Advised, ...]
    silent: tuple[Guideline, ...]
    staying: Staying | None


def answer(
    predictor: Predictor,
    patient: Patients,
    policy: Policy,
    *,
    tier: str | None = None,
    guidelines: GuidelineFile | None = None,
) -> Answer:
    """Answer for one patient; raises NotSupportedError as `outline.outlines` does."""
    if policy.rule == "max-unseen-risk":
        outline = by_rule(predictor, patient, tier=tier)
        advised, silent = _advised(predictor, patient, outline, guidelines)
        return Answer(outline, None, None, (), advised, silent, None)
    ((_, made),) = replanned(predictor, patient, policy, tier=tier)
    outline = by_planner(predictor, made, 0, policy, tier=tier)
    low, high = bands(predictor, patient, policy, made)
    advised, silent = _advised(predictor, patient, outline, guidelines)
    staying = _staying(predictor, patient, policy, made, tier) if tier else None
    return Answer(outline, low, high, _front(predictor, patient, policy, tier), advised, silent, staying)


def _front(predictor: Predictor, patient: Patients, policy: Policy, tier: str | None) -> tuple[Choice, ...]:
    ((_, points),) = front(predictor, patient, policy, tier=tier)
    return tuple(
        _choice(patient.as_of_month[0] + month, done[0], found)
        for number, (month, done, found) in enumerate(points)
        if number == 0 or (done != points[number - 1][1]).any()
    )


def _choice(month: FloatArray, tests: BoolArray, found: Figures) -> Choice:
    visited = tests.any(axis=1)
    return Choice(month[visited], tests[visited], found)


def _advised(
    predictor: Predictor, patient: Patients, outline: Outline, guidelines: GuidelineFile | None
) -> tuple[tuple[Advised, ...], tuple[Guideline, ...]]:
    """Give every guideline's visits the figures of the plan, over the same months."""
    if guidelines is None or outline.figures is None:
        return (), ()
    study, now, baseline = predictor.study, patient.as_of_month, patient.histories.baseline
    stands = [follow_up(each, guidelines, study, baseline, assume=True) for each in guidelines.guideline]
    speaking = [
        (each, stand) for each, stand in zip(guidelines.guideline, stands, strict=True) if stand.entry[0] != SILENT
    ]
    silent = [each for each, stand in zip(guidelines.guideline, stands, strict=True) if stand.entry[0] == SILENT]
    if not speaking:
        return (), tuple(silent)
    end = np.array([outline.end_month]) - now
    ((_, fine),) = prospects(predictor, patient.histories, now, end, step=FINE_STEP, spacing=FINE_SPACING)
    visits = []
    for each, _ in speaking:
        month, tests, _ = guideline_visits(each, guidelines, study, baseline)
        visits.append((month, tests & ((month > now[0]) & np.isfinite(month))[..., None]))
    planned = [on_slots(fine, month - now, tests) for month, tests in visits]
    found = figures(study, fine.select(np.zeros(len(planned), dtype=np.int64)), np.concatenate(planned))
    names = np.array([item.name for item in study.baseline])
    advised = tuple(
        Advised(
            guideline=each,
            row=each.row[stand.entry[0]],
            assumed=tuple(map(str, names[stand.missing[0]])),
            choice=_choice(month[0], tests[0], found.select(np.array([number]))),
        )
        for number, ((each, stand), (month, tests)) in enumerate(zip(speaking, visits, strict=True))
    )
    return advised, tuple(silent)


def _staying(predictor: Predictor, patient: Patients, policy: Policy, made: Plans, tier: str) -> Staying:
    price = float(made.price[0])
    same_price = policy.model_copy(update={"rule": "price", "price": price, "delay_months": None, "guideline": None})
    ((_, elsewhere),) = plan(predictor, patient, same_price)
    here, there = made.figures, elsewhere.figures
    cost = float(here.cost[0] - there.cost[0])
    undetected = float(here.undetected_months[0] - there.undetected_months[0])
    used = elsewhere.done[0].any(axis=0)
    return Staying(
        cost=cost,
        undetected_months=undetected,
        missed_probability=float(here.missed_probability[0] - there.missed_probability[0]),
        objective=cost + price * undetected,
        needs=tuple(
            test.name for test, use in zip(predictor.study.test, used, strict=True) if use and tier not in test.tiers
        ),
    )
