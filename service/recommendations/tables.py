"""The tables of recommendations and of what clinicians decided."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from service.store.types import Base, Document, UtcDateTime


class RecommendationRow(Base):
    """A schedule as it was given; the identifier is made from its content, so that the same one is stored once.

    `inputs` and `policy_text` are canonical JSON; `output` is the answer's JSON, compressed by zlib. `rules` has the
    sums of the guidelines and tiers, null in rows from before they were kept.
    """

    __tablename__ = "recommendation"

    recommendation_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.patient_id", ondelete="CASCADE"), index=True)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    caller: Mapped[str] = mapped_column(String(200))
    model_version: Mapped[str] = mapped_column(String(100))
    model_sha256: Mapped[str] = mapped_column(String(64))
    policy: Mapped[str] = mapped_column(String(60))
    policy_text: Mapped[str] = mapped_column(Text)
    policy_sha256: Mapped[str] = mapped_column(String(64))
    inputs: Mapped[str] = mapped_column(Text)
    output: Mapped[bytes] = mapped_column(LargeBinary)
    output_sha256: Mapped[str] = mapped_column(String(64))
    rules: Mapped[dict[str, Any] | None] = mapped_column(Document)


class DecisionRow(Base):
    """What somebody decided about a recommendation; the last one counts, the others stay."""

    __tablename__ = "decision"

    recommendation_id: Mapped[UUID] = mapped_column(
        ForeignKey("recommendation.recommendation_id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    decided_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    caller: Mapped[str] = mapped_column(String(200))
    decision: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(2000))
