"""How a silent model differs: sums that several processes add to, by event and horizon, and nothing about anybody."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from sqlalchemy import case, insert, select, update

from service.models.tables import ShadowDifferenceRow, ShadowRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

Place = tuple[str, float]  # an event, and a horizon in months


@dataclass
class Difference:
    """Absolute differences of one risk: how many, their sum, the greatest."""

    n: int = 0
    total: float = 0.0
    greatest: float = 0.0


@dataclass
class Sums:
    """What became of the questions that a silent model was given.

    Attributes
    ----------
    compared, refused, dropped : questions that it answered, to which it gave no number, and that it was not asked
    """

    compared: int = 0
    refused: int = 0
    dropped: int = 0
    by_place: dict[Place, Difference] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self.compared or self.refused or self.dropped)

    def add(self, found: dict[Place, float] | None) -> None:
        """Count one question: its differences, or None where there was no number."""
        if found is None:
            self.refused += 1
            return
        self.compared += 1
        for place, difference in found.items():
            self._add(place, Difference(1, difference, difference))

    def __iadd__(self, other: Sums) -> Self:
        """Add up."""
        self.compared += other.compared
        self.refused += other.refused
        self.dropped += other.dropped
        for place, difference in other.by_place.items():
            self._add(place, difference)
        return self

    def _add(self, place: Place, more: Difference) -> None:
        kept = self.by_place.setdefault(place, Difference())
        kept.n += more.n
        kept.total += more.total
        kept.greatest = max(kept.greatest, more.greatest)


def begin(session: Session, sequence: int, places: Iterable[Place]) -> None:
    """Make the rows that `keep` adds to, in the transaction of the change that they belong to."""
    session.execute(insert(ShadowRow).values(sequence=sequence, compared=0, refused=0, dropped=0))
    rows = [{"sequence": sequence, "event": event, "horizon_months": months} for event, months in places]
    if rows:
        session.execute(insert(ShadowDifferenceRow).values(n=0, total=0.0, greatest=0.0), rows)


def keep(session: Session, sequence: int, sums: Sums) -> None:
    """Add to what is kept, whichever process kept it."""
    row = ShadowRow
    session.execute(
        update(row)
        .where(row.sequence == sequence)
        .values(
            compared=row.compared + sums.compared,
            refused=row.refused + sums.refused,
            dropped=row.dropped + sums.dropped,
        )
    )
    each = ShadowDifferenceRow
    for (event, months), difference in sorted(sums.by_place.items()):
        session.execute(
            update(each)
            .where(each.sequence == sequence, each.event == event, each.horizon_months == months)
            .values(
                n=each.n + difference.n,
                total=each.total + difference.total,
                greatest=case((each.greatest < difference.greatest, difference.greatest), else_=each.greatest),
            )
        )


def read(session: Session, sequence: int) -> Sums:
    """Read what all processes have kept."""
    row = session.get_one(ShadowRow, sequence)
    each = ShadowDifferenceRow
    query = select(each).where(each.sequence == sequence).order_by(each.event, each.horizon_months)
    places = {
        (found.event, found.horizon_months): Difference(found.n, found.total, found.greatest)
        for found in session.scalars(query)
    }
    return Sums(row.compared, row.refused, row.dropped, places)
