"""Policies that fix every visit at the start: guidelines, plain rhythms, and any calendar chosen for each patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from model.guidelines.advice import Calendar, calendar, follow_up
from model.simulate.course import NextVisits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model.guidelines.entries import Guideline, GuidelineFile
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Histories, IntArray


@dataclass(frozen=True)
class Given:
    """Everybody's visits, laid down beforehand.

    Attributes
    ----------
    month : (n_patients, max_visits) ascending, padded with inf
    test : (n_patients, max_visits, n_tests)
    """

    month: FloatArray
    test: BoolArray

    @classmethod
    def chosen(cls, calendars: Sequence[Calendar], index: IntArray) -> Self:
        """Give each patient one of some calendars; index -1 = no visits."""
        most = max(len(each.month) for each in calendars) + 1
        month = np.full((len(calendars) + 1, most), np.inf)
        test = np.zeros((len(calendars) + 1, most, calendars[0].test.shape[1]), dtype=bool)
        for row, each in enumerate(calendars):
            month[row, : len(each.month)], test[row, : len(each.month)] = each.month, each.test
        return cls(month[index], test[index])

    def next_visits(self, histories: Histories, rows: IntArray, now_month: FloatArray) -> NextVisits:  # noqa: ARG002
        """Give the first visit after now; what was found or not makes no difference."""
        following = (self.month[rows] <= now_month[:, None]).sum(axis=1)
        end = following == self.month.shape[1]
        following[end] = 0
        month = np.where(end, np.inf, self.month[rows, following])
        return NextVisits(month, self.test[rows, following])


@dataclass(frozen=True)
class ByCalendar:
    """Each patient is given one of some calendars at the start and keeps to it.

    Attributes
    ----------
    choose : from baselines, (n_patients, n_baseline), to the index of the calendar, (n_patients,); -1 = no visits
    """

    name: str
    calendars: tuple[Calendar, ...]
    choose: Callable[[FloatArray], IntArray]
    reads_markers: bool = False

    def start(self, baseline: FloatArray) -> Given:
        """Choose everybody's calendar."""
        return Given.chosen(self.calendars, self.choose(baseline))


def guideline_policy(guideline: Guideline, guidelines: GuidelineFile, study: Study) -> ByCalendar:
    """Follow a guideline; missing facts are read as its file says; those of whom it says nothing are not followed."""
    calendars = tuple(calendar(row, study) for row in guideline.row)

    def choose(baseline: FloatArray) -> IntArray:
        return follow_up(guideline, guidelines, study, baseline, assume=True).entry

    return ByCalendar(guideline.id, calendars, choose)


def rhythm(months: Sequence[float], tests: Sequence[str], study: Study) -> Calendar:
    """Lay out the same tests at every one of the months."""
    asked = np.isin([test.name for test in study.test], tests)
    return Calendar(np.array(months, dtype=np.float64), np.tile(asked, (len(months), 1)))


def for_everybody(name: str, plan: Calendar) -> ByCalendar:
    """Give everybody the same calendar."""
    return ByCalendar(name, (plan,), lambda baseline: np.zeros(len(baseline), dtype=np.int64))
