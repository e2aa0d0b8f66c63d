"""Everything that was ever recorded about one patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service.store.tables import OutcomeStatement, PatientStatement, Statement, VisitStatement

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

KINDS: dict[str, tuple[type[Statement], tuple[str, ...]]] = {
    "patient": (PatientStatement, ("origin_date", "tier", "baseline")),
    "visit": (VisitStatement, ("visit_id", "date", "markers", "tests", "note")),
    "outcome": (OutcomeStatement, ("date", "event")),
}


@dataclass(frozen=True)
class Stated:
    """What was recorded at one moment and believed until another (None = still); `kind` says about what."""

    kind: str
    recorded_at: datetime
    superseded_at: datetime | None
    values: dict[str, Any]


def statements(session: Session, patient_id: UUID) -> list[Stated]:
    """Read every statement, superseded or not, in the order in which they were recorded."""
    found = []
    for kind, (table, names) in KINDS.items():
        for row in session.scalars(select(table).where(table.patient_id == patient_id)):
            values = {name: getattr(row, name) for name in names}
            found.append(Stated(kind, row.recorded_at, row.superseded_at, values))
    return sorted(found, key=lambda stated: stated.recorded_at)
