"""How fast each patient's recurrence would grow, as far as the baselines say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.features import feature_list, transformed
from model.onset.growth import Growth, growth_of
from model.onset.prior import published_effects

if TYPE_CHECKING:
    from model.onset.missing import Baselines
    from model.onset.scaling import Scaling
    from model.study import Study
    from model.types import FloatArray


def patient_growth(study: Study, cause: int, scaling: Scaling, baselines: Baselines) -> Growth:
    """Growth of one cause in patients of whom the baselines are known.

    Notes
    -----
    Where a column of the pace is missing it takes its mean and spread given the known baselines, in those in whom the
    cause begins: a published effect of the column on the hazard moves that mean (normal times exponential).
    """
    per_score, usual = _of_scores(study, cause, scaling)
    log_pace = usual + baselines.expected @ per_score
    variance = np.zeros(len(log_pace))
    lacking = np.flatnonzero(np.isnan(baselines.recorded[:, per_score != 0]).any(axis=1))
    if len(lacking):
        described = feature_list(study)[: len(per_score)]
        effect = np.zeros(len(per_score))
        for at, prior in published_effects(study, described, event=study.event[cause - 1].name).items():
            effect[at] = prior.log_hazard_ratio * scaling.scale[at]
        unknown = scaling.baselines.spread(np.isnan(baselines.recorded[lacking])) @ per_score
        log_pace[lacking] += unknown @ effect
        variance[lacking] = unknown @ per_score
    return growth_of(study, cause, log_pace, variance)


def guessed_share(
    study: Study, cause: int, scaling: Scaling, baselines: Baselines, growth: Growth, *, guesses: FloatArray
) -> FloatArray:
    """Probability of each pace where the missing baselines are what a draw says, (n_draws, n_patients, n_paces).

    guesses : (n_draws, n_patients, n_first) from Baselines.guesses
    """
    per_score, usual = _of_scores(study, cause, scaling)
    log_pace = usual + (baselines.expected + guesses) @ per_score
    return growth.share_given(log_pace, study.event[cause - 1].pace_log_sd)


def _of_scores(study: Study, cause: int, scaling: Scaling) -> tuple[FloatArray, float]:
    """Return what each first score adds to the log pace, (n_first,), and the log pace where all of them are 0."""
    stated = study.event[cause - 1].pace
    n_first = len(scaling.baselines.mean)
    per_score, at_zero = np.zeros(n_first), 0.0
    sources = [feature.source for feature in feature_list(study)[:n_first]]
    for item in study.baseline:
        if item.name in stated:
            at = sources.index(item.name)
            per_score[at] = stated[item.name] * scaling.scale[at]
            reference = float(transformed(np.array(item.reference), item.transform))
            at_zero += stated[item.name] * (scaling.mean[at] - reference)
    return per_score, at_zero
