"""From beginning to onset: what tests find begins small, grows at its own pace, and is seen better and better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.study import Sensitivity, Study
    from model.types import FloatArray

N_PACES = 13


@dataclass(frozen=True)
class Growth:
    """How one cause grows.

    Attributes
    ----------
    lead_months : from beginning to onset at the usual pace; before its beginning no test sees anything
    pace : (n_paces,) how many times faster than usual
    share : (n_paces,) of patients, summing to 1
    """

    lead_months: float
    pace: FloatArray
    share: FloatArray

    @property
    def delay_months(self) -> FloatArray:
        """Months from beginning to onset by pace, (n_paces,)."""
        return self.lead_months / self.pace


def growth_of(study: Study, cause: int) -> Growth:
    """Read a cause's growth from its study: points spaced evenly over three sd either way stand for the log-normal."""
    event = study.event[cause - 1]
    if event.pace_log_sd == 0:
        return Growth(event.lead * study.months_per_unit, np.ones(1), np.ones(1))
    # Not the few points of a quadrature: tails decide what may be an onset early, spacing how smoothly risk rises.
    point = np.linspace(-3.0, 3.0, N_PACES)
    weight = np.exp(-(point**2) / 2)
    return Growth(event.lead * study.months_per_unit, np.exp(event.pace_log_sd * point), weight / weight.sum())


def sensitivity_at(
    sensitivity: Sensitivity, months_since_onset: FloatArray, *, months_per_unit: float, lead_months: float = 0.0
) -> FloatArray:
    """Chance that a test finds what has its onset then, at the usual pace.

    max - (max - start) 2^(-u / half_time) from onset on; start (first / start)^(-u / lead) for the `lead_months` before
    it; zero before that.
    """
    since = np.maximum(months_since_onset, 0.0)
    half_time = sensitivity.half_time * months_per_unit
    left = np.exp2(-since / half_time) if half_time > 0 else np.zeros_like(since)
    seen = sensitivity.max - (sensitivity.max - sensitivity.start) * left
    if lead_months == 0 or sensitivity.start == 0:
        return np.where(months_since_onset < 0, 0.0, seen)
    fall = (sensitivity.first or sensitivity.start) / sensitivity.start
    to_go = np.clip(-months_since_onset / lead_months, 0.0, 1.0)
    rising = np.where(months_since_onset < -lead_months, 0.0, sensitivity.start * fall**to_go)
    return np.where(months_since_onset < 0, rising, seen)


def seen_by_pace(
    sensitivity: Sensitivity, growth: Growth, months_since_beginning: FloatArray, *, months_per_unit: float
) -> FloatArray:
    """Chance that a test finds what began that long ago, (n_rows, n_bins) to (n_rows, n_paces, n_bins)."""
    at_usual_pace = months_since_beginning[:, None, :] * growth.pace[:, None] - growth.lead_months
    return sensitivity_at(sensitivity, at_usual_pace, months_per_unit=months_per_unit, lead_months=growth.lead_months)
