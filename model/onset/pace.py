"""How fast each patient's recurrence would grow, as far as the baselines say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from model.features import feature_list, transformed
from model.onset.growth import growth_of
from model.onset.prior import published_effects

if TYPE_CHECKING:
    from model.onset.growth import Growth
    from model.onset.missing import Baselines
    from model.onset.scaling import Scaling
    from model.study.definition import Study
    from model.types import FloatArray


@dataclass(frozen=True)
class PaceRule:
    """How the baselines of a patient move the pace of one cause.

    Attributes
    ----------
    per_score : (n_first,) what each first score adds to the log pace
    usual : log pace where all scores are 0
    effect : (n_first,) published effect of each first score on the hazard, 0 where there is none
    """

    study: Study
    cause: int
    per_score: FloatArray
    usual: float
    effect: FloatArray

    @classmethod
    def of(cls, study: Study, cause: int, scaling: Scaling) -> Self:
        """Translate the study's statement to the scale of the scores."""
        event = study.event[cause - 1]
        n_first = len(scaling.baselines.mean)
        described = feature_list(study)[:n_first]
        per_score, effect, usual = np.zeros(n_first), np.zeros(n_first), 0.0
        for at, prior in published_effects(study, described, event=event.name).items():
            effect[at] = prior.log_hazard_ratio * scaling.scale[at]
        sources = [feature.source for feature in described]
        for item in study.baseline:
            if item.name in event.pace:
                at = sources.index(item.name)
                per_score[at] = event.pace[item.name] * scaling.scale[at]
                reference = float(transformed(np.array(item.reference), item.transform))
                usual += event.pace[item.name] * (scaling.mean[at] - reference)
        return cls(study, cause, per_score, usual, effect)

    def growth(self, baselines: Baselines) -> Growth:
        """Growth in patients of whom the baselines are known.

        Where a column of the pace is missing it takes its mean and spread given the known baselines, in those in whom
        the cause begins: a published effect of the column on the hazard moves that mean (normal times exponential).
        """
        log_pace = self.usual + baselines.expected @ self.per_score
        variance = np.zeros(len(log_pace))
        lacking = np.flatnonzero(np.isnan(baselines.recorded[:, self.per_score != 0]).any(axis=1))
        if len(lacking):
            by_pattern, of_patient = baselines.spread_by_pattern
            unknown = (by_pattern @ self.per_score)[of_patient[lacking]]
            log_pace[lacking] += unknown @ self.effect
            variance[lacking] = unknown @ self.per_score
        return growth_of(self.study, self.cause, log_pace, variance)

    def share(self, baselines: Baselines, growth: Growth, *, guesses: FloatArray) -> FloatArray:
        """Probability of each pace where the missing baselines are what a draw says, (n_draws, n_patients, n_paces).

        guesses : (n_draws, n_patients, n_first) from Baselines.guesses
        """
        log_pace = self.usual + (baselines.expected + guesses) @ self.per_score
        return growth.share_given(log_pace, self.study.event[self.cause - 1].pace_log_sd)
