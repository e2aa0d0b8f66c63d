"""From beginning to onset: what tests find begins small, grows at its own pace, and is seen better and better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from model.study.definition import Study
    from model.study.entries import Sensitivity
    from model.types import FloatArray, IntArray

N_PACES = 13


@dataclass(frozen=True)
class Growth:
    """How one cause would grow in each of some patients.

    Attributes
    ----------
    lead_months : from beginning to onset at the usual pace; before its beginning no test sees anything
    pace : (n_patients, n_paces) how many times faster than usual
    share : (n_paces,) probability of each, summing to 1
    """

    lead_months: float
    pace: FloatArray
    share: FloatArray

    @property
    def delay_months(self) -> FloatArray:
        """Months from beginning to onset, (n_patients, n_paces)."""
        return self.lead_months / self.pace

    def share_given(self, log_pace: FloatArray, log_sd: float) -> FloatArray:
        """Weigh the same paces anew where a patient's log pace is this, (..., n_patients), up to a spread `log_sd`.

        Returns (..., n_patients, n_paces).
        """
        point = np.log(self.pace)
        spacing = np.diff(point, axis=1).max(initial=0.0)
        away = (point - log_pace[..., None]) / max(log_sd, spacing, 1e-9)
        weight = np.exp(-(away**2) / 2)
        return np.asarray(weight / weight.sum(axis=-1, keepdims=True))

    def select(self, index: IntArray | slice) -> Self:
        """Return some of the patients."""
        return type(self)(self.lead_months, self.pace[index], self.share)


def growth_of(study: Study, cause: int, log_pace: FloatArray, variance: FloatArray) -> Growth:
    """Spread each patient's pace over points evenly spaced to three sd either way, for the log-normal.

    Parameters
    ----------
    log_pace : (n_patients,) what the patient's baselines add to the log pace, against the reference patient
    variance : (n_patients,) of that sum where baselines are missing
    """
    event = study.event[cause - 1]
    lead = event.lead * study.months_per_unit
    sd = np.sqrt(event.pace_log_sd**2 + variance)
    if not sd.any():
        return Growth(lead, np.exp(log_pace)[:, None], np.ones(1))
    # Not the few points of a quadrature: tails decide what may be an onset early, spacing how smoothly risk rises.
    point = np.linspace(-3.0, 3.0, N_PACES)
    weight = np.exp(-(point**2) / 2)
    return Growth(lead, np.exp(log_pace[:, None] + sd[:, None] * point), weight / weight.sum())


def sensitivity_at(
    sensitivity: Sensitivity, months_since_onset: FloatArray, *, months_per_unit: float, lead_months: float = 0.0
) -> FloatArray:
    """Chance that a test finds what has its onset then, at the usual pace.

    max - (max - start) 2^(-(u / half_time)^shape) from onset on; start (first / start)^(-u / lead) for the
    `lead_months` before it; zero before that.
    """
    half_time = sensitivity.half_time * months_per_unit
    if half_time > 0:
        left = np.maximum(months_since_onset, 0.0)
        left /= half_time
        left **= sensitivity.shape
        left = np.exp2(-left)
    else:
        left = (months_since_onset < 0).astype(np.float64)
    # `start` at the onset and before it, so that what is less before it is a factor. Few passes: most time goes here.
    left *= sensitivity.start - sensitivity.max
    left += sensitivity.max
    fall = np.log2((sensitivity.first or sensitivity.start) / sensitivity.start) if sensitivity.start > 0 else 0.0
    if lead_months > 0 and fall < 0:
        to_go = np.minimum(months_since_onset, 0.0)
        to_go *= -fall / lead_months
        left *= np.exp2(to_go)
    left *= months_since_onset >= -lead_months
    return left


def seen_by_pace(
    sensitivity: Sensitivity, growth: Growth, months_since_beginning: FloatArray, *, months_per_unit: float
) -> FloatArray:
    """Chance that a test finds what began that long ago, (n_patients, n_bins) to (n_patients, n_paces, n_bins)."""
    at_usual_pace = months_since_beginning[:, None, :] * growth.pace[:, :, None]
    at_usual_pace -= growth.lead_months
    return sensitivity_at(sensitivity, at_usual_pace, months_per_unit=months_per_unit, lead_months=growth.lead_months)
