"""Weights by which patients who were followed stand for those who were censored: the one home of that convention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.audit.nonparametric import StepCurve
    from model.types import FloatArray, IntArray


def ipc_weights(
    months_to_exit: FloatArray, cause: IntArray, *, horizon_months: float, censoring: StepCurve
) -> FloatArray:
    """Inverse probability of censoring weights at one horizon, (..., n_rows).

    Parameters
    ----------
    months_to_exit : (n_rows,) months from the landmark
    cause : (n_rows,) 0 = censored, 1..K = cause of exit
    horizon_months : months from the landmark
    censoring : G(t) of these very rows; a leading axis of it (bootstrap draws) becomes the leading axis of the result

    Notes
    -----
    Exit from any cause at T <= horizon: 1 / G(T-). Followed beyond the horizon: 1 / G(horizon). Censored earlier: 0.
    With events before censorings at ties the weights sum to the number of rows, and the weighted share of a cause's
    events is its Aalen-Johansen estimate, both exactly, as long as somebody is followed beyond the horizon.
    """
    happened = (cause > 0) & (months_to_exit <= horizon_months)
    known = happened | (months_to_exit > horizon_months)
    before = np.searchsorted(censoring.month, months_to_exit, side="left")
    at_horizon = np.searchsorted(censoring.month, horizon_months, side="right")
    uncensored = censoring.value[..., np.where(happened, before, at_horizon)]
    return np.divide(1.0, uncensored, out=np.zeros_like(uncensored), where=known & (uncensored > 0))
