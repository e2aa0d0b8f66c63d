"""Writes that carried an Idempotency-Key, with their answers: a caller who asks again gets the answer again."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from service.errors import InFlightError
from service.store.tables import AnsweredRow

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

KEPT = dt.timedelta(hours=24)


def answered(session: Session, caller: str, key: str, now: dt.datetime) -> AnsweredRow | None:
    """Read what was answered to a caller's key within the last day."""
    row = session.get(AnsweredRow, (caller, key))
    return None if row is None or row.created_at <= now - KEPT else row


def claim(session: Session, caller: str, key: str, fingerprint: str, now: dt.datetime) -> None:
    """Take a key for the write of this transaction; raises InFlightError if another has just taken it."""
    session.execute(delete(AnsweredRow).where(AnsweredRow.created_at <= now - KEPT))
    row = {"caller": caller, "key": key, "created_at": now, "fingerprint": fingerprint}
    try:
        session.execute(insert(AnsweredRow).values(**row, status=0, headers={}, body=b""))
    except IntegrityError:
        raise InFlightError("Another request with this Idempotency-Key was being answered: ask again.") from None


def keep(
    session: Session, caller: str, key: str, *, patient_id: UUID, status: int, headers: dict[str, str], body: bytes
) -> None:
    """Store the answer under the key that this transaction has taken."""
    session.execute(
        update(AnsweredRow)
        .where(AnsweredRow.caller == caller, AnsweredRow.key == key)
        .values(patient_id=patient_id, status=status, headers=headers, body=body)
    )
