"""The wire format of recommendations."""

import datetime as dt
import json
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field

from service.api.outgoing_schedule import ScheduleOut
from service.api.wire import Out
from service.recommendations.store import output_of
from service.recommendations.tables import DecisionRow, RecommendationRow


class DecisionOut(Out):
    """What somebody decided."""

    decision: str
    reason: str | None
    decided_at: dt.datetime
    caller: str

    @classmethod
    def of(cls, row: DecisionRow) -> Self:
        """Show a decision."""
        return cls(decision=row.decision, reason=row.reason, decided_at=row.decided_at, caller=row.caller)


class RecommendationOut(Out):
    """A schedule as it was given, and what it rested on; of `decisions`, in order of time, the last one counts."""

    recommendation_id: UUID
    patient_id: UUID
    made_at: dt.datetime
    caller: str
    model_version: str
    model_sha256: str
    policy: str
    policy_text: dict[str, Any]
    policy_sha256: str
    inputs: dict[str, Any]
    output_sha256: str
    rules: Annotated[
        dict[str, str] | None, Field(description="Sums of the guidelines and tiers; null = not kept then.")
    ]
    schedule: Annotated[
        ScheduleOut | dict[str, Any], Field(description="Of another shape if another version of the program gave it.")
    ]
    decisions: list[DecisionOut]

    @classmethod
    def of(cls, row: RecommendationRow, decisions: list[DecisionRow]) -> Self:
        """Show a recommendation."""
        output = json.loads(output_of(row))
        return cls(
            recommendation_id=row.recommendation_id,
            patient_id=row.patient_id,
            made_at=row.made_at,
            caller=row.caller,
            model_version=row.model_version,
            model_sha256=row.model_sha256,
            policy=row.policy,
            policy_text=json.loads(row.policy_text),
            policy_sha256=row.policy_sha256,
            inputs=json.loads(row.inputs),
            output_sha256=row.output_sha256,
            rules=row.rules,
            schedule={**output, "recommendation_id": row.recommendation_id},
            decisions=[DecisionOut.of(each) for each in decisions],
        )


class ReplayOut(Out):
    """Whether the same model, by the same policy, says the same again of what it was asked then, to the last digit.

    `changed` names what is not as it was then: "guidelines" and "tiers", taken as they are now, and "policy", taken as
    it was then; null for recommendations that do not say.
    """

    identical: bool
    output_sha256: str
    replayed_sha256: str
    changed: list[str] | None
