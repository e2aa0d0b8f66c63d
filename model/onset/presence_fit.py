"""Learn what markers say of beginnings, from what later tests found: of all causes at once.

A reading is explained by a stage of one of the causes, or by nothing: one that a cause explains says nothing of others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.linalg import inv
from scipy.optimize import minimize

from model.onset.presence import COLUMNS_PER_MARKER, LEAST, N_STAGES, OTHER_COLUMNS
from model.onset.sums import sum_by_patient

if TYPE_CHECKING:
    from model.types import BoolArray, FloatArray, IntArray

# What a marker's last value, its square and its trend say, per standard deviation: all markers together are believed to
# spread the log odds of a stage by this much, each by its share, until the data say how far effects lie from none;
# weighs as ten of them.
EFFECT_SD = 0.5
EFFECT_WEIGHT = 10.0
WIDTH_ROUNDS = 3
# Of a marker's having been measured at all, of time and of the level.
OTHER_SD = 0.5
SCALING_STEPS = 50


@dataclass(frozen=True)
class StageRows:
    """Landmark rows with what the tests say of what markers spoke of when they were last measured.

    Attributes
    ----------
    design : (n_rows, n_columns)
    so_far : (n_rows, 1 + n_told) P(what they spoke of, results up to the landmark): nothing, or a stage of a cause
    in_all : (n_rows, 1 + n_told) P(what they spoke of, all results)
    weight : (n_rows,) how many rows each stands for
    patient : (n_rows,) ascending
    """

    design: FloatArray
    so_far: FloatArray
    in_all: FloatArray
    weight: FloatArray
    patient: IntArray


@dataclass(frozen=True)
class PresenceFit:
    """What was learned of some causes together.

    Attributes
    ----------
    effect : (n_told, n_columns) the maximum; stages of one cause, of the next, ...
    covariance : (n_told * n_columns, n_told * n_columns) of the flattened effects
    """

    effect: FloatArray
    covariance: FloatArray

    def of(self, index: int) -> Self:
        """Return those of one of the causes."""
        n_values = N_STAGES * self.effect.shape[1]
        here = slice(index * n_values, (index + 1) * n_values)
        return type(self)(self.effect[index * N_STAGES : (index + 1) * N_STAGES], self.covariance[here, here])


def fit_presence(rows: StageRows) -> PresenceFit:
    """Maximise the likelihood of the later results, each effect believed to lie around none, how widely being learned.

    How often a stage was found later hangs on what tests see, too, so the level and the effects of time are fitted and
    then left out: in their place comes the level that keeps each stage as frequent as the results so far say.

    A patient's rows tell of one life and largely of the same later results, so added up they say more than there is.
    Their log likelihood is divided by how much more: the spread of patients' scores over that of single rows, along the
    effects (Ribatet, Cooley and Davison, Statistica Sinica 22 (2012) 813-845).
    """
    n_told, n_columns = rows.so_far.shape[1] - 1, rows.design.shape[1]
    n_marker = n_columns - OTHER_COLUMNS
    moving = np.tile(np.arange(n_columns) % COLUMNS_PER_MARKER > 0, n_told)
    moving &= np.tile(np.arange(n_columns) < n_marker, n_told)
    share = EFFECT_SD / np.sqrt(max(moving.sum() / n_told, 1))
    sd, overstated, value = share, 1.0, np.zeros(n_told * n_columns)
    for _ in range(WIDTH_ROUNDS):
        precision = np.where(moving, sd, OTHER_SD) ** -2.0
        value = minimize(_objective, value, (rows, overstated * precision), jac=True, method="L-BFGS-B").x
        of_rows, of_patients = _information(rows, value)
        along = inv(of_rows + np.diag(precision))
        overstated = max(_trace(along, of_patients, moving) / max(_trace(along, of_rows, moving), LEAST), 1.0)
        covariance = inv(of_rows / overstated + np.diag(precision))
        total = np.sum(value[moving] ** 2 + np.diag(covariance)[moving]) + EFFECT_WEIGHT * share**2
        sd = float(np.sqrt(total / (moving.sum() + EFFECT_WEIGHT)))
    effect = np.zeros((n_told, n_columns))
    effect[:, :n_marker] = value.reshape(n_told, n_columns)[:, :n_marker]
    effect[:, -1], mean = _levels(rows, effect[:, :n_marker])
    kept = np.zeros((n_told, n_columns, n_told, n_columns))  # and the level moves with the effects
    for stage in range(n_told):
        kept[stage, :n_marker, stage, :n_marker] = np.eye(n_marker)
        kept[stage, -1, stage, :n_marker] = -mean[stage]
    flat = kept.reshape(n_told * n_columns, n_told * n_columns)
    return PresenceFit(effect, flat @ covariance @ flat.T)


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
    """Levels that keep each stage as frequent as the results so far say, (n_told,), and minus their derivative.

    By iterative scaling; probabilities are kept, not odds, which one extreme marker could make up alone.
    """
    markers = rows.design[:, : effect.shape[1]]
    wanted = rows.weight @ (rows.so_far / rows.so_far.sum(axis=1, keepdims=True))[:, 1:]
    log_odds = _log(rows.so_far) + _tilt(markers, effect)
    level = np.zeros(len(wanted))
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
    tilt = _tilt(rows.design, value.reshape(rows.so_far.shape[1] - 1, -1))
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
