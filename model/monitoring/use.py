"""Use of markers and tests: how often each is recorded at a visit, against the training patients' visits.

How often something is done at a visit depends on how long ago the patient was treated, which a young clinic cannot
share with the training cohort. So visits are compared period by period since the origin, and the periods are summed up
as many times as this clinic has visits in each (direct standardisation). Chance is judged by Mantel and Haenszel's test
over the periods (J Natl Cancer Inst 22 (1959) 719-748).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.stats import norm

from model.audit.metrics import ratio
from model.saved.at_visits import PERIODS, period_of, recordable, recorded_at_visits

if TYPE_CHECKING:
    from model.monitoring.quarters import Calendar
    from model.monitoring.watched import Watched
    from model.study.definition import Study
    from model.types import FloatArray, IntArray


@dataclass(frozen=True)
class Use:
    """Sums over patients.

    Attributes
    ----------
    visits : (n_quarters, n_periods)
    recorded : (n_quarters, n_periods, n_inputs) at how many of them each marker, then each test, was recorded
    """

    visits: IntArray
    recorded: IntArray

    @classmethod
    def empty(cls, n_quarters: int, n_inputs: int) -> Self:
        """No patients yet."""
        shape = (n_quarters, len(PERIODS))
        return cls(np.zeros(shape, dtype=np.int64), np.zeros((*shape, n_inputs), dtype=np.int64))

    def __add__(self, other: Use) -> Use:
        """Sums over both groups of patients."""
        return Use(self.visits + other.visits, self.recorded + other.recorded)


def add_up_use(watched: Watched, calendar: Calendar) -> Use:
    """Count the visits of a chunk of patients; what lies ahead of today waits."""
    who, month, recorded = recorded_at_visits(watched.histories)
    day = watched.day(who, month)
    here = day <= calendar.today
    found = Use.empty(calendar.n_quarters, recorded.shape[1])
    cell = calendar.place(day[here]), period_of(month[here])
    np.add.at(found.visits, cell, 1)
    np.add.at(found.recorded, cell, recorded[here])
    return found


def use_in_training(study: Study, facts: dict[str, Any]) -> Use | None:
    """Read what the training visits were like, as one quarter; None of a model that does not tell.

    facts : model_facts.json
    """
    told = facts.get("at_visits")
    if told is None or tuple(told["from_month"]) != PERIODS:
        return None
    recorded = [told["recorded"][name] for name in recordable(study)]
    found = Use.empty(1, len(recorded))
    found.visits[0] = told["visits"]
    found.recorded[0] = np.reshape(recorded, found.recorded[0].T.shape).T
    return found


def against_training(here: Use, trained: Use, *, least: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compare, all (n_quarters, n_inputs): share here, share in training at visits as long after the origin, p-value.

    Periods of which only one side has visits tell nothing and are left out; NaN where fewer than `least` visits are
    left on either side.
    """
    both = ((here.visits > 0) & (trained.visits > 0))[:, :, None]
    n, n_trained = (np.where(both, each.visits[:, :, None], 0).astype(np.float64) for each in (here, trained))
    k, k_trained = (np.where(both, each.recorded, 0).astype(np.float64) for each in (here, trained))
    total, of_both = n + n_trained, k + k_trained
    variance = ratio(n * n_trained * of_both * (total - of_both), total**2 * (total - 1.0))
    off = np.abs(np.nansum(k - ratio(n * of_both, total), axis=1))
    z = ratio(np.maximum(off - 0.5, 0.0), np.sqrt(np.nansum(variance, axis=1)))
    of_all = np.where((n.sum(axis=1) >= least) & (n_trained.sum(axis=1) >= least), n.sum(axis=1), 0.0)
    share = ratio(k.sum(axis=1), of_all)
    trained_share = ratio(np.nansum(ratio(n * k_trained, n_trained), axis=1), of_all)
    return share, trained_share, np.where(of_all > 0, 2.0 * norm.sf(z), np.nan)
