"""Whether anything is found where nothing is: a world in which no covariate and no marker matters.

Fitted twice: without the published effects as priors, and with them. With them a feature that has one is pulled
towards an effect that is not true here, so that its interval ought to exclude 0 the more the prior is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from examples.truth.cohorts import ANY, HORIZONS, LANDMARKS, study_of
from examples.truth.judged import trained
from examples.truth.scores import score
from examples.truth.tables import header, line, with_interval
from model.audit.resampling import patient_weights
from model.features import feature_list
from model.forecast import BAND
from synthetic_data.parameters import CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.truth.options import Options
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray

PRIORS = {False: "no published effects", True: "published effects (default)"}


def report(options: Options) -> Iterator[str]:
    """Scaled Brier score of any recurrence, then the share of intervals that exclude 0."""
    study = study_of(options.variant)
    fits = {
        published: trained(study, options.variant, patients=options.patients, published=published)
        for published in PRIORS
    }
    fresh = fits[True].fresh
    yield from header("from month", "within", *(f"scaled Brier, {name}" for name in PRIORS.values()))
    for landmark in LANDMARKS:
        who = fresh.followed(landmark)
        weight = patient_weights(len(who), seed=1)
        risks = [judged.predicted(who, landmark)[:, :, ANY] for judged in fits.values()]
        for index, horizon in enumerate(HORIZONS):
            happened = fresh.happened(who, landmark + horizon)[:, ANY]
            scaled = (score(risk[:, index], happened, weight).scaled_brier for risk in risks)
            yield line(landmark, horizon, *(with_interval(draws, digits=4) for draws in scaled))
    yield ""
    yield from header("prior", "cause", "intervals excluding 0: no effect published", "effect published")
    for published, judged in fits.items():
        for index, cause in enumerate(CAUSES):
            excluded = excluding_zero(judged.predictor.causes[index].hazard.draws.steady)
            shares = [f"{excluded[kind].sum()} of {kind.sum()}" for kind in kinds(study, cause, len(excluded))]
            yield line(PRIORS[published], cause, *shares)


def excluding_zero(draws: FloatArray) -> BoolArray:
    """Whether each effect's 95 % interval excludes 0, (n_draws, n_effects) to (n_effects,)."""
    low, high = np.quantile(draws, BAND, axis=0)
    return np.asarray((low > 0.0) | (high < 0.0))


def kinds(study: Study, event: str, n_effects: int) -> tuple[BoolArray, BoolArray]:
    """Which effects on an event have no published value, and which have, each (n_effects,).

    The effects of time itself are neither. Scores beyond the features say that a source is blank: not published.
    """
    published = {(baseline.name, prior.level) for baseline in study.baseline for prior in baseline.prior.get(event, ())}
    features = feature_list(study)
    believed, timed = np.zeros(n_effects, dtype=bool), np.zeros(n_effects, dtype=bool)
    believed[: len(features)] = [(feature.source, feature.level) in published for feature in features]
    timed[: len(features)] = [feature.what == "time" for feature in features]
    return ~believed & ~timed, believed
