"""Whose patients a caller reaches. Another centre's patient is not there: the same answer, found the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from service.access.errors import ForbiddenError
from service.errors import Fault, InvalidError
from service.store.tables import PatientRow

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi import Request

    from service.caller import Caller
    from service.store.database import Database

BREAK_GLASS = "x-break-glass"
FEWEST_LETTERS, MOST_LETTERS = 10, 300


def is_in(database: Database, patient_id: UUID, centres: frozenset[str]) -> bool:
    """Whether there is such a patient in one of some centres."""
    query = select(PatientRow.patient_id).where(
        PatientRow.patient_id == patient_id, PatientRow.centre.in_(sorted(centres))
    )
    with database.engine.connect() as connection:
        return connection.scalar(query) is not None


def centre_of_entry(caller: Caller, given: str | None) -> str | None:
    """Choose the centre of a new patient: the one that was given, or else the caller's only one.

    Raises ForbiddenError for another centre than the caller's, InvalidError where it is not clear which is meant.
    """
    if caller.centres is None:
        return given
    if given is None:
        if len(caller.centres) != 1:
            raise InvalidError([Fault("centre", "this value is required: you enter patients of several centres")])
        return next(iter(caller.centres))
    if given not in caller.centres:
        raise ForbiddenError("You may not enter patients of this centre.")
    return given


def broken_glass(request: Request, caller: Caller) -> str | None:
    """Return the reason for which a clinician reads another centre's patient; None where none is given.

    Raises ForbiddenError for whoever may not, InvalidError for a reason that is none.
    """
    reason = request.headers.get(BREAK_GLASS)
    if reason is None:
        return None
    if request.method != "GET" or "clinician" not in caller.roles:
        raise ForbiddenError("Only a clinician may break the glass, and only to read.")
    reason = reason.strip()
    if not (FEWEST_LETTERS <= len(reason) <= MOST_LETTERS and reason.isprintable()):
        raise InvalidError([Fault(BREAK_GLASS, f"must be a reason of {FEWEST_LETTERS} to {MOST_LETTERS} characters")])
    return reason
