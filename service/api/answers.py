"""From a checked record to an answer: dates to months, the model's values to the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from model.errors import ModelError
from model.finite import finite_forecast, require_finite
from service.api import explanation, outgoing, outgoing_risk
from service.api.wire import ModelRefOut
from service.errors import AwaitingWorkUpError, FollowUpClosedError, ServiceError
from service.record import histories
from service.rules import tiers

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from model.predictor import Forecast
    from model.saved.artifact import LoadedModel
    from model.study.entries import Baseline, Marker
    from service.planning import Planning
    from service.record import Patient

NOT_A_DEVICE = "Decision support, not a medical device."
SYNTHETIC = "Trained on synthetic data: not for decisions about real patients."
CURVE_STEP_MONTHS = 3.0

T = TypeVar("T")


def model_ref(model: LoadedModel) -> ModelRefOut:
    """Name the model and its limits, as every answer does."""
    synthetic = model.manifest.get("synthetic")
    notice = f"{NOT_A_DEVICE} {SYNTHETIC}" if synthetic is True else NOT_A_DEVICE
    known = synthetic if isinstance(synthetic, bool) else None
    return ModelRefOut(version=model.version, sha256=model.sha256, synthetic=known, notice=notice)


def risk(model: LoadedModel, patient: Patient, as_of: date) -> outgoing_risk.RiskOut:
    """Answer with a patient's risks from a date on.

    Raises FollowUpClosedError, AwaitingWorkUpError or NotSupportedError where there is no number to give.
    """
    require_question(patient, as_of)
    forecast, low, high = _forecasts(model, patient, as_of)
    horizon = model.predictor.study.horizon_months[-1]
    inputs = explanation.inputs(model.predictor, patient, as_of)
    months = np.arange(0.0, horizon + 1e-9, CURVE_STEP_MONTHS)
    return outgoing_risk.RiskOut(
        model=model_ref(model),
        as_of=as_of,
        events=_event_risks(model, forecast, low, high),
        curve=[
            outgoing_risk.CurveOut(name=event.name, points=[_at(forecast, low, high, index, month) for month in months])
            for index, event in enumerate(model.predictor.study.event)
        ],
        inputs=inputs,
        groups=explanation.groups(model.predictor, patient, as_of),
        missing=explanation.missing(model.predictor, patient, as_of),
        warnings=explanation.warnings(inputs),
    )


def event_risks(model: LoadedModel, patient: Patient, as_of: date) -> list[outgoing_risk.EventRiskOut]:
    """Give a patient's risks by event; raises NotSupportedError where one is no number."""
    return _event_risks(model, *_forecasts(model, patient, as_of))


def change(
    model: LoadedModel, patient: Patient, day: date, after: list[outgoing_risk.EventRiskOut]
) -> outgoing_risk.ChangeOut:
    """Say what a day's visit changed, `after` being the risks with it; raises NotSupportedError as `event_risks`."""
    before = event_risks(model, patient.without(day), day)
    return explanation.change(model.predictor, patient, day, before=before, after=after)


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
        raise FollowUpClosedError("The patient's follow-up had ended by this date.")
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


def _forecasts(model: LoadedModel, patient: Patient, as_of: date) -> tuple[Forecast, Forecast, Forecast]:
    """Predict one patient: (best, lower, upper end of the band); raises NotSupportedError where one is no number."""
    recorded, month = histories(model.predictor.study, patient), np.array([patient.month_of(as_of)])
    best = finite_forecast(model.predictor, recorded, month)
    low, high = model.predictor.predict_draws(recorded, month).band()
    return best, require_finite(low), require_finite(high)


def _event_risks(
    model: LoadedModel, forecast: Forecast, low: Forecast, high: Forecast
) -> list[outgoing_risk.EventRiskOut]:
    study = model.predictor.study
    return [
        outgoing_risk.EventRiskOut(
            name=event.name,
            label=event.label or event.name,
            unseen_now=outgoing_risk.BandOut(
                value=float(forecast.unseen[0, index]),
                low=float(low.unseen[0, index]),
                high=float(high.unseen[0, index]),
            ),
            horizons=[_at(forecast, low, high, index, months) for months in study.horizon_months],
        )
        for index, event in enumerate(study.event)
    ]


def _at(forecast: Forecast, low: Forecast, high: Forecast, cause: int, months: float) -> outgoing_risk.HorizonOut:
    value, least, most = (float(part.at(months)[0, cause]) for part in (forecast, low, high))
    return outgoing_risk.HorizonOut(months=months, probability=value, low=least, high=most)


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
