"""Mean and spread of every input in the training cohort, as far as the model keeps them, and in another cohort."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from model.features import at_landmark, baseline_features
from model.landmarks import at_risk
from model.onset.missing import JointNormal

if TYPE_CHECKING:
    from model.predictor import Predictor
    from model.types import BoolArray, FloatArray, Histories, IntArray, Outcomes

PATIENTS_AT_ONCE = 500
LEAST_SPREAD = 1e-9  # What is less is rounding.


@dataclass(frozen=True)
class Moments:
    """Some features in both cohorts, the training cohort first; NaN where nothing is known.

    Attributes
    ----------
    column : (n_columns,) which of the model's features
    mean, sd : (2, n_columns) on the scale that the study models the input on
    """

    column: IntArray
    mean: FloatArray
    sd: FloatArray

    @property
    def difference(self) -> FloatArray:
        """Means here minus there, in standard deviations pooled over both, (n_columns,); NaN without any spread."""
        pooled = np.sqrt((self.sd**2).mean(axis=0))
        away = self.mean[1] - self.mean[0]
        return np.asarray(np.divide(away, pooled, out=np.full_like(away, np.nan), where=pooled > LEAST_SPREAD))


@dataclass(frozen=True)
class Baselines:
    """Baselines of both cohorts as joint normals of the model's standard scores, the training cohort first.

    Attributes
    ----------
    known : (n_first,) features that both cohorts know of somebody
    """

    normals: tuple[JointNormal, JointNormal]
    known: BoolArray

    @classmethod
    def of(cls, predictor: Predictor, histories: Histories) -> Baselines:
        """Learn here what the model learned there, in the same way: what is blank is made up from what is known."""
        scaling = predictor.scaling
        scores = scaling.baselines_of(baseline_features(predictor.study, histories.baseline)).recorded
        here = np.asarray(~np.isnan(scores).all(axis=0))
        return cls((scaling.baselines, JointNormal.learn(scores)), here & np.isfinite(scaling.low[: len(here)]))

    def moments(self, predictor: Predictor) -> Moments:
        """Back on the scale of the inputs."""
        n_first = len(self.known)
        scale, middle = predictor.scaling.scale[:n_first], predictor.scaling.mean[:n_first]
        mean = np.stack([middle + scale * normal.mean for normal in self.normals])
        sd = np.stack([scale * np.sqrt(np.diag(normal.covariance)) for normal in self.normals])
        unknown = np.where(self.known, 0.0, np.nan)
        return Moments(np.arange(n_first), mean + unknown, sd + unknown)

    def told_apart(self, error: FloatArray) -> float:
        """How often the best linear rule would say rightly which of two patients, one of each cohort, is from where.

        error : (n_first,) variance of the difference of the means, in units of the variance; what it alone would make
            of two equal cohorts is taken off

        Normal(distance / sqrt 2), distance that of Mahalanobis: 0.5 is not at all, 1 always.
        """
        there, here = self.normals
        both = ((there.covariance + here.covariance) / 2)[np.ix_(self.known, self.known)]
        away = (here.mean - there.mean)[self.known]
        root = np.sqrt(error[self.known])
        by_chance = np.trace(np.linalg.solve(both, both * np.outer(root, root)))
        squared = max(float(away @ np.linalg.solve(both, away) - by_chance), 0.0)
        return float(norm.cdf(np.sqrt(squared / 2)))


def surveillance_moments(predictor: Predictor, histories: Histories, outcomes: Outcomes) -> Moments:
    """Last value of each marker and time since each test, over patients and landmarks as in training."""
    scaling, grid = predictor.scaling, predictor.grid
    wanted = np.array(
        [i for i, each in enumerate(predictor.features) if each.what in ("last", "since")], dtype=np.int64
    )
    middle, scale = scaling.mean[wanted], scaling.scale[wanted]
    count, total, square = np.zeros((3, len(wanted)))
    for start in range(0, len(histories), PATIENTS_AT_ONCE):
        who = np.arange(start, min(start + PATIENTS_AT_ONCE, len(histories)))
        rows = at_risk(grid.landmark_month, outcomes.exit_month[who])
        features = at_landmark(predictor.study, histories.select(who), rows.patient, rows.landmark_month)
        score = (features[:, wanted] - middle) / scale
        count += (~np.isnan(score)).sum(axis=0)
        total += np.nansum(score, axis=0)
        square += np.nansum(score**2, axis=0)
    seen = np.where(count > 0, count, np.nan)
    mean = total / seen
    sd = np.sqrt(np.maximum(square / seen - mean**2, 0.0))
    low, high = scaling.low[wanted], scaling.high[wanted]
    never = np.where(np.isfinite(low), 0.0, np.nan)
    return Moments(
        wanted,
        np.stack([middle + never, middle + scale * mean]),
        np.stack([np.where(high > low, scale, 0.0) + never, scale * sd]),
    )
