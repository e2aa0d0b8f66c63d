"""What a page shows, worked out before the template sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.api import answers, scheduling
from service.api.next_visits import last_seen, require_followed
from service.rules import moment, require_study, tiers
from service.ui.bars import BarChart, bar_charts
from service.ui.chart import Chart, charts
from service.ui.finding import days_overdue

if TYPE_CHECKING:
    from datetime import date

    from model.saved.artifact import LoadedModel
    from service.api.outgoing_risk import ChangeOut, CouldChangeOut, InputOut, MissingOut, RiskOut
    from service.api.outgoing_schedule import GuidelineOut, ScheduleOut
    from service.planning import Planning
    from service.record import Patient, StoredPatient, Value

# A reader sees at once what matters; the API's answer has every input.
SMALLEST_EFFECT = math.log(1.1)
MOST_TO_ASK_FOR = 5
# The guidelines that a plan is held against in docs/results.md: the closest, the widest and the shortest.
COMPARED = ("ENETS-2023", "JNETS-2019", "NCCN")


@dataclass(frozen=True)
class WorthKnowing:
    """A missing input, and the risk of any target event within the longest horizon, were it known.

    Attributes
    ----------
    low_chance, high_chance : how likely the level is that gives the end; None for a number
    """

    label: str
    unit: str
    risk: CouldChangeOut
    low_chance: float | None
    high_chance: float | None


@dataclass(frozen=True)
class PatientPage:
    """One patient's page. What cannot be given is None, and `messages` says why.

    Attributes
    ----------
    schedule : as of the last visit, or of the origin
    days_overdue : days since the next visit's window was over, 0 or less while there is time
    tiers : those that a plan may be asked for
    compared : guidelines to show beside the plan
    risk : as of today
    change : what the last visit changed
    inputs : those that change the hazard of a target event by a tenth or more, and those to be warned of, largest first
    group_bars, change_bars : what groups of inputs do to the hazards, and what moved since the visit before
    worth_knowing : the missing inputs that could change most
    not_known : labels of the other missing ones
    recorded : label, value and unit of what is recorded at the origin, in the study's order
    """

    stored: StoredPatient
    today: date
    schedule: ScheduleOut | None
    days_overdue: int
    tiers: list[str]
    compared: list[GuidelineOut]
    risk: RiskOut | None
    charts: list[Chart]
    change: ChangeOut | None
    inputs: list[InputOut]
    group_bars: list[BarChart]
    change_bars: list[BarChart]
    worth_knowing: list[WorthKnowing]
    not_known: list[str]
    recorded: list[tuple[str, Value, str]]
    messages: list[str]


def patient_page(
    model: LoadedModel, planning: Planning, stored: StoredPatient, today: date, *, tier: str | None
) -> PatientPage:
    """Work out a patient's page; `tier` in place of the patient's own."""
    patient = stored.patient
    messages: list[str] = []
    planned = answers.or_warn(lambda: _schedule(model, planning, stored, today, tier), messages)
    risk = answers.or_warn(lambda: _risk(model, stored, today), messages)
    labels = {event.name: event.label or event.name for event in model.predictor.study.event}
    change = answers.or_warn(lambda: _last_change(model, patient), messages) if planned else None
    worth_knowing = _worth_knowing(risk.missing)[:MOST_TO_ASK_FOR] if risk else []
    asked = {item.label for item in worth_knowing}
    return PatientPage(
        stored=stored,
        today=today,
        schedule=planned,
        days_overdue=days_overdue(planned.next, today) if planned else 0,
        tiers=list(tiers(model.predictor.study)) if planned else [],
        compared=_compared(planned) if planned else [],
        risk=risk,
        charts=charts(risk.curve, labels) if risk else [],
        change=change,
        inputs=_telling_inputs(model, risk) if risk else [],
        group_bars=bar_charts(risk.groups, labels) if risk else [],
        change_bars=bar_charts(change.by_group, labels) if change else [],
        worth_knowing=worth_knowing,
        not_known=[item.label for item in risk.missing if item.label not in asked] if risk else [],
        recorded=_recorded(model, patient),
        messages=list(dict.fromkeys(messages)),
    )


def _recorded(model: LoadedModel, patient: Patient) -> list[tuple[str, Value, str]]:
    """List the baselines; those that the model's study does not have come last, by their names."""
    known = {item.name: (item.label or item.name, item.unit or "") for item in model.predictor.study.baseline}
    names = [*(name for name in known if name in patient.baseline), *sorted(patient.baseline.keys() - known.keys())]
    words = [known.get(name, (name, "")) for name in names]
    return [(label, patient.baseline[name], unit) for name, (label, unit) in zip(names, words, strict=True)]


def _schedule(
    model: LoadedModel, planning: Planning, stored: StoredPatient, today: date, tier: str | None
) -> ScheduleOut:
    require_study(model.predictor.study, stored)
    patient = stored.patient
    require_followed(patient, today)
    return scheduling.full(model, planning, patient, last_seen(patient), tier=tier, policy=None)


def _compared(planned: ScheduleOut) -> list[GuidelineOut]:
    """The guidelines on the page: those of COMPARED that speak of the patient, else the first few that do."""
    speaking = planned.guidelines or []
    named = [guideline for guideline in speaking if guideline.id in COMPARED]
    return named or speaking[: len(COMPARED)]


def _risk(model: LoadedModel, stored: StoredPatient, today: date) -> RiskOut:
    require_study(model.predictor.study, stored)
    return answers.risk(model, stored.patient, moment(stored.patient, None, today=today, at="today"))


def _last_change(model: LoadedModel, patient: Patient) -> ChangeOut | None:
    if not patient.visits:
        return None
    day = patient.visits[-1].date
    return answers.change(model, patient, day)


def _telling_inputs(model: LoadedModel, risk: RiskOut) -> list[InputOut]:
    study = model.predictor.study
    targets = {study.event_names[cause - 1] for cause in study.targets}

    def size(item: InputOut) -> float:
        return max(abs(effect) for event, effect in item.effect.items() if event in targets)

    telling = [item for item in risk.inputs if size(item) >= SMALLEST_EFFECT or item.status not in ("used", "missing")]
    return sorted(telling, key=size, reverse=True)


def _worth_knowing(missing: list[MissingOut]) -> list[WorthKnowing]:
    """Keep the order of the answer: what could change most comes first."""
    found = []
    for item in missing:
        risks = [risk for risk in item.could_change if risk.event is None]
        if risks and risks[-1].low < risks[-1].high:
            chance = {value.value: value.probability for value in item.values}
            risk = risks[-1]
            found.append(WorthKnowing(item.label, item.unit or "", risk, chance[risk.low_if], chance[risk.high_if]))
    return found
