"""The tables of patients. What was written down is a statement, believed from one moment to another, never changed."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import Date, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from service.store.types import Base, Document, UtcDateTime


class PatientRow(Base):
    """Who a patient is; `centre` is empty where none was given, so that the pair stays unique.

    `version` is 1 at first and grows with every change, `changed_at` is the moment of the last one.
    """

    __tablename__ = "patient"
    __table_args__ = (UniqueConstraint("centre", "patient_ref"),)

    patient_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    patient_ref: Mapped[str] = mapped_column(String(100))
    centre: Mapped[str] = mapped_column(String(100))
    study: Mapped[str] = mapped_column(String(60))
    version: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Statement:
    """What every statement about a patient has: from when until when we believed it."""

    row_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.patient_id", ondelete="CASCADE"), index=True)
    recorded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    superseded_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class PatientStatement(Statement, Base):
    """A patient's day 0, baseline and tier."""

    __tablename__ = "patient_statement"

    tier: Mapped[str | None] = mapped_column(String(60))
    origin_date: Mapped[dt.date] = mapped_column(Date)
    baseline: Mapped[dict[str, Any]] = mapped_column(Document)


class VisitStatement(Statement, Base):
    """What a visit found; a correction has the same `visit_id`."""

    __tablename__ = "visit_statement"

    visit_id: Mapped[UUID] = mapped_column(Uuid)
    date: Mapped[dt.date] = mapped_column(Date)
    markers: Mapped[dict[str, Any]] = mapped_column(Document)
    tests: Mapped[dict[str, Any]] = mapped_column(Document)
    note: Mapped[str | None] = mapped_column(String(2000))


class OutcomeStatement(Statement, Base):
    """How a patient's follow-up ended."""

    __tablename__ = "outcome_statement"

    date: Mapped[dt.date] = mapped_column(Date)
    event: Mapped[str] = mapped_column(String(60))


class AnsweredRow(Base):
    """A write and its answer, erased with the patient it is about; `fingerprint` sums up what was asked."""

    __tablename__ = "idempotency_key"

    caller: Mapped[str] = mapped_column(String(200), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.patient_id", ondelete="CASCADE"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    headers: Mapped[dict[str, Any]] = mapped_column(Document)
    body: Mapped[bytes] = mapped_column(LargeBinary)


def _one_at_present(name: str, table: type[Statement], *columns: Any) -> None:
    """At most one statement is believed at present; also the index by which the present is read."""
    present = table.superseded_at.is_(None)
    Index(name, *columns, unique=True, sqlite_where=present, postgresql_where=present)


_one_at_present("present_patient", PatientStatement, PatientStatement.patient_id)
_one_at_present("present_visit", VisitStatement, VisitStatement.visit_id)
_one_at_present("present_visit_of_a_day", VisitStatement, VisitStatement.patient_id, VisitStatement.date)
_one_at_present("present_outcome", OutcomeStatement, OutcomeStatement.patient_id)
