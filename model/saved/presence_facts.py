"""What markers say of what has begun unseen, for the facts of a model: odds ratios with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from model.onset.presence import COLUMNS_PER_MARKER, N_STAGES

if TYPE_CHECKING:
    from model.onset.estimate import CauseFit
    from model.onset.presence_fit import PresenceFit
    from model.predictor import Predictor
    from model.study.entries import Event
    from model.types import FloatArray

# In the order of `model.onset.presence`.
STAGES = ("first half of the way to onset", "second half of the way to onset", "past onset")
# What a reading says beyond what is usual, one and three standard deviations above it, and its trend one above none: by
# the columns of a marker, which are a constant, the value beyond the usual, its square, and the trend.
ASPECTS = {"last": (0.0, 1.0, 1.0, 0.0), "last, 3 sd": (0.0, 3.0, 9.0, 0.0), "trend": (0.0, 0.0, 0.0, 1.0)}
Z95 = 1.96


def presence_effects(predictor: Predictor, event: Event, fit: CauseFit) -> list[dict[str, Any]]:
    """List by what a marker's last value and trend multiply the odds of each stage, against nothing having begun.

    Returns
    -------
    Rows {event, marker, what, stage, sd, odds_ratio{value, low, high}}: against a reading as usual in patients with the
    same baselines, of one that lies so many `sd` above, from when markers were last measured; a `sd` is on the scale of
    the study's transform, of what baselines leave open. Of a trend, against none, per standard deviation over the
    landmarks of training. Empty for an event whose time is known, and without markers. Where nothing grows before its
    onset, only the last stage exists.
    """
    if fit.presence is None:
        return []
    scale = {feature.name: sd for feature, sd in zip(predictor.features, predictor.scaling.scale, strict=False)}
    rows = []
    for index, marker in enumerate(predictor.study.marker):
        sd = {"trend": scale[f"{marker.name}_trend"]}
        sd["last"] = sd["last, 3 sd"] = scale[f"{marker.name}_last"] * predictor.scaling.usual.sd[index]
        for what, steps in ASPECTS.items():
            for stage in range(0 if event.lead else N_STAGES - 1, N_STAGES):
                ratio = _ratio(fit.presence.of(fit.place), stage, index, np.array(steps))
                rows.append(
                    {
                        "event": event.name,
                        "marker": marker.name,
                        "what": what,
                        "stage": STAGES[stage],
                        "sd": float(sd[what]),
                        "odds_ratio": dict(zip(("value", "low", "high"), ratio.tolist(), strict=True)),
                    }
                )
    return rows


def _ratio(fit: PresenceFit, stage: int, marker: int, steps: FloatArray) -> FloatArray:
    """Odds ratio of a step in a marker's columns, and its interval, (3,)."""
    effect = fit.effect
    step = np.zeros_like(effect)
    step[stage, COLUMNS_PER_MARKER * marker : COLUMNS_PER_MARKER * (marker + 1)] = steps
    error = np.sqrt(step.ravel() @ fit.covariance @ step.ravel())
    return np.asarray(np.exp((step * effect).sum() + Z95 * error * np.array([0.0, -1.0, 1.0])))
