"""Answers with a risk in them are offered to the model that answers silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.models.shadow import Answered

if TYPE_CHECKING:
    from service.api.dependencies import Service
    from service.api.outgoing_risk import RiskOut
    from service.record import Patient


def offer(service: Service, patient: Patient, risk: RiskOut | None) -> None:
    """Offer an answer; nobody waits for what becomes of it."""
    if risk is not None:
        given = {(event.name, at.months): at.probability for event in risk.events for at in event.horizons}
        service.models.shadow.offer(Answered(patient, risk.as_of, given))
