"""The log hazard of one cause past a landmark: a shape in time, steady effects, and effects that fade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import xlogy

if TYPE_CHECKING:
    from model.onset.grid import TimeGrid
    from model.types import FloatArray, IntArray


CLOCK_MONTHS = 12.0


def clock_between(start: FloatArray, end: FloatArray) -> FloatArray:
    """Mean of log(t / CLOCK_MONTHS) over stretches of the patient's clock: finite even where one starts at the origin.

    A hazard that goes with a power of time is steep at the origin; its value in mid-bin would miss much of the bin.
    """
    return np.asarray((xlogy(end, end) - xlogy(start, start)) / (end - start) - 1.0 - np.log(CLOCK_MONTHS))


@dataclass(frozen=True)
class Parameters:
    """Coefficients of one cause, or of many draws of them.

    log h(w | z, s) = shape[bin of w] + clock log((s + w) / CLOCK_MONTHS)
                      + z . steady + fade(w) (z[fading] . wearing_off)

    Attributes
    ----------
    shape : (..., n_bins) log hazard per month, a year after the origin, of a patient whose scores are all 0
    clock : (..., 1) power by which the hazard falls or rises with time since the origin, whatever the landmark
    steady : (..., n_scores)
    wearing_off : (..., n_fading)
    """

    shape: FloatArray
    clock: FloatArray
    steady: FloatArray
    wearing_off: FloatArray

    @classmethod
    def unpack(cls, vector: FloatArray, *, n_bins: int, n_scores: int) -> Parameters:
        """Cut a flat vector, or a stack of them, (..., n_parameters)."""
        shape, clock, steady, wearing_off = np.split(vector, [n_bins, n_bins + 1, n_bins + 1 + n_scores], axis=-1)
        return cls(shape, clock, steady, wearing_off)

    def pack(self) -> FloatArray:
        """Join everything into one vector, (..., n_parameters)."""
        return np.concatenate([self.shape, self.clock, self.steady, self.wearing_off], axis=-1)


def linear_parts(parameters: Parameters, scores: FloatArray, fading: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the steady and the fading part of the log hazard, each (n_rows,), or (n_rows, n_draws) for draws."""
    return scores @ parameters.steady.T, scores[:, fading] @ parameters.wearing_off.T


def log_hazard(
    parameters: Parameters,
    scores: FloatArray,
    fading: IntArray,
    grid: TimeGrid,
    *,
    landmark_month: FloatArray,
    past_edge: FloatArray,
    unknown: FloatArray | float = 0.0,
) -> FloatArray:
    """Log hazard per month in steps past the landmark, (n_rows, n_steps) or (n_rows, n_draws, n_steps).

    Parameters
    ----------
    scores : (n_rows, n_scores) at each row's landmark
    fading : (n_fading,) which scores have a part that wears off
    landmark_month : (n_rows,)
    past_edge : (n_steps + 1,) months past the landmark at which the steps begin and end
    unknown : (n_rows, n_draws) to be added for what is missing
    """
    bins = grid.hazard_bin((past_edge[1:] + past_edge[:-1]) / 2)
    moment = landmark_month[:, None] + past_edge
    clock = clock_between(moment[:, :-1], moment[:, 1:])
    if parameters.clock.ndim > 1:
        clock = clock[:, None]
    steady, wearing_off = linear_parts(parameters, scores, fading)
    timed = parameters.shape[..., bins] + parameters.clock * clock
    steady = steady + unknown
    return np.asarray(steady[..., None] + wearing_off[..., None] * grid.fade[bins] + timed)
