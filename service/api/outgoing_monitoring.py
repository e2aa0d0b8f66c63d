"""The wire format of monitoring: counts and figures of groups; only the overdue are patients."""

import datetime as dt
from typing import Literal, Self
from uuid import UUID

from model.saved.artifact import LoadedModel
from service.api.answers import model_ref
from service.api.wire import ModelRefOut, Out
from service.monitoring.overdue import Overdue


class NumberOut(Out):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class JudgedOut(Out):
    """What happened against what was expected, in one group; `too_few` says why a figure is null."""

    event: str | None
    patients: int
    visits: int | None
    observed: int | None
    expected: float | None
    beside: int | None
    awaiting: int | None
    ratio: NumberOut | None
    too_few: str | None


class QuarterOut(JudgedOut):
    """The visits of one calendar quarter."""

    quarter: str
    over: bool
    since_the_model: bool


class PeriodOut(JudgedOut):
    """All visits, or those since the model was made."""

    period: Literal["all", "since the model"]


class JudgedHorizonOut(JudgedOut):
    """Patients at one landmark, up to a horizon that has passed for them; months."""

    landmark: float
    horizon: float


class AlarmOut(Out):
    """One chart of the sequential rule; there is an alarm while the score is at or above the limit."""

    event: str | None
    looks_for: Literal["more events than expected", "fewer events than expected"]
    alarm: bool
    since: str | None
    first: str | None
    score: float
    limit: float


class CalibrationRulesOut(Out):
    """The rules behind the figures."""

    draws: int
    min_events: int
    min_patients: int
    alarm_factor: float
    quarters_per_false_alarm: int


class CalibrationOut(Out):
    """Whether the model was right about this service's patients; an event of null is any target event."""

    model: ModelRefOut
    model_made: dt.date
    as_of: dt.date
    patients: int
    another_study: int
    alarms: list[AlarmOut]
    to_date: list[PeriodOut]
    by_quarter: list[QuarterOut]
    by_horizon: list[JudgedHorizonOut]
    rules: CalibrationRulesOut


class InputDriftOut(Out):
    """One input in one quarter, against what is usual."""

    quarter: str
    over: bool
    kind: Literal["baseline", "marker", "test"]
    input: str
    label: str
    level: str | None
    transform: str
    n: int
    known: int | None
    share: float | None
    usual_share: float | None
    trained_share: float | None
    mean: float | None
    sd: float | None
    usual_mean: float | None
    usual_sd: float | None
    difference: float | None
    outside: float | None
    drift: list[Literal["mean", "share", "use"]]


class DriftRulesOut(Out):
    """The rules behind the word drift."""

    min_patients: int
    large_difference: float
    large_share: float
    false_alarm: float


class DriftOut(Out):
    """Whether the model is given what it was trained on."""

    model: ModelRefOut
    as_of: dt.date
    patients: int
    another_study: int
    inputs: list[InputDriftOut]
    rules: DriftRulesOut


class MonitoringOut(Out):
    """What `python -m service.monitor` writes: nothing about anybody in particular."""

    calibration: CalibrationOut
    drift: DriftOut


class OverdueWindowOut(Out):
    """When the visit should have been."""

    earliest: dt.date
    latest: dt.date


class OverduePatientOut(Out):
    """A patient who was not seen in time."""

    patient_id: UUID
    patient_ref: str
    centre: str | None
    last_seen: dt.date
    planned: dt.date
    window: OverdueWindowOut
    days_overdue: int


class WithoutPlanOut(Out):
    """How many patients under follow-up have no plan, and why."""

    awaiting_work_up: int
    not_supported: int
    another_study: int


class OverdueOut(Out):
    """Patients whose planned visit is overdue, the longest overdue first; `total` counts those not listed too."""

    model: ModelRefOut
    as_of: dt.date
    open_patients: int
    total: int
    patients: list[OverduePatientOut]
    without_plan: WithoutPlanOut

    @classmethod
    def of(cls, model: LoadedModel, found: Overdue, today: dt.date) -> Self:
        """Show what was found."""
        return cls(
            model=model_ref(model),
            as_of=today,
            open_patients=found.open_patients,
            total=found.total,
            patients=[
                OverduePatientOut(
                    patient_id=item.stored.patient_id,
                    patient_ref=item.stored.patient_ref,
                    centre=item.stored.centre,
                    last_seen=item.last_seen,
                    planned=item.next.date,
                    window=OverdueWindowOut(earliest=item.next.window.earliest, latest=item.next.window.latest),
                    days_overdue=item.days(today),
                )
                for item in found.most
            ],
            without_plan=WithoutPlanOut(**found.without_plan),
        )
