"""What is believed before the data: published log hazard ratios where there are any, no effect where there are none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from model.onset.hazard import CLOCK_MONTHS

if TYPE_CHECKING:
    from model.features import Feature
    from model.onset.scaling import Scaling
    from model.study.definition import Study
    from model.study.entries import Prior
    from model.types import FloatArray, IntArray

# Effects about which nothing is published, per standard deviation of the feature: all together they are believed to
# spread the log hazard by this much, each by its share, until the data say how far such effects really lie from none;
# this belief weighs as much as ten of them. Time itself may matter more.
UNKNOWN_SD = 0.5
UNKNOWN_WEIGHT = 10.0
TIME_SD = 1.0
# What boosting says is taken at its word, up to this; of another cause's trees nothing is taken.
TREES_SD = 0.25
NOT_ITS_OWN = 1e-3
# The power of a published hazard is a shape read off a few points in time.
CLOCK_SD = 0.25
# The hazard's shape past the landmark: its log may change by about this much from one bin to the next.
SHAPE_STEP_SD = 0.5
# The level of a hazard: as if half an event had been seen, and uncertain by a factor of e^2.
LEVEL_SD = 2.0


KNOWN, BASELINE, MARKER = -1, 0, 1


@dataclass(frozen=True)
class HazardPrior:
    """Normal prior of the parameters of one cause, on the scale of the scores.

    Attributes
    ----------
    level, level_sd : log hazard per month a year after the origin, of a patient whose scores are all 0
    clock, clock_sd : the hazard's power of time
    mean, sd : (n_scores + n_fading,) effects of the scores, then the fading parts
    n_scores : how many are effects of scores
    unknown : (n_scores + n_fading,) group of effects about which nothing is published, -1 for all others
    """

    level: float
    level_sd: float
    clock: float
    clock_sd: float
    mean: FloatArray
    sd: FloatArray
    n_scores: int
    unknown: IntArray


def hazard_prior(
    study: Study,
    features: tuple[Feature, ...],
    scaling: Scaling,
    *,
    cause: int,
    events: float,
    exposure: float,
) -> HazardPrior:
    """Translate what the study states about one cause to the scale of the scores.

    Parameters
    ----------
    events, exposure : of the cohort, in months: they set the vague level of a hazard about which nothing is published
    """
    event = study.event[cause - 1]
    fading = sum(feature.fades for feature in features)
    mean, sd = np.zeros(scaling.n_scores + fading), np.ones(scaling.n_scores + fading)
    unknown = np.full(len(mean), BASELINE)
    unknown[[index for index, feature in enumerate(features) if feature.fades]] = MARKER
    unknown[scaling.n_scores :] = MARKER
    time = [index for index, feature in enumerate(features) if feature.what == "time"]
    sd[time], unknown[time] = TIME_SD, KNOWN
    unknown[np.flatnonzero(~(scaling.high > scaling.low))] = KNOWN  # Where nobody differs there is no width to learn.
    for index, prior in published_effects(study, features, event=event.name).items():
        mean[index] = prior.log_hazard_ratio * scaling.scale[index]
        sd[index] = prior.sd * scaling.scale[index]
        unknown[index] = KNOWN
    sd[unknown != KNOWN] = _each(unknown)
    n_causes = len(scaling.trees)
    for other, index in enumerate(range(scaling.n_scores - n_causes, scaling.n_scores), 1):
        mean[index], sd[index] = (1.0, TREES_SD) if other == cause else (0.0, NOT_ITS_OWN)
        unknown[index] = KNOWN
    if event.prior is None:
        level = float(np.log((events + 0.5) / max(exposure, 1e-12)))
        return HazardPrior(level, LEVEL_SD, 0.0, TIME_SD, mean, sd, scaling.n_scores, unknown)
    power, by = event.prior.power, event.prior.by * study.months_per_unit
    at_a_year = event.prior.cumulative_hazard * power / CLOCK_MONTHS * (CLOCK_MONTHS / by) ** power
    away = scaling.reference_scores(study, features) @ mean[: len(features)]
    level = float(np.log(at_a_year) - away)
    return HazardPrior(level, event.prior.log_sd, power - 1.0, CLOCK_SD, mean, sd, scaling.n_scores, unknown)


def without_markers(prior: HazardPrior) -> HazardPrior:
    """Believe that markers do not move the hazard: of what has begun they speak afterwards, not before."""
    of_marker = prior.unknown == MARKER
    sd, unknown = np.where(of_marker, NOT_ITS_OWN, prior.sd), np.where(of_marker, KNOWN, prior.unknown)
    return replace(prior, sd=sd, unknown=unknown)


def with_learned_widths(prior: HazardPrior, effects: FloatArray, variance: FloatArray) -> HazardPrior:
    """Widen or narrow what is believed of unknown effects by how far they were found to lie from none.

    effects, variance : (n_effects,) estimate and posterior variance, the fading parts perhaps not among them

    One step of EM for the variance of each group, with an inverse-gamma belief around each one's share of UNKNOWN_SD.
    """
    sd = prior.sd.copy()
    here = prior.unknown[: len(effects)]
    for group in (BASELINE, MARKER):
        inside = here == group
        total = np.sum(effects[inside] ** 2 + variance[inside]) + UNKNOWN_WEIGHT * _each(prior.unknown) ** 2
        sd[prior.unknown == group] = np.sqrt(total / (inside.sum() + UNKNOWN_WEIGHT))
    return replace(prior, sd=sd)


def _each(unknown: IntArray) -> float:
    return UNKNOWN_SD / float(np.sqrt(max((unknown != KNOWN).sum(), 1)))


def published_effects(study: Study, features: tuple[Feature, ...], *, event: str) -> dict[int, Prior]:
    """Find the features whose effect on an event the study states, by position."""
    stated = {(item.name, prior.level): prior for item in study.baseline for prior in item.prior.get(event, ())}
    places = ((feature.source, feature.level) for feature in features)
    return {index: stated[place] for index, place in enumerate(places) if place in stated}
