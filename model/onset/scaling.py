"""Features to standard scores: a missing one takes what is expected of it, and a column of its own says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from model.features import transformed
from model.onset.missing import Baselines, JointNormal
from model.onset.splines import N_BENDS, Splines
from model.onset.usual import UsualMarkers

if TYPE_CHECKING:
    from model.features import Feature
    from model.onset.boosting import Trees
    from model.study.definition import Study
    from model.types import FloatArray, IntArray

INTERPLAY = "interplay"


@dataclass(frozen=True)
class Scaling:
    """How features become scores.

    Attributes
    ----------
    mean, scale : (n_features,) over the training rows where known; a feature without spread has scale 1
    low, high : (n_features,) the range met in training, NaN if never known
    flagged : (n_flags,) features whose absence has a column: the first of each source that was ever missing
    baselines : how the standard scores of the first features, those of the baselines, go together
    splines : bends of some scores
    usual : what markers are expected to be of the baselines
    trees : one sum of trees per cause, or none: what boosting adds to the log hazard is a score of its own
    """

    mean: FloatArray
    scale: FloatArray
    low: FloatArray
    high: FloatArray
    flagged: IntArray
    baselines: JointNormal
    splines: Splines
    usual: UsualMarkers
    trees: tuple[Trees, ...] = ()

    @classmethod
    def learn(cls, features: FloatArray, described: tuple[Feature, ...], baseline: FloatArray) -> Self:
        """Learn from training rows, (n_rows, n_features), and from their patients' baselines, (n_patients, n_first).

        Nothing bends yet, and nothing is expected of the markers.
        """
        known = ~np.isnan(features)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, features, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(known, features - mean, 0.0) ** 2).sum(axis=0) / count)
        ever = np.asarray(known.any(axis=0))
        low = np.where(known, features, np.inf).min(axis=0, initial=np.inf)
        high = np.where(known, features, -np.inf).max(axis=0, initial=-np.inf)
        first = {feature.source: index for index, feature in reversed(list(enumerate(described)))}
        some_missing = np.asarray(~known.all(axis=0) & ever)
        scale = np.where(spread > 1e-9, spread, 1.0)
        n_first = baseline.shape[1]
        return cls(
            mean=mean,
            scale=scale,
            low=np.where(ever, low, np.nan),
            high=np.where(ever, high, np.nan),
            flagged=np.array([index for index in sorted(first.values()) if some_missing[index]], dtype=np.int64),
            baselines=JointNormal.learn((baseline - mean[:n_first]) / scale[:n_first]),
            splines=Splines.none(),
            usual=UsualMarkers.unrelated(sum(feature.what == "last" for feature in described), n_first),
        )

    @property
    def n_first(self) -> int:
        """Number of features of the baselines, which come first."""
        return len(self.baselines.mean)

    @property
    def n_scores(self) -> int:
        """Number of columns that `apply` returns."""
        return len(self.mean) + len(self.flagged) + self.splines.n_columns + len(self.trees)

    def sources(self, features: tuple[Feature, ...]) -> tuple[str, ...]:
        """Study column that each score comes from, (n_scores,); trees come from many and are called "interplay"."""
        by_feature = [feature.source for feature in features]
        flags = [by_feature[index] for index in self.flagged]
        bends = [by_feature[index] for index in np.repeat(self.splines.column, N_BENDS)]
        return (*by_feature, *flags, *bends, *(INTERPLAY for _ in self.trees))

    def reference_scores(self, study: Study, features: tuple[Feature, ...]) -> FloatArray:
        """Scores of the reference patient, (n_features,): baselines at their reference, everything else average."""
        value = np.array(self.mean)
        stated = {item.name: item for item in study.baseline}
        for index, feature in enumerate(features):
            item = stated.get(feature.source)
            if item is not None and item.kind != "number":
                value[index] = 0.0
            elif item is not None and item.reference is not None:
                value[index] = transformed(np.array(item.reference), item.transform)
        return (value - self.mean) / self.scale

    def baselines_of(self, first: FloatArray) -> Baselines:
        """Put patients' first features, (n_patients, n_first), on the scale of the scores and complete them."""
        n_first = first.shape[1]
        return Baselines((first - self.mean[:n_first]) / self.scale[:n_first], self.baselines)

    def apply(self, features: FloatArray, completed: FloatArray) -> FloatArray:
        """Return (n_rows, n_scores): standard scores, 1 where a source is missing, bends, what each cause's trees add.

        completed : (n_rows, n_first) of each row's patient, from `baselines_of`; whatever else is missing scores 0
        """
        missing = np.isnan(features)
        scores = np.where(missing, 0.0, (features - self.mean) / self.scale)
        scores[:, : completed.shape[1]] = completed
        scores = np.concatenate([scores, missing[:, self.flagged].astype(float)], axis=1)
        parts = [scores, self.splines.columns(scores), *(trees.log_ratio(scores)[:, None] for trees in self.trees)]
        return np.concatenate(parts, axis=1)
