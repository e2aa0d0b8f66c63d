"""What markers say of what has begun unseen, for the facts of a model: odds ratios with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from model.onset.presence import COLUMNS_PER_MARKER, N_STAGES

if TYPE_CHECKING:
    from model.onset.estimate import CauseFit
    from model.predictor import Predictor
    from model.study.entries import Event

# In the order of `model.onset.presence`.
STAGES = ("first half of the way to onset", "second half of the way to onset", "past onset")
ASPECTS = ("last", "trend")
Z95 = 1.96


def presence_effects(predictor: Predictor, event: Event, fit: CauseFit) -> list[dict[str, Any]]:
    """List by what a marker's last value and trend multiply the odds of each stage, against nothing having begun.

    Returns
    -------
    Rows {event, marker, what, stage, sd, odds_ratio{value, low, high}}: the ratio is per `sd`, one standard deviation
    over the landmarks of training on the scale of the study's transform, of a reading from when markers were last
    measured. Empty for an event whose time is known, and without markers. Where nothing grows before its onset, only
    the last stage exists.
    """
    if fit.presence is None:
        return []
    effect = fit.presence.best.effect
    error = np.sqrt(np.diag(fit.presence.covariance)).reshape(effect.shape)
    ratio = np.exp(effect + np.multiply.outer(Z95 * np.array([0.0, -1.0, 1.0]), error))
    scale = {feature.name: sd for feature, sd in zip(predictor.features, predictor.scaling.scale, strict=False)}
    return [
        {
            "event": event.name,
            "marker": marker.name,
            "what": what,
            "stage": STAGES[stage],
            "sd": float(scale[f"{marker.name}_{what}"]),
            "odds_ratio": dict(zip(("value", "low", "high"), ratio[:, stage, column].tolist(), strict=True)),
        }
        for index, marker in enumerate(predictor.study.marker)
        for column, what in enumerate(ASPECTS, COLUMNS_PER_MARKER * index + 1)
        for stage in range(0 if event.lead else N_STAGES - 1, N_STAGES)
    ]
