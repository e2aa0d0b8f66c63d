"""The wire format of the audit log."""

import datetime as dt
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from service.api.wire import Out
from service.audit_log.tables import EntryRow
from service.audit_log.verify import Verdict


class AuditEntryOut(Out):
    """One entry; the caller's role decides whether patients are named."""

    sequence: int
    moment: dt.datetime
    caller: str
    action: str
    patient_id: Annotated[UUID | None, Field(description="null where none is meant, or the caller may not know")]
    request_id: str | None
    details: dict[str, str | int | bool]
    previous: str
    hash: str

    @classmethod
    def of(cls, row: EntryRow, *, named: bool) -> Self:
        """Show an entry; whoever may not know patients sees neither identifiers nor reasons, only that there is one."""
        details = row.details
        if not named:
            details = {name: value for name, value in details.items() if name in OPEN}
            details |= {"break_glass": True} if "break_glass" in row.details else {}
        return cls(
            sequence=row.sequence,
            moment=row.moment,
            caller=row.caller,
            action=row.action,
            patient_id=row.patient_id if named else None,
            request_id=row.request_id,
            details=details,
            previous=row.previous,
            hash=row.hash,
        )


# Details that say nothing about a patient.
OPEN = ("from", "to", "version", "page", "decision", "key_id", "new_key_id", "roles", "attempts")


class AuditOut(Out):
    """Entries, ascending; `next_cursor` continues after them, null at the end."""

    entries: list[AuditEntryOut]
    next_cursor: str | None


class AuditVerdictOut(Out):
    """Whether the chain holds; `head` is worth keeping elsewhere: it shows later whether the chain was cut."""

    holds: bool
    head_sequence: int
    head_hash: str
    bad_sequence: int | None
    fault: str | None

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """Show what a verification found."""
        return cls(
            holds=verdict.fault is None,
            head_sequence=verdict.head.sequence,
            head_hash=verdict.head.hash,
            bad_sequence=verdict.bad_sequence,
            fault=verdict.fault,
        )
