"""What the test results say about the moment of onset: P(all results | onset in each bin, or none)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.types import NEGATIVE, NOT_DONE, POSITIVE

if TYPE_CHECKING:
    from model.onset.grid import TimeGrid
    from model.study import Sensitivity, Study
    from model.types import BoolArray, FloatArray, Histories, Outcomes


@dataclass(frozen=True)
class ResultLikelihood:
    """Likelihood of one cause's test results for every patient.

    Attributes
    ----------
    width : (n_patients, n_onset) months of each onset bin that lie before `end_month`
    given_onset : (n_patients, n_onset) P(results | onset in that bin)
    given_none : (n_patients,) P(results | no onset before `end_month`)
    end_month : (n_patients,) up to where onsets are considered
    """

    width: FloatArray
    given_onset: FloatArray
    given_none: FloatArray
    end_month: FloatArray


def sensitivity_at(sensitivity: Sensitivity, months_since_onset: FloatArray, *, months_per_unit: float) -> FloatArray:
    """Chance that a test finds what began that long ago: max - (max - start) 2^(-u / half_time), zero before onset."""
    since = np.maximum(months_since_onset, 0.0)
    half_time = sensitivity.half_time * months_per_unit
    left = np.exp2(-since / half_time) if half_time > 0 else np.zeros_like(since)
    seen = sensitivity.max - (sensitivity.max - sensitivity.start) * left
    return np.where(months_since_onset < 0, 0.0, seen)


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
    """Multiply over all tests done by `end_month` what each result says about the onset of one cause.

    Parameters
    ----------
    histories : a positive result counts only at the moment the cause was found; others are cleared or another cause's
    end_month : (n_patients,) onsets are considered up to here; the bin that holds it is cut there
    found : (n_patients,) whether the cause was found at `end_month`; None = nobody's
    last_negative_month : (n_patients,) stated moment without disease, NaN where the visits say it; None = nowhere

    Notes
    -----
    Within a bin the onset is uniform: a test in mid-bin can see only the share of onsets before it. With sensitivity 1
    this is plain interval censoring between the last negative test and the moment of finding.
    """
    n_patients = len(histories)
    found = np.zeros(n_patients, dtype=bool) if found is None else found
    start = grid.onset_edge[:-1]
    width = np.clip(end_month[:, None] - start, 0.0, grid.step)
    given = np.ones((n_patients, len(start)))
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
            seen = share * sensitivity_at(test.sees[event], since, months_per_unit=study.months_per_unit)
            given[who] *= np.where(finding[who, None], seen, 1.0 - seen)
            by_test |= finding
    # Found without a positive test of ours (by symptoms, elsewhere): it was there, and nothing else is said.
    told = found & ~by_test
    given[told] *= (width[told] > 0).astype(float)
    if last_negative_month is not None:
        who = np.flatnonzero(~np.isnan(last_negative_month))
        share, _ = _share_before(last_negative_month[who], start, width[who])
        given[who] *= 1.0 - share
    return ResultLikelihood(width, given, np.where(found, 0.0, 1.0), end_month)


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
