"""Bends in the effect of a number: restricted cubic splines, beside the straight line that every score has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from model.features import Feature
    from model.types import FloatArray, IntArray

# Harrell's places for four knots: two bends.
KNOT_QUANTILES = (0.05, 0.35, 0.65, 0.95)
N_BENDS = len(KNOT_QUANTILES) - 2
BENT = ("value", "last")


@dataclass(frozen=True)
class Splines:
    """Which scores bend, and how their bends become columns of mean 0 and sd 1 that the straight line cannot explain.

    Attributes
    ----------
    column : (n_bent,) position of the score
    knot : (n_bent, 4) on the scale of the scores
    intercept, slope, scale : (n_bent, 2) of each bend: (bend - intercept - slope score) / scale
    """

    column: IntArray
    knot: FloatArray
    intercept: FloatArray
    slope: FloatArray
    scale: FloatArray

    @classmethod
    def none(cls) -> Self:
        """Nothing bends."""
        return cls(np.zeros(0, dtype=np.int64), np.zeros((0, len(KNOT_QUANTILES))), *(np.zeros((0, N_BENDS)),) * 3)

    @classmethod
    def learn(cls, scores: FloatArray, known: FloatArray, features: tuple[Feature, ...]) -> Self:
        """Place knots at quantiles of what is known; a score with too few different values stays straight.

        scores : (n_rows, n_scores); known : (n_rows, n_features) whether each feature is
        """
        columns, knots = [], []
        for index, feature in enumerate(features):
            values = scores[known[:, index], index]
            if feature.what in BENT and len(values):
                knot = np.quantile(values, KNOT_QUANTILES)
                if (np.diff(knot) > 1e-6).all():
                    columns.append(index)
                    knots.append(knot)
        n_bent = (len(columns), N_BENDS)
        flat = cls(np.array(columns, dtype=np.int64), np.array(knots).reshape(-1, 4), *_straight(n_bent))
        bends = flat.columns(scores).reshape(len(scores), *n_bent)
        line = scores[:, flat.column]
        away = line - line.mean(axis=0)
        slope = np.einsum("rb,rbj->bj", away, bends) / np.maximum((away**2).sum(axis=0), 1e-12)[:, None]
        intercept = bends.mean(axis=0) - slope * line.mean(axis=0)[:, None]
        left = bends - intercept - slope * line[:, :, None]
        return cls(flat.column, flat.knot, intercept, slope, np.maximum(left.std(axis=0), 1e-9))

    @property
    def n_columns(self) -> int:
        """How many columns `columns` returns."""
        return self.scale.size

    def columns(self, scores: FloatArray) -> FloatArray:
        """Return the bends, (n_rows, n_columns), of scores, (n_rows, n_scores)."""
        line = scores[:, self.column]
        above = np.maximum(line[:, :, None] - self.knot, 0.0) ** 3
        last, before = self.knot[:, 3:], self.knot[:, 2:3]
        first = self.knot[:, :N_BENDS]
        tail = above[:, :, 2:3] * (last - first) - above[:, :, 3:] * (before - first)
        bend = (above[:, :, :N_BENDS] - tail / (last - before)) / (last - self.knot[:, :1]) ** 2
        standard = (bend - self.intercept - self.slope * line[:, :, None]) / self.scale
        return np.asarray(standard.reshape(len(scores), self.n_columns))


def _straight(shape: tuple[int, int]) -> tuple[FloatArray, FloatArray, FloatArray]:
    return np.zeros(shape), np.zeros(shape), np.ones(shape)
