"""Whether something has begun already, as far as markers say: more than test results and hazards can.

What grows unseen may raise a marker, the more the larger it is. So the odds of its having begun, and having come to a
stage of growth, by the time markers were last measured are multiplied by what they then said:

    odds of stage k = odds given the test results x exp(x . effect_k)

x holds, per marker, a constant, how far the last value lies beyond what is usual, the square of that, and the trend,
fading with its age against the newest marker and 0 where it was never measured, and a level. Learned from what later
tests found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np
from scipy.linalg import inv
from scipy.optimize import minimize

from model.onset.sums import sum_by_patient

if TYPE_CHECKING:
    from model.features import Feature
    from model.onset.growth import Growth
    from model.onset.scaling import Scaling
    from model.types import BoolArray, FloatArray, IntArray

    StageArray: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.int8]]

# Stages: none, the first half of the way to the onset at the usual pace, the second half, past the onset.
STAGE_EDGES = (-np.inf, -0.5, 0.0)
N_STAGES = len(STAGE_EDGES)
COLUMNS_PER_MARKER = 4
OTHER_COLUMNS = 3  # the time, its square, and 1
MEMORY_YEARS = 1.0
# What grows may raise a marker and spread it: then the log odds bend upwards. Beyond these the square goes no further.
SQUARED_WITHIN = (-1.0, 4.0)
# What a marker's last value, its square and its trend say, per standard deviation: all markers together are believed to
# spread the log odds of a stage by this much, each by its share, until the data say how far effects lie from none;
# weighs as ten of them.
EFFECT_SD = 0.5
EFFECT_WEIGHT = 10.0
WIDTH_ROUNDS = 3
# Of a marker's having been measured at all, of time and of the level.
OTHER_SD = 0.5
SCALING_STEPS = 50
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
class StageRows:
    """Landmark rows with what the tests say of the stage when markers were last measured; the first stage is none.

    Attributes
    ----------
    design : (n_rows, n_columns)
    so_far : (n_rows, 1 + N_STAGES) P(stage, results up to the landmark)
    in_all : (n_rows, 1 + N_STAGES) P(stage, all results)
    weight : (n_rows,) how many rows each stands for
    patient : (n_rows,) ascending
    """

    design: FloatArray
    so_far: FloatArray
    in_all: FloatArray
    weight: FloatArray
    patient: IntArray

    def none_in_all(self, effect: FloatArray) -> FloatArray:
        """How markers move P(none | all results), as a ratio, (n_rows,)."""
        moved = _normalised(_log(self.in_all) + _tilt(self.design, effect))[1][:, 0]
        return np.asarray(moved / np.maximum(self.in_all[:, 0] / self.in_all.sum(axis=1), LEAST))


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


@dataclass(frozen=True)
class PresenceFit:
    """The maximum, and the covariance of the flattened effects."""

    best: Presence
    covariance: FloatArray


def stage_at(month: FloatArray, beginning: FloatArray, growth: Growth) -> StageArray:
    """Stage at a month, (n_patients,), of what begins at `beginning`, (n_bins,): (n_patients, n_paces, n_bins)."""
    since = month[:, None, None] - beginning
    to_go = since * growth.pace[:, :, None] - growth.lead_months
    stage = np.ones(to_go.shape, dtype=np.int8)
    for edge in STAGE_EDGES[1:]:
        stage += to_go >= edge * max(growth.lead_months, LEAST)
    stage *= since > 0
    return stage


def fit_presence(rows: StageRows) -> PresenceFit:
    """Maximise the likelihood of the later results, each effect believed to lie around none, how widely being learned.

    How often a stage was found later hangs on what tests see, too, so the level and the effects of time are fitted and
    then left out: in their place comes the level that keeps each stage as frequent as the results so far say.

    A patient's rows tell of one life and largely of the same later results, so added up they say more than there is.
    Their log likelihood is divided by how much more: the spread of patients' scores over that of single rows, along the
    effects (Ribatet, Cooley and Davison, Statistica Sinica 22 (2012) 813-845).
    """
    n_columns = rows.design.shape[1]
    n_marker = n_columns - OTHER_COLUMNS
    moving = np.tile(np.arange(n_columns) % COLUMNS_PER_MARKER > 0, N_STAGES)
    moving &= np.tile(np.arange(n_columns) < n_marker, N_STAGES)
    share = EFFECT_SD / np.sqrt(max(moving.sum() / N_STAGES, 1))
    sd, overstated, value = share, 1.0, np.zeros(N_STAGES * n_columns)
    for _ in range(WIDTH_ROUNDS):
        precision = np.where(moving, sd, OTHER_SD) ** -2.0
        value = minimize(_objective, value, (rows, overstated * precision), jac=True, method="L-BFGS-B").x
        of_rows, of_patients = _information(rows, value)
        along = inv(of_rows + np.diag(precision))
        overstated = max(_trace(along, of_patients, moving) / max(_trace(along, of_rows, moving), LEAST), 1.0)
        covariance = inv(of_rows / overstated + np.diag(precision))
        total = np.sum(value[moving] ** 2 + np.diag(covariance)[moving]) + EFFECT_WEIGHT * share**2
        sd = float(np.sqrt(total / (moving.sum() + EFFECT_WEIGHT)))
    effect = np.zeros((N_STAGES, n_columns))
    effect[:, :n_marker] = value.reshape(N_STAGES, n_columns)[:, :n_marker]
    effect[:, -1], mean = _levels(rows, effect[:, :n_marker])
    kept = np.zeros((N_STAGES, n_columns, N_STAGES, n_columns))  # and the level moves with the effects
    for stage in range(N_STAGES):
        kept[stage, :n_marker, stage, :n_marker] = np.eye(n_marker)
        kept[stage, -1, stage, :n_marker] = -mean[stage]
    flat = kept.reshape(N_STAGES * n_columns, N_STAGES * n_columns)
    return PresenceFit(Presence(effect), flat @ covariance @ flat.T)


def _information(rows: StageRows, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Spread of the scores, as if rows were independent and of patients, each (n_values, n_values)."""
    _, residual = _moved(rows, value)
    by_row = (residual[:, :, None] * rows.design[:, None]).reshape(len(residual), -1)
    by_patient = sum_by_patient(rows.patient, by_row)
    by_row /= np.sqrt(rows.weight)[:, None]  # a row that stands for several stands for as many scores
    return by_row.T @ by_row, by_patient.T @ by_patient


