"""The chain: each entry carries the hash of the one before, so that none can be changed, moved or taken out unseen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from service.audit_log.tables import EntryRow, HeadRow
from service.errors import AuditLogError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

GENESIS = "0" * 64


@dataclass(frozen=True)
class Entry:
    """What is written down.

    Attributes
    ----------
    action : what was done, such as "visit.create"
    details : which part of the record, by identifier or name; never a patient's values
    """

    moment: datetime
    caller: str
    action: str
    patient_id: UUID | None = None
    request_id: str | None = None
    details: Mapping[str, str | int | bool] = field(default_factory=dict)


def append(session: Session | Connection, *entries: Entry) -> None:
    """Append entries within a transaction that writes; others who append wait until it has ended.

    Raises AuditLogError.
    """
    if not entries:
        return
    # In SQLite whoever writes is alone; PostgreSQL locks the row.
    query = select(HeadRow.sequence, HeadRow.hash).where(HeadRow.head_id == 1).with_for_update()
    head = session.execute(query).one_or_none()
    if head is None:
        raise AuditLogError("The audit log's head is gone: nothing is changed before an operator has looked at it.")
    previous, rows = head.hash, []
    for sequence, entry in enumerate(entries, head.sequence + 1):
        row = {
            "sequence": sequence,
            "moment": entry.moment.astimezone(UTC),
            "caller": entry.caller,
            "action": entry.action,
            "patient_id": entry.patient_id,
            "request_id": entry.request_id,
            "details": dict(entry.details),
            "previous": previous,
        }
        previous = digest(row)
        rows.append({**row, "hash": previous})
    session.execute(insert(EntryRow), rows)
    last = head.sequence + len(rows)
    session.execute(update(HeadRow).where(HeadRow.head_id == 1).values(sequence=last, hash=previous))


def digest(row: Mapping[str, object]) -> str:
    """Return the SHA-256 of an entry: over JSON with sorted keys, without spaces, in ASCII."""
    kept = (int, str, dict, type(None))  # identifiers and moments (UTC) become text
    plain = {name: value if isinstance(value, kept) else str(value) for name, value in row.items()}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
