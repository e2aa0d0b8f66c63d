"""Calendar quarters as whole numbers: how a patient's own clock meets the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from model.study.definition import DAYS_PER_MONTH

if TYPE_CHECKING:
    from model.types import FloatArray, IntArray

# Days as numpy's datetime64[D].
DayArray = npt.NDArray[np.datetime64]

MONTHS = 3


def quarter_of(day: DayArray | np.datetime64) -> IntArray:
    """Number the quarters that hold these days: 0 is the first of 1970."""
    return np.asarray(np.asarray(day).astype("datetime64[M]").astype(np.int64) // MONTHS)


def first_day(quarter: IntArray | int) -> DayArray:
    """Day on which each quarter begins."""
    return np.asarray((np.asarray(quarter) * MONTHS).astype("datetime64[M]").astype("datetime64[D]"))


def name_of(quarter: int) -> str:
    """Name a quarter, as in 2026-Q1."""
    year, number = divmod(quarter, 4)
    return f"{1970 + year}-Q{number + 1}"


def day_of(origin_day: DayArray, month: FloatArray) -> DayArray:
    """Whole day nearest to a month of each patient's clock; a month that came from a date leads back to it."""
    return np.asarray(origin_day + np.rint(month * DAYS_PER_MONTH).astype(np.int64))


def month_of(origin_day: DayArray, day: DayArray | np.datetime64) -> FloatArray:
    """Months from each patient's origin to a day."""
    return np.asarray((day - origin_day).astype(np.int64) / DAYS_PER_MONTH)


@dataclass(frozen=True)
class Calendar:
    """The quarters that are looked at.

    Attributes
    ----------
    first : the quarter that holds the earliest day
    today : the quarter that holds it is the last, and is not over yet
    """

    first: int
    today: np.datetime64

    @classmethod
    def between(cls, earliest: np.datetime64, today: np.datetime64) -> Self:
        """Span the quarters from one day to another; an earliest day that lies ahead counts as today."""
        return cls(int(quarter_of(min(earliest, today))), today)

    @property
    def n_quarters(self) -> int:
        """Count the quarters."""
        return int(quarter_of(self.today)) - self.first + 1

    @property
    def n_over(self) -> int:
        """Count the quarters that are over: all but the last."""
        return self.n_quarters - 1

    def place(self, day: DayArray) -> IntArray:
        """Count which quarter holds each day, from 0."""
        return quarter_of(day) - self.first

    def name(self, place: int) -> str:
        """Name the quarter at a place."""
        return name_of(self.first + place)

    def begins_after(self, day: np.datetime64, place: int) -> bool:
        """Whether a quarter begins after a day."""
        return bool(first_day(self.first + place) > day)
