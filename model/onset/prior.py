"""What is believed before the data: published log hazard ratios where there are any, no effect where there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.features import Feature
    from model.onset.scaling import Scaling
    from model.study import Study
    from model.types import FloatArray

# Per standard deviation of the feature. Without a published effect, two in three are believed to lie within a hazard
# ratio of 1.16 either way. Time itself may matter more.
UNKNOWN_SD = 0.15
TIME_SD = 1.0
# The hazard's shape past the landmark: its log may change by about this much from one bin to the next.
SHAPE_STEP_SD = 0.5
# The level of a hazard: as if half an event had been seen, and uncertain by a factor of e^2.
LEVEL_SD = 2.0


@dataclass(frozen=True)
class CoefficientPrior:
    """Normal prior of the coefficients of one cause, on the scale of the scores.

    Attributes
    ----------
    mean, sd : (n_scores + n_fading,) effects of the scores, then the fading parts
    """

    mean: FloatArray
    sd: FloatArray


def coefficient_prior(
    study: Study, features: tuple[Feature, ...], scaling: Scaling, *, event: str, published: bool = True
) -> CoefficientPrior:
    """Translate the study's published effects on one event to the scale of the scores."""
    mean = np.zeros(scaling.n_scores)
    sd = np.full(scaling.n_scores, UNKNOWN_SD)
    priors = {baseline.name: baseline.prior.get(event, ()) for baseline in study.baseline}
    for index, feature in enumerate(features):
        if feature.what == "time":
            sd[index] = TIME_SD
        for prior in priors.get(feature.source, ()) if published else ():
            if prior.level == feature.level:
                mean[index] = prior.log_hazard_ratio * scaling.scale[index]
                sd[index] = prior.sd * scaling.scale[index]
    fading = sum(feature.fades for feature in features)
    return CoefficientPrior(np.append(mean, np.zeros(fading)), np.append(sd, np.full(fading, UNKNOWN_SD)))
