"""Patients as they stand in a clinic's records today: most of them still followed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from model.monitoring.quarters import day_of, month_of
from model.types import POSITIVE, Outcomes

if TYPE_CHECKING:
    from model.monitoring.quarters import DayArray
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Histories, IntArray


@dataclass(frozen=True)
class Watched:
    """Patients on their own clocks, and where these lie in the calendar.

    Attributes
    ----------
    histories : (n_patients, ...) every visit that counts today
    origin_day : (n_patients,) datetime64[D]
    ended : (n_patients,) how follow-up ended; of whoever is still followed, that it goes on until today
    awaiting : (n_patients, n_causes) whether a positive test that sees the cause awaits work-up at `ended.exit_month`
    """

    histories: Histories
    origin_day: DayArray
    ended: Outcomes
    awaiting: BoolArray

    @classmethod
    def today(
        cls,
        study: Study,
        histories: Histories,
        origin_day: DayArray,
        outcome_month: FloatArray,
        outcome_cause: IntArray,
        *,
        today: np.datetime64,
    ) -> Self:
        """Say where everybody stands.

        Parameters
        ----------
        outcome_month, outcome_cause : (n_patients,) recorded end of follow-up; NaN and 0 where there is none yet

        Notes
        -----
        What the outcome names is dated at the first positive test that sees it, since that is what found it; without
        one, at the outcome's own date. A positive test of somebody without an outcome ends what can be judged: nobody
        knows yet whether it is the event. Before an outcome that does not name it, work-up has cleared it.
        """
        now = month_of(origin_day, today)
        is_open = ~(outcome_month <= now)  # a date ahead, which clocks that differ allow, is not there yet
        outcome_cause = np.where(is_open, 0, outcome_cause)
        sees = np.array([[name in test.sees for test in study.test] for name in study.event_names], dtype=bool)
        positive = histories.test == POSITIVE
        # (n_patients, n_causes): the first positive test that sees each cause, +inf without one.
        first = np.stack(
            [
                np.where((positive & of_cause).any(axis=2), histories.visit_month, np.inf).min(axis=1, initial=np.inf)
                for of_cause in sees
            ],
            axis=1,
        )
        found = first[np.arange(len(first)), np.maximum(outcome_cause - 1, 0)]
        exit_month = np.where(is_open, now, outcome_month)
        exit_month = np.where(outcome_cause > 0, np.minimum(exit_month, found), exit_month)
        stopped = np.where(is_open, first.min(axis=1), np.inf)
        exit_month = np.minimum(exit_month, stopped)
        awaiting = is_open[:, None] & (first == exit_month[:, None])
        never = np.full(len(first), np.nan)
        return cls(histories, origin_day, Outcomes(exit_month, outcome_cause, never), awaiting)

    def __len__(self) -> int:
        """Count the patients."""
        return len(self.histories)

    def select(self, index: IntArray | BoolArray) -> Self:
        """Return some of the patients."""
        return type(self)(
            self.histories.select(index), self.origin_day[index], self.ended.select(index), self.awaiting[index]
        )

    def until(self, month: float) -> Self:
        """Close the study for everybody at a month of their clock: what comes later is not looked at."""
        later = self.ended.exit_month > month
        ended = replace(
            self.ended,
            exit_month=np.minimum(self.ended.exit_month, month),
            cause=np.where(later, 0, self.ended.cause),
        )
        return replace(self, ended=ended, awaiting=self.awaiting & ~later[:, None])

    def day(self, patient: IntArray, month: FloatArray) -> DayArray:
        """Calendar day of months of some patients' clocks."""
        return day_of(self.origin_day[patient], month)
