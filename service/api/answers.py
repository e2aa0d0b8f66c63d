"""From a checked record to an answer: dates to months, the model's values to the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from model.errors import ModelError
from model.finite import require_finite
from service.api import explanation, outgoing, outgoing_risk
from service.api.one_at_a_time import one_at_a_time
from service.api.wire import ModelRefOut
from service.errors import AwaitingWorkUpError, FollowUpClosedError, ServiceError
from service.record import histories
from service.rules import tiers

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from model.forecast import Forecast
    from model.saved.artifact import LoadedModel
    from model.study.entries import Baseline, Marker
    from model.types import FloatArray
    from service.planning import Planning
    from service.record import Patient

NOT_A_DEVICE = "Decision support, not a medical device."
SYNTHETIC = "Trained on synthetic data: not for decisions about real patients."
FOLLOW_UP_ENDED = "The patient's follow-up had ended by this date."
CURVE_STEP_MONTHS = 3.0

T = TypeVar("T")


def model_ref(model: LoadedModel) -> ModelRefOut:
    """Name the model and its limits, as every answer does."""
    synthetic = model.manifest.get("synthetic")
    notice = f"{NOT_A_DEVICE} {SYNTHETIC}" if synthetic is True else NOT_A_DEVICE
    known = synthetic if isinstance(synthetic, bool) else None
    return ModelRefOut(version=model.version, sha256=model.sha256, synthetic=known, notice=notice)


@dataclass(frozen=True)
class Outlook:
    """One record's forecast, and the lower and upper end of its 95 % band."""

    best: Forecast
    low: Forecast
    high: Forecast


def predicted(model: LoadedModel, patient: Patient, as_of: date) -> Outlook:
    """Predict a record by itself: beside others its last digits would differ. Raises NotSupportedError."""
    recorded = histories(model.predictor.study, patient)
    month = np.array([patient.month_of(as_of)])
    best, drawn = model.predictor.predict_both(recorded, month)
    return Outlook(best, *drawn.band())


@one_at_a_time
def risk(model: LoadedModel, patient: Patient, as_of: date) -> outgoing_risk.RiskOut:
    """Answer with a patient's risks from a date on.

    Raises FollowUpClosedError, AwaitingWorkUpError or NotSupportedError where there is no number to give.
    """
    require_question(patient, as_of)
    return risk_of(model, patient, as_of, predicted(model, patient, as_of))


def risk_of(model: LoadedModel, patient: Patient, as_of: date, outlook: Outlook) -> outgoing_risk.RiskOut:
    """Answer with a patient's risks, which are predicted; raises NotSupportedError where one is no number."""
    events = event_risks(model, outlook)
    study = model.predictor.study
    months = np.arange(0.0, study.horizon_months[-1] + 1e-9, CURVE_STEP_MONTHS)
    inputs, groups = explanation.inputs(model.predictor, patient, as_of)
    return outgoing_risk.RiskOut(
        model=model_ref(model),
        as_of=as_of,
        events=events,
        curve=[
            outgoing_risk.CurveOut(name=event.name, points=points)
            for event, points in zip(study.event, _at(outlook, months), strict=True)
        ],
        inputs=inputs,
        groups=groups,
        missing=explanation.missing(model.predictor, patient, as_of),
        warnings=explanation.warnings(model.predictor, patient, inputs),
    )


@one_at_a_time
def change(model: LoadedModel, patient: Patient, day: date) -> outgoing_risk.ChangeOut:
    """Say what a day's visit changed; raises NotSupportedError where a risk is no number."""
    before = predicted(model, patient.without(day), day)
    return change_of(model, patient, day, before=before, after=event_risks(model, predicted(model, patient, day)))


def change_of(
    model: LoadedModel,
    patient: Patient,
    day: date,
    *,
    before: Outlook,
    after: list[outgoing_risk.EventRiskOut],
) -> outgoing_risk.ChangeOut:
    """Do the same where the record without the visit is predicted, and the risks with it are given."""
    return explanation.change(model.predictor, patient, day, before=event_risks(model, before), after=after)


def event_risks(model: LoadedModel, outlook: Outlook) -> list[outgoing_risk.EventRiskOut]:
    """Give a patient's risks by event; raises NotSupportedError where one is no number."""
    study, parts = model.predictor.study, (outlook.best, outlook.low, outlook.high)
    unseen = np.stack([require_finite(part).unseen[0] for part in parts])
    return [
        outgoing_risk.EventRiskOut(
            name=event.name,
            label=event.label or event.name,
            unseen_now=outgoing_risk.BandOut(value=value, low=low, high=high),
            horizons=horizons,
        )
        for event, (value, low, high), horizons in zip(
            study.event, unseen.T.tolist(), _at(outlook, np.array(study.horizon_months)), strict=True
        )
    ]


def model_info(model: LoadedModel, planning: Planning) -> outgoing.ModelOut:
    """Describe the model and what may be given to it."""
    study = model.predictor.study
    return outgoing.ModelOut(
        model=model_ref(model),
        study=study.name,
        title=study.title,
        created=str(model.manifest["created"]),
        horizons_months=list(study.horizon_months),
        supported_until_month=model.predictor.supported_until_month,
        events=[
            outgoing.EventInfoOut(name=item.name, label=item.label or item.name, role=item.role, observed=item.observed)
            for item in study.event
        ],
        baseline=[_column(item, kind=item.kind, levels=item.levels, required=item.required) for item in study.baseline],
        markers=[_column(item, kind="number", levels=(), required=False) for item in study.marker],
        tests=[
            outgoing.TestInfoOut(
                name=item.name, label=item.label or item.name, sees=list(item.sees), tiers=list(item.tiers)
            )
            for item in study.test
        ],
        tiers=list(tiers(study)),
        policies=[
            outgoing.PolicyInfoOut(
                name=name, rule=policy.rule, guideline=policy.guideline, default=name == planning.default
            )
            for name, policy in planning.policies.items()
        ],
    )


def require_question(patient: Patient, as_of: date) -> None:
    """Refuse to predict for somebody whose follow-up is over, or in whom something was found."""
    if patient.outcome is not None and patient.outcome.date <= as_of:
        raise FollowUpClosedError(FOLLOW_UP_ENDED)
    if patient.positive_by(as_of):
        raise AwaitingWorkUpError(
            "A positive result awaits work-up: record the outcome, or retract the visit and record the cleared result "
            "as negative."
        )


def or_warn(answer: Callable[[], T], warnings: list[str]) -> T | None:
    """Give the answer, or None with the reason among the warnings."""
    try:
        return answer()
    except (ModelError, ServiceError) as error:
        warnings.append(sentence(error))
        return None


def sentence(error: Exception) -> str:
    """Say why there is no answer, as a sentence."""
    reason = str(error)
    return reason[:1].upper() + reason[1:]


def _at(outlook: Outlook, months: FloatArray) -> list[list[outgoing_risk.HorizonOut]]:
    """Each event's probabilities within some months."""
    by_event = np.stack([part.at(months)[0] for part in (outlook.best, outlook.low, outlook.high)], axis=-1)
    return [
        [
            outgoing_risk.HorizonOut(months=month, probability=value, low=low, high=high)
            for month, (value, low, high) in zip(months.tolist(), points, strict=True)
        ]
        for points in by_event.tolist()
    ]


def _column(item: Baseline | Marker, *, kind: str, levels: tuple[str, ...], required: bool) -> outgoing.ColumnOut:
    return outgoing.ColumnOut(
        name=item.name,
        label=item.label or item.name,
        kind=kind,
        unit=item.unit,
        range=item.range,
        levels=list(levels),
        required=required,
        group=item.group,
    )
