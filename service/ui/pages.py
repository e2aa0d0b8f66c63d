"""What a page shows, worked out before the template sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.api import answers
from service.rules import moment, require_study
from service.ui.chart import Chart, charts

if TYPE_CHECKING:
    from datetime import date

    from model.artifact import LoadedModel
    from service.api.outgoing import ChangeOut, InputOut, RiskOut, ScheduleOut
    from service.record import Patient, StoredPatient

# A reader sees at once what matters; the API's answer has every input.
SMALLEST_EFFECT = math.log(1.1)


@dataclass(frozen=True)
class ListedPatient:
    """One row of the list; `message` stands where no visit can be planned."""

    stored: StoredPatient
    schedule: ScheduleOut | None
    message: str
    overdue: bool


@dataclass(frozen=True)
class PatientPage:
    """One patient's page. What cannot be given is None, and `messages` says why.

    Attributes
    ----------
    schedule : as of the last visit, or of the origin
    risk : as of today
    change : what the last visit changed
    inputs : those that change the hazard of a target event by a tenth or more, and those to be warned of, largest first
    """

    stored: StoredPatient
    today: date
    schedule: ScheduleOut | None
    overdue: bool
    risk: RiskOut | None
    charts: list[Chart]
    change: ChangeOut | None
    inputs: list[InputOut]
    messages: list[str]


def listed(model: LoadedModel, stored: StoredPatient, today: date) -> ListedPatient:
    """Plan a patient's next visit from the last one."""
    messages: list[str] = []
    found = answers.or_warn(lambda: _schedule(model, stored), messages)
    return ListedPatient(stored, found, " ".join(messages), found is not None and found.next.window.latest < today)


def patient_page(model: LoadedModel, stored: StoredPatient, today: date) -> PatientPage:
    """Work out a patient's page."""
    patient = stored.patient
    messages: list[str] = []
    planned = answers.or_warn(lambda: _schedule(model, stored), messages)
    risk = answers.or_warn(
        lambda: answers.risk(model, patient, moment(patient, None, today=today, at="today")), messages
    )
    labels = {event.name: event.label or event.name for event in model.predictor.study.event}
    return PatientPage(
        stored=stored,
        today=today,
        schedule=planned,
        overdue=planned is not None and planned.next.window.latest < today,
        risk=risk,
        charts=charts(risk.curve, labels) if risk else [],
        change=_last_change(model, stored) if planned else None,
        inputs=_telling_inputs(model, risk) if risk else [],
        messages=list(dict.fromkeys(messages)),
    )


def _schedule(model: LoadedModel, stored: StoredPatient) -> ScheduleOut:
    require_study(model.predictor.study, stored)
    patient = stored.patient
    return answers.schedule(model, patient, _last_seen(patient), tier=None)


def _last_seen(patient: Patient) -> date:
    return patient.visits[-1].date if patient.visits else patient.origin_date


def _last_change(model: LoadedModel, stored: StoredPatient) -> ChangeOut | None:
    if not stored.visits:
        return None
    last = stored.visits[-1]
    return answers.visit(model, stored.patient, last.visit, last.visit_id).change


def _telling_inputs(model: LoadedModel, risk: RiskOut) -> list[InputOut]:
    study = model.predictor.study
    targets = {study.event_names[cause - 1] for cause in study.targets}

    def size(item: InputOut) -> float:
        return max(abs(effect) for event, effect in item.effect.items() if event in targets)

    telling = [item for item in risk.inputs if size(item) >= SMALLEST_EFFECT or item.status not in ("used", "missing")]
    return sorted(telling, key=size, reverse=True)
