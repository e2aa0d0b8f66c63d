"""Recommendations to rows and back, within one transaction."""

from __future__ import annotations

import hashlib
import json
import uuid
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from service.errors import NotFoundError
from service.recommendations.tables import DecisionRow, RecommendationRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

NONE_SUCH = "There is no such recommendation."


@dataclass(frozen=True)
class Recommendation:
    """A schedule that was given for a patient, with all that it rested on.

    Attributes
    ----------
    inputs : canonical JSON of what the model was asked
    policy : the policy's name
    policy_text : the policy itself, canonical JSON
    output : the answer's JSON, without the identifier
    rules : sums of the guidelines and tiers, by name; None = not known
    """

    patient_id: uuid.UUID
    model_version: str
    model_sha256: str
    policy: str
    policy_text: str
    inputs: str
    output: str
    rules: Mapping[str, str] | None

    @property
    def recommendation_id(self) -> uuid.UUID:
        """The same for the same content."""
        rules = json.dumps(self.rules and dict(self.rules), sort_keys=True)
        parts = (self.model_sha256, self.policy, self.policy_text, self.inputs, self.output, rules)
        return uuid.uuid5(self.patient_id, "\n".join(sum_of(part) for part in parts))


def sum_of(text: str) -> str:
    """Return a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_kept(session: Session, recommendation_id: uuid.UUID) -> bool:
    """Whether this very recommendation was given before."""
    column = RecommendationRow.recommendation_id
    return session.scalar(select(column).where(column == recommendation_id)) is not None


def keep(session: Session, made: Recommendation, *, caller: str, now: datetime) -> bool:
    """Store a recommendation, unless this very one was given before; returns whether it was stored."""
    if is_kept(session, made.recommendation_id):
        return False
    values = {
        "recommendation_id": made.recommendation_id,
        "patient_id": made.patient_id,
        "made_at": now,
        "caller": caller,
        "model_version": made.model_version,
        "model_sha256": made.model_sha256,
        "policy": made.policy,
        "policy_text": made.policy_text,
        "policy_sha256": sum_of(made.policy_text),
        "inputs": made.inputs,
        "output": zlib.compress(made.output.encode()),
        "output_sha256": sum_of(made.output),
        "rules": made.rules and dict(made.rules),
    }
    session.execute(insert(RecommendationRow).values(values))
    return True


def find(session: Session, recommendation_id: uuid.UUID) -> RecommendationRow:
    """Read a recommendation; raises NotFoundError."""
    row = session.get(RecommendationRow, recommendation_id)
    if row is None:
        raise NotFoundError(NONE_SUCH)
    return row


def of_patient(session: Session, patient_id: uuid.UUID) -> list[RecommendationRow]:
    """Read what was recommended for a patient, in order of time."""
    query = select(RecommendationRow).where(RecommendationRow.patient_id == patient_id)
    return list(session.scalars(query.order_by(RecommendationRow.made_at, RecommendationRow.recommendation_id)))


def recommendation_of(row: RecommendationRow) -> Recommendation:
    """Turn a row into what it was made from."""
    return Recommendation(
        patient_id=row.patient_id,
        model_version=row.model_version,
        model_sha256=row.model_sha256,
        policy=row.policy,
        policy_text=row.policy_text,
        inputs=row.inputs,
        output=output_of(row),
        rules=row.rules,
    )


def output_of(row: RecommendationRow) -> str:
    """Return the answer's JSON."""
    return zlib.decompress(row.output).decode()


def decide(
    session: Session, recommendation_id: uuid.UUID, *, decision: str, reason: str | None, caller: str, now: datetime
) -> uuid.UUID:
    """Store a decision after those that there are; returns whom it is about. Raises NotFoundError."""
    # Two who decide at once come one after the other.
    column = RecommendationRow.recommendation_id
    patient_id = session.scalar(
        select(RecommendationRow.patient_id).where(column == recommendation_id).with_for_update()
    )
    if patient_id is None:
        raise NotFoundError(NONE_SUCH)
    row = DecisionRow(
        recommendation_id=recommendation_id,
        number=len(decisions(session, recommendation_id)) + 1,
        decided_at=now,
        caller=caller,
        decision=decision,
        reason=reason,
    )
    session.add(row)
    return patient_id


def decisions(session: Session, recommendation_id: uuid.UUID) -> list[DecisionRow]:
    """Read what was decided, in this order."""
    query = select(DecisionRow).where(DecisionRow.recommendation_id == recommendation_id)
    return list(session.scalars(query.order_by(DecisionRow.number)))
