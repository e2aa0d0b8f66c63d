"""Time two things in turn, so that whatever else the machine does meets both alike."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5


@dataclass(frozen=True)
class Comparison:
    """Median seconds of ours and of the other, and the median of the rounds' ratios.

    Attributes
    ----------
    n : how many patients, or answers, each run deals with
    """

    name: str
    against: str
    n: int
    ours_seconds: float
    other_seconds: float
    ratio: float

    @property
    def per_second(self) -> float:
        """How many patients, or answers, ours deals with in a second."""
        return self.n / self.ours_seconds


def compare(name: str, against: str, n: int, ours: Callable[[], object], other: Callable[[], object]) -> Comparison:
    """Run both once to warm up, then in turn."""
    ours()
    other()
    rounds = [(_seconds(ours), _seconds(other)) for _ in range(ROUNDS)]
    return Comparison(
        name,
        against,
        n,
        median(mine for mine, _ in rounds),
        median(theirs for _, theirs in rounds),
        median(mine / theirs for mine, theirs in rounds),
    )


def _seconds(run: Callable[[], object]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start
