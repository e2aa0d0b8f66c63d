"""Alarms over quarters: a rule fixed beforehand, with a stated chance of a false alarm.

For every event, and for all target events together, two charts are kept: one looks for `FACTOR` times as many events as
expected, one for as many fewer. A chart adds up, quarter by quarter, how much better that explains what was observed
than the model does, and starts again from 0 whenever it falls below 0:

    score = max(0, score + observed log(factor) - (factor - 1) expected)

which is Page's cumulative sum of log likelihood ratios, here of counts (Biometrika 41 (1954) 100-115; risk-adjusted
as in Steiner et al., Biostatistics 1 (2000) 441-452). There is an alarm while the score is at or above the limit
log(QUARTERS_PER_FALSE_ALARM x number of charts).

That limit bounds false alarms without knowing how many events to expect. If the model is right, exp(what is added) has
expectation 1 or less given the past: a look that finds with chance p contributes 1 + (f - 1) p <= exp((f - 1) p). The
sum, over the quarters to start from, of the products since then is at least exp(score), and less the number of quarters
it is a supermartingale; so P(a chart alarms within n quarters) <= n / exp(limit), and for all charts together
<= n / QUARTERS_PER_FALSE_ALARM. That is far from what happens: by simulation at most 4 % in 20 quarters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.types import FloatArray

FACTOR = 1.5
# If the model is right, it takes at least so many quarters on average until there is any alarm at all.
QUARTERS_PER_FALSE_ALARM = 100


@dataclass(frozen=True)
class Chart:
    """One chart, quarter by quarter.

    Attributes
    ----------
    factor : how many times as many events as expected it looks for
    score : (n_quarters,)
    limit : at or above it there is an alarm
    """

    factor: float
    score: FloatArray
    limit: float

    @property
    def since(self) -> int | None:
        """The quarter since which there has been an alarm without a break, None if there is none now."""
        calm = np.flatnonzero(self.score < self.limit)
        start = int(calm[-1]) + 1 if len(calm) else 0
        return start if start < len(self.score) else None

    @property
    def first(self) -> int | None:
        """The first quarter with an alarm, None if there never was one."""
        alarms = np.flatnonzero(self.score >= self.limit)
        return int(alarms[0]) if len(alarms) else None


def charts(observed: FloatArray, awaiting: FloatArray, expected: FloatArray, *, n_charts: int) -> tuple[Chart, Chart]:
    """Chart an event for too many and for too few, all (n_quarters,) in order of time.

    awaiting : positive tests that may yet be the event. None of them counts as too many, all of them count against too
        few, so that unfinished work-up raises no alarm
    n_charts : how many there are in all, two per event
    """
    limit = math.log(QUARTERS_PER_FALSE_ALARM * n_charts)
    more = Chart(FACTOR, _scores(observed, expected, FACTOR), limit)
    fewer = Chart(1 / FACTOR, _scores(observed + awaiting, expected, 1 / FACTOR), limit)
    return more, fewer


def _scores(observed: FloatArray, expected: FloatArray, factor: float) -> FloatArray:
    """Run the cumulative sum: the total so far less the lowest it has been, 0 included."""
    total = np.cumsum(observed * math.log(factor) - (factor - 1.0) * expected)
    return np.asarray(total - np.minimum(np.minimum.accumulate(total), 0.0))
