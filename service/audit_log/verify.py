"""Read the whole chain anew and say whether it holds, against itself, its head and heads that were kept elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from service.audit_log.chain import GENESIS, digest
from service.audit_log.tables import EntryRow, HeadRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class Checkpoint:
    """The head of the chain as it was at some time; kept elsewhere, it shows whether the chain was cut or replaced."""

    sequence: int
    hash: str


@dataclass(frozen=True)
class Verdict:
    """What a verification found.

    Attributes
    ----------
    head : of the entries up to the first bad one; sequence 0 where there is none
    bad_sequence : the first entry that is changed, moved or missing; None if the chain holds
    fault : in words; None if the chain holds
    """

    head: Checkpoint
    bad_sequence: int | None = None
    fault: str | None = None


def head_of(session: Session) -> Checkpoint | None:
    """Read the head as the chain's writers left it; None where it is gone."""
    found = session.execute(select(HeadRow.sequence, HeadRow.hash).where(HeadRow.head_id == 1)).one_or_none()
    return None if found is None else Checkpoint(found.sequence, found.hash)


def verify(session: Session, checkpoints: Iterable[Checkpoint] = ()) -> Verdict:
    """Verify the chain within a transaction that sees one moment. Memory does not grow with the chain."""
    head = head_of(session)
    kept: dict[int, set[str]] = {}
    for each in (*checkpoints, *([] if head is None else [head])):
        kept.setdefault(each.sequence, set()).add(each.hash)
    columns = EntryRow.__table__.columns
    query = select(*columns).order_by(EntryRow.sequence).execution_options(yield_per=ROWS_AT_ONCE)
    before = Checkpoint(0, GENESIS)
    with session.execute(query) as rows:
        for found in rows.mappings():
            row = dict(found)
            its_hash = row.pop("hash")
            fault = _fault(row, its_hash, before, kept.get(row["sequence"], {its_hash}))
            if fault is not None:
                return Verdict(before, before.sequence + 1, fault)
            before = Checkpoint(row["sequence"], its_hash)
    missing = before.sequence + 1
    if head is None or before.sequence == 0:
        # Making the tables wrote the first entry: there is no empty chain.
        return Verdict(before, missing, "the log or its head is gone")
    if max(kept) > before.sequence:
        return Verdict(before, missing, "entries from here on are gone: a checkpoint lies beyond")
    if head.sequence < before.sequence:
        return Verdict(before, head.sequence + 1, "entries from here on were added past the head")
    return Verdict(before)


def _fault(row: dict[str, object], its_hash: str, before: Checkpoint, allowed: set[str]) -> str | None:
    if row["sequence"] != before.sequence + 1:
        return "this entry is gone"
    if row["previous"] != before.hash:
        return "this entry does not follow the one before"
    if digest(row) != its_hash:
        return "this entry was changed"
    return None if allowed == {its_hash} else "this entry is not the one that a checkpoint saw"
