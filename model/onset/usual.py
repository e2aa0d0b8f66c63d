"""What a marker's last value is in patients like this one, most of whom have nothing: what it says lies beyond that.

Chromogranin is two to three times as high under a proton-pump inhibitor, whatever else there is. So a reading counts
by how far it lies from what the patient's baselines lead one to expect, in standard deviations of what they leave open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from model.types import FloatArray, IntArray

# Patients in whom markers have nothing to do with baselines, beside those of the cohort.
IMAGINED = 20.0
LEAST_SD = 1e-6


@dataclass(frozen=True)
class UsualMarkers:
    """Expected standard score of each marker's last value: straight lines in the standard scores of the baselines.

    Attributes
    ----------
    effect : (n_markers, 1 + n_first) the constant, then of each baseline
    sd : (n_markers,) of what they leave open
    """

    effect: FloatArray
    sd: FloatArray

    @classmethod
    def unrelated(cls, n_markers: int, n_first: int) -> Self:
        """Nothing is expected of the baselines."""
        return cls(np.zeros((n_markers, 1 + n_first)), np.ones(n_markers))

    @classmethod
    def learn(cls, last: FloatArray, baselines: FloatArray, patient: IntArray) -> Self:
        """Fit by least squares, each patient counting once, however many rows there are.

        last : (n_rows, n_markers) NaN where never measured; baselines : (n_rows, n_first); patient : (n_rows,)
        """
        found = cls.unrelated(last.shape[1], baselines.shape[1])
        design = _with_constant(baselines)
        penalty = np.diag([0.0, *np.full(baselines.shape[1], IMAGINED)])
        for marker, value in enumerate(last.T):
            known = ~np.isnan(value)
            if not known.any():
                continue
            weight = 1.0 / np.bincount(patient[known])[patient[known]]
            weighted = design[known] * weight[:, None]
            found.effect[marker] = np.linalg.solve(weighted.T @ design[known] + penalty, weighted.T @ value[known])
            left = value[known] - design[known] @ found.effect[marker]
            found.sd[marker] = max(np.sqrt(np.average(left**2, weights=weight)), LEAST_SD)
        return found

    def beyond(self, last: FloatArray, baselines: FloatArray) -> FloatArray:
        """How far values lie from what is expected, (n_rows, n_markers), in standard deviations."""
        return np.asarray((last - _with_constant(baselines) @ self.effect.T) / self.sd)


def _with_constant(baselines: FloatArray) -> FloatArray:
    return np.concatenate([np.ones((len(baselines), 1)), baselines], axis=1)
