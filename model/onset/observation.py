"""What the test results say about the moment of beginning: P(all results | beginning in each bin, or none)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from model.onset.growth import growth_of, seen_by_pace
from model.types import NEGATIVE, NOT_DONE, POSITIVE

if TYPE_CHECKING:
    from model.onset.grid import TimeGrid
    from model.study import Study
    from model.types import BoolArray, FloatArray, Histories, Outcomes


@dataclass(frozen=True)
class ResultLikelihood:
    """Likelihood of one cause's test results for every patient.

    Attributes
    ----------
    width : (n_patients, n_onset) months of each bin that lie before `end_month`
    by_pace : (n_patients, n_paces, n_onset) P(results | beginning in that bin, growing at that pace)
    share : (n_paces,) of the paces
    given_none : (n_patients,) P(results | no beginning before `end_month`)
    """

    width: FloatArray
    by_pace: FloatArray
    share: FloatArray
    given_none: FloatArray

    @cached_property
    def given_beginning(self) -> FloatArray:
        """P(results | beginning in that bin), averaged over the paces, (n_patients, n_onset)."""
        return np.asarray(np.einsum("g,igt->it", self.share, self.by_pace))


def informative_end(
    study: Study, histories: Histories, outcomes: Outcomes, grid: TimeGrid, *, cause: int
) -> tuple[FloatArray, BoolArray]:
    """Return (end_month, found), each (n_patients,): when the cause was found, else the last test that could find it.

    What happens after the grid's end is not looked at, as if the study had been closed then.
    """
    closed = grid.onset_edge[-1]
    found = (outcomes.cause == cause) & (outcomes.exit_month <= closed)
    looked = _sees(study, histories, cause) & (histories.visit_month <= closed)
    last_test = np.where(looked, histories.visit_month, 0.0).max(axis=1, initial=0.0)
    return np.where(found, outcomes.exit_month, last_test), found


def result_likelihood(
    study: Study,
    histories: Histories,
    grid: TimeGrid,
    *,
    cause: int,
    end_month: FloatArray,
    found: BoolArray | None = None,
    last_negative_month: FloatArray | None = None,
) -> ResultLikelihood:
    """Multiply over all tests done by `end_month` what each result says about the beginning of one cause.

    Parameters
    ----------
    histories : a positive result counts only at the moment the cause was found; others are cleared or another cause's
    end_month : (n_patients,) beginnings are considered up to here; the bin that holds it is cut there
    found : (n_patients,) whether the cause was found at `end_month`; None = nobody's
    last_negative_month : (n_patients,) stated moment without disease, NaN where the visits say it; None = nowhere

    Notes
    -----
    Within a bin the beginning is uniform: a test in mid-bin can see only the share before it. Without a lead and with
    sensitivity 1 this is plain interval censoring between the last negative test and the moment of finding.
    """
    n_patients = len(histories)
    found = np.zeros(n_patients, dtype=bool) if found is None else found
    start = grid.onset_edge[:-1]
    width = np.clip(end_month[:, None] - start, 0.0, grid.step)
    growth = growth_of(study, cause)
    given = np.ones((n_patients, len(growth.pace), len(start)))
    by_test = np.zeros(n_patients, dtype=bool)
    event = study.event_names[cause - 1]
    for index, test in enumerate(study.test):
        if event not in test.sees:
            continue
        for visit in range(histories.visit_month.shape[1]):
            month, result = histories.visit_month[:, visit], histories.test[:, visit, index]
            finding = (result == POSITIVE) & found & (month == end_month)
            who = np.flatnonzero(((result == NEGATIVE) & (month <= end_month)) | finding)
            share, since = _share_before(month[who], start, width[who])
            found_there = seen_by_pace(test.sees[event], growth, since, months_per_unit=study.months_per_unit)
            seen = share[:, None] * found_there
            given[who] *= np.where(finding[who, None, None], seen, 1.0 - seen)
            by_test |= finding
    # Found without a positive test of ours (by symptoms, elsewhere): it was there, and nothing else is said.
    told = found & ~by_test
    given[told] *= (width[told] > 0)[:, None].astype(float)
    if last_negative_month is not None:
        who = np.flatnonzero(~np.isnan(last_negative_month))
        share, _ = _share_before(last_negative_month[who], start, width[who])
        given[who] *= 1.0 - share[:, None]
    return ResultLikelihood(width, given, growth.share, np.where(found, 0.0, 1.0))


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
