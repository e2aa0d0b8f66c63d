"""The tables. Visits are retracted, never overwritten, so that what an earlier answer rested on stays readable."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    String,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    and_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, mapped_column, relationship


class UtcDateTime(TypeDecorator[dt.datetime]):
    """A moment in UTC; SQLite keeps no time zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, _dialect: Dialect) -> dt.datetime | None:
        """Refuse a moment whose zone is unknown."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored moment needs a time zone")
        return None if value is None else value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, _dialect: Dialect) -> dt.datetime | None:
        """Give every moment back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


Document = JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    """Root of the tables."""


class VisitRow(Base):
    """A visit; at most one of a day that is not retracted."""

    __tablename__ = "visit"

    visit_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.patient_id", ondelete="CASCADE"))
    date: Mapped[dt.date] = mapped_column(Date)
    markers: Mapped[dict[str, Any]] = mapped_column(Document)
    tests: Mapped[dict[str, Any]] = mapped_column(Document)
    note: Mapped[str | None] = mapped_column(String(2000))
    recorded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    retracted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


Index(
    "visit_of_a_day",
    VisitRow.patient_id,
    VisitRow.date,
    unique=True,
    sqlite_where=VisitRow.retracted_at.is_(None),
    postgresql_where=VisitRow.retracted_at.is_(None),
)


class OutcomeRow(Base):
    """How a patient's follow-up ended."""

    __tablename__ = "outcome"

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.patient_id", ondelete="CASCADE"), primary_key=True)
    date: Mapped[dt.date] = mapped_column(Date)
    event: Mapped[str] = mapped_column(String(60))
    recorded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class PatientRow(Base):
    """A patient; `centre` is empty where none was given, so that the pair stays unique."""

    __tablename__ = "patient"
    __table_args__ = (UniqueConstraint("centre", "patient_ref"),)

    patient_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    patient_ref: Mapped[str] = mapped_column(String(100))
    centre: Mapped[str] = mapped_column(String(100))
    tier: Mapped[str | None] = mapped_column(String(60))
    study: Mapped[str] = mapped_column(String(60))
    origin_date: Mapped[dt.date] = mapped_column(Date)
    baseline: Mapped[dict[str, Any]] = mapped_column(Document)
    version: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    outcome: Mapped[OutcomeRow | None] = relationship(lazy="selectin", viewonly=True)
    visits: Mapped[list[VisitRow]] = relationship(
        lazy="selectin",
        viewonly=True,
        primaryjoin=lambda: and_(
            PatientRow.patient_id == foreign(VisitRow.patient_id), VisitRow.retracted_at.is_(None)
        ),
        order_by=lambda: VisitRow.date,
    )
