"""Is acting on a prediction worth it: net benefit at a threshold, the risk at which harm and good of acting balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.audit.nonparametric import aalen_johansen

if TYPE_CHECKING:
    from model.audit.judged import Judged
    from model.types import FloatArray

# From 1 % (acting costs little beside a missed event) to 30 %; recurrences are rare, so low ones stand closer.
THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)


def net_benefit(predicted: FloatArray, judged: Judged, *, threshold: float) -> FloatArray:
    """Net true positives per patient of acting where the prediction is at least the threshold, (1 + n_draws,).

    Notes
    -----
    P(acting) (r - (1 - r) threshold / (1 - threshold)), r the Aalen-Johansen estimate among those acted upon. Nobody
    acted upon: 0. NaN where r is unknown because the last of them was censored before the horizon.
    Vickers et al., BMC Medical Informatics and Decision Making 8 (2008) 53.
    """
    acted = predicted >= threshold
    count, months, cause = judged.count[:, acted], judged.months_to_exit[acted], judged.cause[acted]
    if not acted.any():
        return np.zeros(len(count))
    incidence = aalen_johansen(months, cause, of_cause=judged.of_cause, weight=count).at(judged.horizon_months)
    last = np.where(count > 0, months, -np.inf).max(axis=1, keepdims=True)
    lost = (count > 0) & (months == last) & (cause == 0) & (months < judged.horizon_months)
    incidence = np.where(lost.any(axis=1), np.nan, incidence)
    share = count.sum(axis=1) / judged.count.sum(axis=1)
    return np.asarray(share * net_benefit_of_all(incidence, threshold=threshold) + 0.0)  # no minus before a zero


def net_benefit_of_all(observed: FloatArray, *, threshold: float) -> FloatArray:
    """Net benefit of acting on everybody, given the observed incidence, (...,); of acting on nobody it is 0."""
    return observed - (1.0 - observed) * threshold / (1.0 - threshold)
