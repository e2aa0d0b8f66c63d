"""The log hazard of one cause past a landmark: a shape in time, steady effects, and effects that fade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.onset.grid import TimeGrid
    from model.types import FloatArray, IntArray


@dataclass(frozen=True)
class Parameters:
    """Coefficients of one cause, or of many draws of them.

    log h(w | z) = shape[bin of w] + z . steady + fade(w) (z[fading] . wearing_off)

    Attributes
    ----------
    shape : (..., n_bins) log hazard per month of a patient whose scores are all 0
    steady : (..., n_scores)
    wearing_off : (..., n_fading)
    """

    shape: FloatArray
    steady: FloatArray
    wearing_off: FloatArray

    @classmethod
    def unpack(cls, vector: FloatArray, *, n_bins: int, n_scores: int) -> Parameters:
        """Cut a flat vector, or a stack of them, (..., n_parameters)."""
        return cls(vector[..., :n_bins], vector[..., n_bins : n_bins + n_scores], vector[..., n_bins + n_scores :])

    def pack(self) -> FloatArray:
        """Join everything into one vector, (..., n_parameters)."""
        return np.concatenate([self.shape, self.steady, self.wearing_off], axis=-1)


def linear_parts(parameters: Parameters, scores: FloatArray, fading: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the steady and the fading part of the log hazard, each (n_rows,), or (n_rows, n_draws) for draws."""
    return scores @ parameters.steady.T, scores[:, fading] @ parameters.wearing_off.T


def log_hazard(
    parameters: Parameters, scores: FloatArray, fading: IntArray, grid: TimeGrid, bins: IntArray
) -> FloatArray:
    """Log hazard per month in given hazard bins, (n_rows, n_bins) or (n_rows, n_draws, n_bins).

    Parameters
    ----------
    scores : (n_rows, n_scores) at each row's landmark
    fading : (n_fading,) which scores have a part that wears off
    bins : (n_bins,) hazard bins to evaluate
    """
    steady, wearing_off = linear_parts(parameters, scores, fading)
    return steady[..., None] + wearing_off[..., None] * grid.fade[bins] + parameters.shape[..., bins]