def _trace(first: FloatArray, second: FloatArray, where: BoolArray) -> float:
    return float(np.einsum("ij,ji->i", first, second)[where].sum())


def _levels(rows: StageRows, effect: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Levels that keep each stage as frequent as the results so far say, (N_STAGES,), and minus their derivative.

    By iterative scaling; probabilities are kept, not odds, which one extreme marker could make up alone.
    """
    markers = rows.design[:, : effect.shape[1]]
    wanted = rows.weight @ (rows.so_far / rows.so_far.sum(axis=1, keepdims=True))[:, 1:]
    log_odds = _log(rows.so_far) + _tilt(markers, effect)
    level = np.zeros(N_STAGES)
    for _ in range(SCALING_STEPS):
        chance = _normalised(log_odds + np.append(0.0, level))[1][:, 1:]
        level += np.log(np.maximum(wanted, LEAST) / np.maximum(rows.weight @ chance, LEAST))
    moved = rows.weight[:, None] * chance * (1.0 - chance)
    return level, (moved.T @ markers) / np.maximum(moved.sum(axis=0), LEAST)[:, None]


def _objective(value: FloatArray, rows: StageRows, precision: FloatArray) -> tuple[float, FloatArray]:
    gained, residual = _moved(rows, value)
    score = (residual.T @ rows.design).ravel() - precision * value
    return -(gained - float(value @ (precision * value)) / 2), -score


def _moved(rows: StageRows, value: FloatArray) -> tuple[float, FloatArray]:
    """Log likelihood of the later results, up to a constant, and its derivative by row and stage."""
    tilt = _tilt(rows.design, value.reshape(N_STAGES, -1))
    log_before, before = _normalised(_log(rows.so_far) + tilt)
    log_after, after = _normalised(_log(rows.in_all) + tilt)
    return float(rows.weight @ (log_after - log_before)), rows.weight[:, None] * (after - before)[:, 1:]


def _normalised(log_weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log of the sum of each row's weights, (n_rows,), and their shares, (n_rows, n): one exponential for both."""
    top = log_weight.max(axis=1, keepdims=True)
    weight = np.exp(log_weight - top)
    total = weight.sum(axis=1, keepdims=True)
    return (top + np.log(total))[:, 0], weight / total


def _tilt(design: FloatArray, effect: FloatArray) -> FloatArray:
    return np.concatenate([np.zeros((len(design), 1)), design @ effect.T], axis=1)


def _log(probability: FloatArray) -> FloatArray:
    return np.log(np.maximum(probability, LEAST))
