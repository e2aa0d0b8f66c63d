"""The M-step: penalised Poisson regression of expected events on expected exposure, by Newton's method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import block_diag, cho_factor, cho_solve

from model.onset.hazard import Parameters, linear_parts
from model.onset.prior import SHAPE_STEP_SD
from model.onset.sums import sum_by_patient

if TYPE_CHECKING:
    from model.onset.prior import HazardPrior
    from model.types import FloatArray, IntArray


@dataclass(frozen=True)
class RiskRows:
    """Expected events and exposure of landmark rows by hazard bin.

    Attributes
    ----------
    scores : (n_rows, n_scores)
    fading : (n_fading,) which scores also have a part that wears off
    fade : (n_bins,)
    clock : (n_rows, n_bins) `clock_between` of each row's bins
    events, exposure : (n_rows, n_bins); counts and months, both already divided by the coverage
    patient : (n_rows,) ascending
    """

    scores: FloatArray
    fading: IntArray
    fade: FloatArray
    clock: FloatArray
    events: FloatArray
    exposure: FloatArray
    patient: IntArray


@dataclass(frozen=True)
class Penalty:
    """Half a quadratic form: (v - centre)' precision (v - centre) / 2 over the packed parameters."""

    centre: FloatArray
    precision: FloatArray


def penalty(prior: HazardPrior, *, n_bins: int, n_fading: int) -> Penalty:
    """Join the prior of the parameters with a smooth shape; the last `n_fading` effects are those that fade."""
    steps = np.diff(np.eye(n_bins), axis=0)
    mean = np.full((1, n_bins), 1 / n_bins)
    shape = steps.T @ steps / SHAPE_STEP_SD**2 + mean.T @ mean / prior.level_sd**2
    kept = slice(prior.n_scores + n_fading)
    centre = np.concatenate([np.full(n_bins, prior.level), [prior.clock], prior.mean[kept]])
    return Penalty(centre, block_diag(shape, np.diag(np.append(prior.clock_sd, prior.sd[kept]) ** -2.0)))


def objective(parameters: Parameters, rows: RiskRows, penalty: Penalty) -> float:
    """Penalised log likelihood, larger is better."""
    log_rate = _log_rate(parameters, rows)
    away = parameters.pack() - penalty.centre
    fit = np.sum(rows.events * log_rate) - np.sum(rows.exposure * np.exp(log_rate))
    return float(fit - away @ penalty.precision @ away / 2)


def newton_step(parameters: Parameters, rows: RiskRows, penalty: Penalty) -> tuple[Parameters, float]:
    """Move once towards the maximum, halving the step until it helps; returns (parameters, gain)."""
    vector = parameters.pack()
    gradient, curvature = derivatives(parameters, rows)
    gradient = gradient - penalty.precision @ (vector - penalty.centre)
    step = cho_solve(cho_factor(curvature + penalty.precision), gradient)
    before = objective(parameters, rows, penalty)
    for _ in range(30):
        moved = parameters.like(vector + step)
        gain = objective(moved, rows, penalty) - before
        if gain >= 0:
            return moved, gain
        step = step / 2
    return parameters, 0.0


def patient_scores(parameters: Parameters, rows: RiskRows) -> FloatArray:
    """Derivative of each patient's log likelihood by the parameters, (n_patients_with_rows, n_parameters)."""
    residual = rows.events - rows.exposure * np.exp(_log_rate(parameters, rows))
    by_row = np.concatenate(
        [
            residual,
            (residual * rows.clock).sum(axis=1)[:, None],
            residual.sum(axis=1)[:, None] * rows.scores,
            (residual @ rows.fade)[:, None] * rows.scores[:, rows.fading],
        ],
        axis=1,
    )
    return sum_by_patient(rows.patient, by_row)


def expected_events(parameters: Parameters, rows: RiskRows) -> FloatArray:
    """Events that the parameters expect in each row, (n_rows,)."""
    return np.asarray((rows.exposure * np.exp(_log_rate(parameters, rows))).sum(axis=1))


def row_log_likelihood(parameters: Parameters, rows: RiskRows) -> FloatArray:
    """Poisson log likelihood of each row, up to what no parameter changes, (n_rows,)."""
    log_rate = _log_rate(parameters, rows)
    return np.asarray((rows.events * log_rate - rows.exposure * np.exp(log_rate)).sum(axis=1))


def _log_rate(parameters: Parameters, rows: RiskRows) -> FloatArray:
    steady, wearing_off = linear_parts(parameters, rows.scores, rows.fading)
    return steady[:, None] + wearing_off[:, None] * rows.fade + parameters.shape + parameters.clock * rows.clock


def derivatives(parameters: Parameters, rows: RiskRows) -> tuple[FloatArray, FloatArray]:
    """Gradient of the log likelihood, and information of the complete data about the parameters.

    A row's scores are the same in all its bins, so the bins are summed first and the large products are over rows.
    """
    expected = rows.exposure * np.exp(_log_rate(parameters, rows))
    residual = rows.events - expected
    scores, faded = rows.scores, rows.scores[:, rows.fading]
    timed = expected * rows.clock
    gradient = np.concatenate(
        [
            residual.sum(axis=0),
            [np.sum(residual * rows.clock)],
            scores.T @ residual.sum(axis=1),
            faded.T @ (residual @ rows.fade),
        ]
    )
    once, twice = expected @ rows.fade, expected @ rows.fade**2
    # Blocks on and above the diagonal; those below it are their transposes.
    upper = {
        "shape shape": np.diag(expected.sum(axis=0)),
        "shape clock": timed.sum(axis=0)[:, None],
        "shape steady": expected.T @ scores,
        "shape fading": (expected * rows.fade).T @ faded,
        "clock clock": np.array([[np.sum(timed * rows.clock)]]),
        "clock steady": timed.sum(axis=1)[None] @ scores,
        "clock fading": (timed @ rows.fade)[None] @ faded,
        "steady steady": (scores * expected.sum(axis=1)[:, None]).T @ scores,
        "steady fading": (scores * once[:, None]).T @ faded,
        "fading fading": (faded * twice[:, None]).T @ faded,
    }
    parts = ("shape", "clock", "steady", "fading")
    blocks = [[upper[f"{a} {b}"] if f"{a} {b}" in upper else upper[f"{b} {a}"].T for b in parts] for a in parts]
    return gradient, np.block(blocks)
