"""The tables of which model answered when, and of how a silent one differed from it."""

import datetime as dt

from sqlalchemy import Float, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from service.store.types import Base, UtcDateTime


class ModelChangeRow(Base):
    """One change of which model answers, or answers silently; the last one's `sequence` tells whether anything changed.

    `share` is that of the requests that a silent model answers too.
    """

    __tablename__ = "model_change"

    sequence: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    moment: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    action: Mapped[str] = mapped_column(String(20))
    version: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64))
    share: Mapped[float | None] = mapped_column(Float)
    caller: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(String(2000))


class ShadowRow(Base):
    """What became of the requests that one silent model was given; `sequence` is that of its change."""

    __tablename__ = "shadow"

    sequence: Mapped[int] = mapped_column(ForeignKey("model_change.sequence"), primary_key=True)
    compared: Mapped[int] = mapped_column(Integer)
    refused: Mapped[int] = mapped_column(Integer)
    dropped: Mapped[int] = mapped_column(Integer)


class ShadowDifferenceRow(Base):
    """Its absolute differences of risk from the model that answered, added up and at most."""

    __tablename__ = "shadow_difference"

    sequence: Mapped[int] = mapped_column(ForeignKey("shadow.sequence"), primary_key=True)
    event: Mapped[str] = mapped_column(String(60), primary_key=True)
    horizon_months: Mapped[float] = mapped_column(Float, primary_key=True)
    n: Mapped[int] = mapped_column(Integer)
    total: Mapped[float] = mapped_column(Float)
    greatest: Mapped[float] = mapped_column(Float)
