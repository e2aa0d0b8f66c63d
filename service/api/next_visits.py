"""Next visits of many patients at once, each as of the last visit, for lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.errors import NotSupportedError
from model.schedule.outline import outlines
from service.api.answers import FOLLOW_UP_ENDED, require_question
from service.api.scheduling import next_visit, patients_of
from service.errors import FollowUpClosedError, ServiceError
from service.rules import require_study

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from model.saved.artifact import LoadedModel
    from service.api.outgoing_schedule import NextVisitOut
    from service.planning import Planning
    from service.record import Patient, StoredPatient


@dataclass(frozen=True)
class Planned:
    """A patient's next visit as planned at the last one.

    Attributes
    ----------
    next : None where no visit is worth its burden, or there is no plan
    refusal : why there is no plan; None where there is one
    """

    next: NextVisitOut | None
    refusal: ServiceError | NotSupportedError | None = None


def last_seen(patient: Patient) -> date:
    """Date of the last visit, or of the origin."""
    return patient.visits[-1].date if patient.visits else patient.origin_date


def is_followed(patient: Patient, today: date) -> bool:
    """Whether follow-up goes on; an outcome may be dated a day ahead of our clock."""
    outcome = patient.outcome
    return outcome is None or today < outcome.date != last_seen(patient)


def require_followed(patient: Patient, today: date) -> None:
    """Raise FollowUpClosedError if follow-up has ended, though it may have after the last visit."""
    if not is_followed(patient, today):
        raise FollowUpClosedError(FOLLOW_UP_ENDED)


def next_visits(model: LoadedModel, planning: Planning, stored: Sequence[StoredPatient], today: date) -> list[Planned]:
    """Plan the next visit of each patient still followed under the default policy, as `scheduling.quick` does."""
    planned: dict[int, Planned] = {}
    by_tier: dict[str | None, list[int]] = {}
    for row, each in enumerate(stored):
        try:
            require_followed(each.patient, today)
            _require_plan(model, each)
        except (ServiceError, NotSupportedError) as refusal:
            planned[row] = Planned(None, refusal)
        else:
            by_tier.setdefault(each.patient.tier, []).append(row)
    for tier, rows in by_tier.items():
        found = _together(model, planning, [stored[row].patient for row in rows], tier)
        planned.update(zip(rows, found, strict=True))
    return [planned[row] for row in range(len(stored))]


def _require_plan(model: LoadedModel, stored: StoredPatient) -> None:
    require_study(model.predictor.study, stored)
    day = last_seen(stored.patient)
    require_question(stored.patient, day)
    model.predictor.check_supported(np.array([stored.patient.month_of(day)]))


def _together(model: LoadedModel, planning: Planning, patients: list[Patient], tier: str | None) -> list[Planned]:
    """Plan patients of one tier; where one of them has no number, that one alone is refused."""
    asked = [(patient, last_seen(patient)) for patient in patients]
    try:
        _, policy = planning.named(None)
        found = dict(outlines(model.predictor, patients_of(model, asked), policy, tier=tier))
    except NotSupportedError as refusal:
        if len(patients) == 1:
            return [Planned(None, refusal)]
        return [_together(model, planning, [patient], tier)[0] for patient in patients]
    study = model.predictor.study
    return [Planned(next_visit(study, *asked[row], found[row])) for row in range(len(asked))]
