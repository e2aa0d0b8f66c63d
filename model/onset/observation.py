"""What the test results say about the moment of beginning: P(all results | beginning in each bin, or none)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from model.compiling import laid_out
from model.onset.weighing import CURVE_NUMBERS, FOUND_IT, curve_of, weigh_visits
from model.types import NEGATIVE, NOT_DONE, POSITIVE

if TYPE_CHECKING:
    from model.onset.grid import TimeGrid
    from model.onset.growth import Growth
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, Histories, IntArray, Outcomes


PATIENTS_AT_ONCE = 250


@dataclass(frozen=True)
class ResultLikelihood:
    """Likelihood of one cause's test results for every patient, averaged over the paces.

    Attributes
    ----------
    width : (n_patients, n_onset) months of each bin that lie before `end_month`
    given_beginning : (n_patients, n_onset) P(results | beginning in that bin)
    given_none : (n_patients,) P(results | no beginning before `end_month`)
    """

    width: FloatArray
    given_beginning: FloatArray
    given_none: FloatArray


@dataclass(frozen=True)
class PacedLikelihood:
    """The same for each pace.

    Attributes
    ----------
    width, given_none : as in ResultLikelihood
    by_pace : (n_patients, n_paces, n_onset) P(results | beginning in that bin, growing at that pace)
    growth : of the patients
    """

    width: FloatArray
    by_pace: FloatArray
    given_none: FloatArray
    growth: Growth

    def averaged(self) -> ResultLikelihood:
        """Average over the paces."""
        given = np.einsum("g,igt->it", self.growth.share, self.by_pace)
        return ResultLikelihood(self.width, given, self.given_none)


@dataclass(frozen=True)
class Ending:
    """How surveillance for one cause ended.

    Attributes
    ----------
    month : (n_patients,) when the cause was found, else the last test that could find it
    found : (n_patients,) whether it was found then
    named : (n_patients,) whether the outcome names it; what is found beside something worse may not be named
    last_negative_month : (n_patients,) stated moment without disease, NaN where the visits say it
    cleared : (n_patients,) whether something less severe was found then and named: positive tests did not mean this
    """

    month: FloatArray
    found: BoolArray
    named: BoolArray
    last_negative_month: FloatArray
    cleared: BoolArray

    @classmethod
    def nothing_found(cls, month: FloatArray) -> Self:
        """Nothing was found by then, (n_patients,)."""
        never = np.zeros(len(month), dtype=bool)
        return cls(month, never, never, np.full(len(month), np.nan), never)

    def select(self, index: IntArray) -> Self:
        """Return some of the patients."""
        return type(self)(*(part[index] for part in vars(self).values()))


def ending_of(study: Study, histories: Histories, outcomes: Outcomes, grid: TimeGrid, *, cause: int) -> Ending:
    """Say how surveillance ended; what happens after the grid's end is not looked at, as if the study closed then.

    A cause that the outcome does not name was found too if a test that sees nothing else was positive at the end. One
    that the study calls more severe than what the outcome names was not: the outcome names the most severe.
    """
    closed = grid.onset_edge[-1]
    named = (outcomes.cause == cause) & (outcomes.exit_month <= closed)
    alone = [index for index, test in enumerate(study.test) if set(test.sees) == {study.event_names[cause - 1]}]
    at_exit = histories.visit_month == outcomes.exit_month[:, None]
    positive = (histories.test[:, :, alone] == POSITIVE).any(axis=2)
    beside = (positive & at_exit).any(axis=1) & (outcomes.exit_month <= closed)
    looked = _sees(study, histories, cause) & (histories.visit_month <= closed)
    last_test = np.where(looked, histories.visit_month, 0.0).max(axis=1, initial=0.0)
    found = named | beside
    month = np.where(found, outcomes.exit_month, last_test)
    last_negative_month = np.where(named, outcomes.last_negative_month, np.nan)
    severity = np.array([math.inf, *(each or math.inf for each in study.severity)])  # by cause; the first is of none
    cleared = (severity[outcomes.cause] < severity[cause]) & (month == outcomes.exit_month) & ~found
    return Ending(month, found, named, last_negative_month, cleared)


def result_likelihood(
    study: Study, histories: Histories, grid: TimeGrid, growth: Growth, ending: Ending, *, cause: int
) -> PacedLikelihood:
    """Multiply over all tests done until surveillance ended what each result says about the beginning of one cause.

    Parameters
    ----------
    histories : a positive result counts where it found the cause, and against it where the ending says that it did not;
        others were cleared by work-up, or another cause's
    ending : beginnings are considered up to its month; the bin that holds it is cut there

    Notes
    -----
    Within a bin the beginning is uniform: a test in mid-bin can see only the share before it, and tests of one visit
    look at the same share. Without a lead and with sensitivity 1 this is plain interval censoring between the last
    negative test and the moment of finding.
    """
    event = study.event_names[cause - 1]
    able = [index for index, test in enumerate(study.test) if event in test.sees]
    alone = np.array([set(study.test[index].sees) == {event} for index in able], dtype=bool)
    start = grid.onset_edge[:-1]
    width = np.clip(ending.month[:, None] - start, 0.0, grid.step)
    given = np.ones((len(histories), len(growth.share), len(start)))
    month, result = histories.visit_month, histories.test[:, :, able]
    at_end, positive = month == ending.month[:, None], result == POSITIVE
    found_it = positive & (ending.found[:, None] & at_end)[:, :, None] & (ending.named[:, None, None] | alone)
    missed_it = (result == NEGATIVE) & (month <= ending.month[:, None])[:, :, None]
    missed_it |= positive & (ending.cleared[:, None] & at_end)[:, :, None]
    says = np.where(found_it, FOUND_IT, missed_it).astype(np.int8)
    curve = [curve_of(study.test[index].sees[event], growth, months_per_unit=study.months_per_unit) for index in able]
    growing = laid_out(growth.pace), float(growth.lead_months), np.array(curve).reshape(len(able), CURVE_NUMBERS)
    weigh_visits(given, laid_out(month), laid_out(says), (laid_out(start), laid_out(width)), growing)
    # However it was found, perhaps without a positive test of ours (by symptoms, elsewhere): it was there by then.
    given[ending.found] *= (width[ending.found] > 0)[:, None]
    who = np.flatnonzero(~np.isnan(ending.last_negative_month))
    share, _ = _share_before(ending.last_negative_month[who], start, width[who])
    given[who] *= 1.0 - share[:, None]
    return PacedLikelihood(width, given, np.where(ending.found, 0.0, 1.0), growth)


def averaged_likelihood(
    study: Study, histories: Histories, grid: TimeGrid, growth: Growth, ending: Ending, *, cause: int
) -> ResultLikelihood:
    """Do the same for a whole cohort, averaged over the paces, in chunks of patients whose results end about alike."""
    width, given = (np.zeros((len(histories), len(grid.onset_edge) - 1)) for _ in range(2))
    order = np.argsort(ending.month, kind="stable")
    for start in range(0, len(order), PATIENTS_AT_ONCE):
        who = order[start : start + PATIENTS_AT_ONCE]
        here = grid.until(float(ending.month[who].max()))
        n_bins = len(here.onset_edge) - 1
        chunk, growing = histories.select(who), growth.select(who)
        part = result_likelihood(study, chunk, here, growing, ending.select(who), cause=cause).averaged()
        width[who, :n_bins], given[who, :n_bins] = part.width, part.given_beginning
    return ResultLikelihood(width, given, np.where(ending.found, 0.0, 1.0))


def _sees(study: Study, histories: Histories, cause: int) -> BoolArray:
    """Visits at which a test was done that can see a cause, (n_patients, max_visits)."""
    event = study.event_names[cause - 1]
    able = [index for index, test in enumerate(study.test) if event in test.sees]
    return np.asarray((histories.test[:, :, able] != NOT_DONE).any(axis=2))


def _share_before(month: FloatArray, start: FloatArray, width: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share of each bin's onsets that precede a test, and how long before it those lie on average.

    month : (n_rows,); start : (n_onset,); width : (n_rows, n_onset); both returned are (n_rows, n_onset).
    """
    past = np.clip(month[:, None] - start, 0.0, width)
    share = np.divide(past, width, out=np.zeros_like(past), where=width > 0)
    return share, month[:, None] - start - past / 2
