"""Which model answered when: the changes as rows, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from service.models.errors import ModelChangedError
from service.models.tables import ModelChangeRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

START, ACTIVATE, ROLLBACK, SHADOW, END_SHADOW = "start", "activate", "rollback", "shadow", "end-shadow"
MOST_SHOWN = 100
MAKE_LIVE = (START, ACTIVATE, ROLLBACK)


@dataclass(frozen=True)
class Change:
    """One change of which model answers, or answers silently.

    Attributes
    ----------
    sequence : 1, 2, ...
    action : one of those above
    share : of the requests that a silent model answers too; None for other actions
    """

    sequence: int
    moment: datetime
    action: str
    version: str
    sha256: str
    caller: str
    reason: str
    share: float | None = None


@dataclass(frozen=True)
class History:
    """Every change, in order."""

    changes: Sequence[Change] = ()

    @property
    def sequence(self) -> int:
        """That of the last change; 0 where there is none."""
        return self.changes[-1].sequence if self.changes else 0

    @cached_property
    def line(self) -> tuple[Change, ...]:
        """How today's model came to answer: it stands last, and rolling back goes to the one before it."""
        line: list[Change] = []
        for change in self.changes:
            if change.action == ROLLBACK and len(line) > 1:
                line.pop()
                line[-1] = change
            elif change.action in MAKE_LIVE and line and line[-1].sha256 == change.sha256:
                line[-1] = change
            elif change.action in MAKE_LIVE:
                line.append(change)
        return tuple(line)

    def newest_first(self, most: int = MOST_SHOWN) -> list[Change]:
        """Return the last changes."""
        return list(reversed(self.changes))[:most]

    @property
    def live(self) -> Change | None:
        """The change that made the present model answer."""
        return self.line[-1] if self.line else None

    @property
    def shadow(self) -> Change | None:
        """The change that made a model answer silently, if it still does: any later change ends it."""
        last = self.changes[-1] if self.changes else None
        return last if last is not None and last.action == SHADOW else None

    @property
    def last_shadow(self) -> tuple[Change, Change | None] | None:
        """The last silent model, and the change that ended it."""
        for change, after in zip(reversed(self.changes), (None, *reversed(self.changes)), strict=False):
            if change.action == SHADOW:
                return change, after
        return None


def newest(session: Session) -> int:
    """Read the last change's sequence; 0 where there is none."""
    return session.scalar(select(func.max(ModelChangeRow.sequence))) or 0


def read_history(session: Session) -> History:
    """Read every change."""
    rows = session.scalars(select(ModelChangeRow).order_by(ModelChangeRow.sequence))
    return History(
        [
            Change(row.sequence, row.moment, row.action, row.version, row.sha256, row.caller, row.reason, row.share)
            for row in rows
        ]
    )


def append(session: Session, change: Change) -> None:
    """Write a change down as the next one; raises ModelChangedError if another one has taken its place."""
    session.add(ModelChangeRow(**vars(change)))
    try:
        session.flush()
    except IntegrityError:
        raise ModelChangedError("Which model answers was changed by somebody else: look again.") from None
