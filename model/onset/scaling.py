"""Features to standard scores: missing ones take the training mean, and a column of their own says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from model.features import Feature
    from model.types import FloatArray, IntArray


@dataclass(frozen=True)
class Scaling:
    """How features become scores.

    Attributes
    ----------
    mean, scale : (n_features,) over the training rows where known; a feature without spread has scale 1
    low, high : (n_features,) the range met in training, NaN if never known
    flagged : (n_flags,) features whose absence has a column: the first of each source that was ever missing
    """

    mean: FloatArray
    scale: FloatArray
    low: FloatArray
    high: FloatArray
    flagged: IntArray

    @classmethod
    def learn(cls, features: FloatArray, described: tuple[Feature, ...]) -> Self:
        """Learn from training rows, (n_rows, n_features)."""
        known = ~np.isnan(features)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, features, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(known, features - mean, 0.0) ** 2).sum(axis=0) / count)
        ever = np.asarray(known.any(axis=0))
        low = np.where(known, features, np.inf).min(axis=0, initial=np.inf)
        high = np.where(known, features, -np.inf).max(axis=0, initial=-np.inf)
        first = {feature.source: index for index, feature in reversed(list(enumerate(described)))}
        some_missing = np.asarray(~known.all(axis=0) & ever)
        return cls(
            mean=mean,
            scale=np.where(spread > 1e-9, spread, 1.0),
            low=np.where(ever, low, np.nan),
            high=np.where(ever, high, np.nan),
            flagged=np.array([index for index in sorted(first.values()) if some_missing[index]], dtype=np.int64),
        )

    @property
    def n_scores(self) -> int:
        """Number of columns that `apply` returns."""
        return len(self.mean) + len(self.flagged)

    def apply(self, features: FloatArray) -> FloatArray:
        """Return (n_rows, n_features + n_flags): standard scores, 0 where missing, then 1 where a source is missing."""
        missing = np.isnan(features)
        scores = np.where(missing, 0.0, (features - self.mean) / self.scale)
        return np.concatenate([scores, missing[:, self.flagged].astype(float)], axis=1)
