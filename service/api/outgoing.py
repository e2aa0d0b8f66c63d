"""The wire format of what goes out: units in the names, no defaults."""

import datetime as dt
from typing import Self
from uuid import UUID

from service.api.outgoing_risk import ChangeOut, RiskOut
from service.api.outgoing_schedule import ScheduleOut
from service.api.wire import ModelRefOut, Out
from service.record import StoredPatient, StoredVisit


class FaultOut(Out):
    """One broken rule."""

    path: str
    rule: str


class ProblemOut(Out):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FaultOut]


class CreatedPatientOut(Out):
    """Where a new patient is."""

    patient_id: UUID
    version: int


class OutcomeOut(Out):
    """How follow-up ended."""

    date: dt.date
    event: str


class PatientOut(Out):
    """A patient as recorded; `version` is 1 at first and grows with every change."""

    patient_id: UUID
    version: int
    recorded_at: dt.datetime
    patient_ref: str
    origin_date: dt.date
    centre: str | None
    tier: str | None
    baseline: dict[str, bool | float | str]
    outcome: OutcomeOut | None

    @classmethod
    def from_record(cls, stored: StoredPatient, until: dt.date | None = None) -> Self:
        """Show a record, without an outcome that lies after a date."""
        patient = stored.patient
        ended = patient.outcome
        if until is not None and ended is not None and ended.date > until:
            ended = None
        return cls(
            patient_id=stored.patient_id,
            version=stored.version,
            recorded_at=stored.recorded_at,
            patient_ref=stored.patient_ref,
            origin_date=patient.origin_date,
            centre=stored.centre,
            tier=patient.tier,
            baseline=dict(patient.baseline),
            outcome=None if ended is None else OutcomeOut(date=ended.date, event=ended.event),
        )


class StoredVisitOut(Out):
    """A visit as recorded."""

    visit_id: UUID
    recorded_at: dt.datetime
    date: dt.date
    markers: dict[str, float]
    tests: dict[str, str]
    note: str | None

    @classmethod
    def from_record(cls, stored: StoredVisit) -> Self:
        """Show a visit."""
        visit = stored.visit
        return cls(
            visit_id=stored.visit_id,
            recorded_at=stored.recorded_at,
            date=visit.date,
            markers=dict(visit.markers),
            tests=dict(visit.tests),
            note=visit.note,
        )


class VisitsOut(Out):
    """A patient's visits, ascending in date."""

    visits: list[StoredVisitOut]


class VisitOut(Out):
    """A recorded visit and what it changes; an answer that cannot be given is null and `warnings` says why."""

    visit_id: UUID
    model: ModelRefOut
    risk: RiskOut | None
    schedule: ScheduleOut | None
    change: ChangeOut | None
    warnings: list[str]


class EventInfoOut(Out):
    """An event of the study."""

    name: str
    label: str
    role: str
    observed: str


class ColumnOut(Out):
    """A baseline or a marker: what may be given for it. A marker's kind is number."""

    name: str
    label: str
    kind: str
    unit: str | None
    range: tuple[float, float] | None
    levels: list[str]
    required: bool
    group: str


class TestInfoOut(Out):
    """A surveillance test: which events it sees and where it is done."""

    name: str
    label: str
    sees: list[str]
    tiers: list[str]


class PolicyInfoOut(Out):
    """A policy that schedules may be asked by; the default is used where none is named."""

    name: str
    rule: str
    guideline: str | None
    default: bool


class ModelOut(Out):
    """The model that answers, and the columns of its study."""

    model: ModelRefOut
    study: str
    title: str
    created: str
    horizons_months: list[float]
    supported_until_month: float
    events: list[EventInfoOut]
    baseline: list[ColumnOut]
    markers: list[ColumnOut]
    tests: list[TestInfoOut]
    tiers: list[str]
    policies: list[PolicyInfoOut]


class HealthOut(Out):
    """The process answers."""

    status: str


class ReadyOut(Out):
    """The process answers, its model is loaded and its database reads; `problems` if another one ought to answer."""

    status: str
    model: str
    problems: list[str]
