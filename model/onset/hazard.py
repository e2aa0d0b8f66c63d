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


def clock_between(start: FloatArray, end: FloatArray, around: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Return (slope, rest), so that the mean of (t / CLOCK_MONTHS)^power from start to end is exp(slope power + rest).

    It is so for powers close to `around`, which is above -1, and exactly there. Around 0 the slope is the mean of
    log(t / CLOCK_MONTHS) and the rest is 0.
    A hazard that goes with a power of time is steep at the origin: its value in mid-bin would miss much of the bin, and
    the mean of its log a tenth of the first one.
    """
    first, last = start / CLOCK_MONTHS, end / CLOCK_MONTHS
    power = around + 1.0
    low, high = first**power, last**power
    slope = (xlogy(high, last) - xlogy(low, first)) / (high - low) - 1.0 / power
    mean = (high - low) / (power * (last - first))
    return np.asarray(slope), np.asarray(np.log(mean) - around * slope)


@dataclass(frozen=True)
class Parameters:
    """Coefficients of one cause, or of many draws of them.

    log h(w | z, s) = shape[bin of w] + clock log((s + w) / CLOCK_MONTHS)
                      + z . steady + fade(w) (z[fading] . wearing_off)

    A stretch of time has the mean hazard over it (`clock_between`).

    Attributes
    ----------
    shape : (..., n_bins) log hazard per month, a year after the origin, of a patient whose scores are all 0
    clock : (..., 1) power by which the hazard falls or rises with time since the origin, whatever the landmark
    steady : (..., n_scores)
    wearing_off : (..., n_fading)
    around : a power close to `clock`, about which means over stretches are exact; given, not estimated
    """

    shape: FloatArray
    clock: FloatArray
    steady: FloatArray
    wearing_off: FloatArray
    around: float = 0.0

    @classmethod
    def unpack(cls, vector: FloatArray, *, n_bins: int, n_scores: int, around: float = 0.0) -> Parameters:
        """Cut a flat vector, or a stack of them, (..., n_parameters)."""
        shape, clock, steady, wearing_off = np.split(vector, [n_bins, n_bins + 1, n_bins + 1 + n_scores], axis=-1)
        return cls(shape, clock, steady, wearing_off, around)

    def first(self, n_draws: int) -> Parameters:
        """Return the first of many draws."""
        return self.like(self.pack()[:n_draws])

    def like(self, vector: FloatArray) -> Parameters:
        """Cut another vector, or a stack of them, as this one is."""
        sizes = {"n_bins": self.shape.shape[-1], "n_scores": self.steady.shape[-1]}
        return Parameters.unpack(vector, **sizes, around=self.around)

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
    clock, rest = clock_between(moment[:, :-1], moment[:, 1:], parameters.around)
    if parameters.clock.ndim > 1:
        clock, rest = clock[:, None], rest[:, None]
    steady, wearing_off = linear_parts(parameters, scores, fading)
    timed = parameters.shape[..., bins] + (parameters.clock * clock + rest)
    steady = steady + unknown
    return np.asarray(steady[..., None] + wearing_off[..., None] * grid.fade[bins] + timed)
