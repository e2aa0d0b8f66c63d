"""Whether something has begun already, as far as markers say: more than test results and hazards can.

What grows unseen may raise a marker, the more the larger it is. So the odds of its having begun, and having come to a
stage of growth, by the time markers were last measured are multiplied by what they then said:

    odds of stage k = odds given the test results x exp(x . effect_k)

x holds, per marker, a constant, how far the last value lies beyond what is usual, the square of that, and the trend,
fading with its age against the newest marker and 0 where it was never measured, and a level. Learned from what later
tests found (`presence_fit`), and weighed for all causes together (`together`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from model.features import Feature
    from model.onset.growth import Growth
    from model.onset.scaling import Scaling
    from model.types import FloatArray, IntArray

    StageArray: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.int8]]

# Stages: none, the first half of the way to the onset at the usual pace, the second half, past the onset.
STAGE_EDGES = (-np.inf, -0.5, 0.0)
N_STAGES = len(STAGE_EDGES)
COLUMNS_PER_MARKER = 4
OTHER_COLUMNS = 3  # the time, its square, and 1
MEMORY_YEARS = 1.0
# What grows may raise a marker and spread it: then the log odds bend upwards. Beyond these the square goes no further.
SQUARED_WITHIN = (-1.0, 4.0)
LEAST = 1e-300


@dataclass(frozen=True)
class Readings:
    """What the markers of some patients said when they were last measured.

    Attributes
    ----------
    design : (n_rows, n_columns)
    month : (n_rows,) when that was, -inf if never
    """

    design: FloatArray
    month: FloatArray

    @classmethod
    def of(
        cls,
        features: FloatArray,
        scores: FloatArray,
        described: tuple[Feature, ...],
        scaling: Scaling,
        now: FloatArray,
    ) -> Self:
        """Read raw features, (n_rows, n_features), and their scores, of the moments `now`, (n_rows,)."""
        last, age, trend, time = (
            [index for index, feature in enumerate(described) if feature.what == what]
            for what in ("last", "age", "trend", "time")
        )
        newest = np.nan_to_num(features[:, age], nan=np.inf).min(axis=1, initial=np.inf)
        ever = np.isfinite(newest)
        beyond = scaling.usual.beyond(scores[:, last], scores[:, : scaling.n_first])
        square = np.clip(beyond, *SQUARED_WITHIN) ** 2
        fresh = np.exp2(-(features[:, age] - np.where(ever, newest, 0.0)[:, None]) / MEMORY_YEARS)
        of_markers = np.stack([fresh, fresh * beyond, fresh * square, fresh * scores[:, trend]], axis=2)
        by_marker = np.nan_to_num(of_markers).reshape(len(features), COLUMNS_PER_MARKER * len(last))
        columns = np.concatenate([by_marker, scores[:, time], np.ones((len(features), 1))], axis=1)
        return cls(ever[:, None] * columns, np.where(ever, now - 12.0 * newest, -np.inf))

    def select(self, index: IntArray) -> Self:
        """Return some of the rows."""
        return type(self)(self.design[index], self.month[index])


def n_columns(described: tuple[Feature, ...]) -> int:
    """Count the columns of the design."""
    n_markers = sum(feature.what == "last" for feature in described)
    return COLUMNS_PER_MARKER * n_markers + OTHER_COLUMNS


@dataclass(frozen=True)
class Presence:
    """Effects of the markers on the odds of each stage.

    Attributes
    ----------
    effect : (..., N_STAGES, n_columns)
    """

    effect: FloatArray

    def first(self, n_draws: int) -> Self:
        """Return the first of many draws."""
        return type(self)(self.effect[:n_draws])

    def factors(self, readings: Readings, beginning: FloatArray, growth: Growth) -> FloatArray:
        """What the odds of a beginning in each bin are multiplied by, (..., n_patients, n_paces, n_bins).

        beginning : (n_bins,) months since the origin
        """
        log_factor = readings.design @ self.effect.swapaxes(-1, -2)
        by_stage = np.exp(np.concatenate([np.zeros_like(log_factor[..., :1]), log_factor], axis=-1))
        who = np.arange(len(readings.month))[:, None, None]
        return np.asarray(by_stage[..., who, stage_at(readings.month, beginning, growth)])


def stage_at(month: FloatArray, beginning: FloatArray, growth: Growth) -> StageArray:
    """Stage at a month, (n_patients,), of what begins at `beginning`, (n_bins,): (n_patients, n_paces, n_bins)."""
    since = month[:, None, None] - beginning
    to_go = since * growth.pace[:, :, None] - growth.lead_months
    stage = np.ones(to_go.shape, dtype=np.int8)
    for edge in STAGE_EDGES[1:]:
        stage += to_go >= edge * max(growth.lead_months, LEAST)
    stage *= since > 0
    return stage
