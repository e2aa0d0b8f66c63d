"""The simple models that the audited one must beat, on the same folds and with the same features."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceWarning

from model.audit.nonparametric import aalen_johansen
from model.onset.incidence import cumulative_incidence
from model.onset.prior import UNKNOWN_SD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.types import FloatArray, IntArray

ALIKE, COX = "aalen_johansen", "landmark_cox"


def everyone_alike(
    months_to_exit: FloatArray, cause: IntArray, *, n_causes: int, horizon_months: Sequence[float]
) -> FloatArray:
    """Aalen-Johansen incidence of the training patients at the landmark, (n_causes, n_horizons): no covariates."""
    curves = [aalen_johansen(months_to_exit, cause, of_cause=k) for k in range(1, n_causes + 1)]
    return np.array([curve.at(np.asarray(horizon_months)) for curve in curves])


def landmark_cox(
    scores: FloatArray,
    months_to_exit: FloatArray,
    cause: IntArray,
    new_scores: FloatArray,
    *,
    n_causes: int,
    horizon_months: Sequence[float],
) -> FloatArray:
    """Cumulative incidence by one Cox model per cause on detection times, (n_new, n_causes, n_horizons).

    Parameters
    ----------
    scores : (n_rows, n_scores) of training patients who are at risk at the landmark
    months_to_exit, cause : (n_rows,) from the landmark; exits beyond the longest horizon are censored there
    new_scores : (n_new, n_scores)

    Notes
    -----
    Every row enters at 0: lifelines' baseline hazard ignores late entry. The ridge penalty says what the audited model
    believes of effects that nobody has published: standard deviation 0.3 per standard deviation of the feature, around 0.
    Columns without spread at the landmark are left out. Hazards are added up over causes by the product integral.
    """
    longest = horizon_months[-1]
    cause = np.where(months_to_exit <= longest, cause, 0)
    months = np.minimum(months_to_exit, longest)
    used = np.ptp(scores, axis=0) > 0
    steps = np.unique(months[cause > 0])
    rises = [
        _cox_hazard_steps(scores[:, used], months, cause == k, new_scores[:, used], steps)
        for k in range(1, n_causes + 1)
    ]
    incidence = cumulative_incidence(np.stack(rises, axis=1), np.ones(len(steps)))
    return np.asarray(incidence[:, :, np.searchsorted(steps, horizon_months, side="right")])


def _cox_hazard_steps(
    scores: FloatArray, months: FloatArray, event: np.ndarray, new_scores: FloatArray, steps: FloatArray
) -> FloatArray:
    """Rise of the cumulative hazard of new patients at each step, (n_new, n_steps)."""
    if not event.any():
        return np.zeros((len(new_scores), len(steps)))
    table = pd.DataFrame(scores).assign(months=months, event=event)
    table.columns = table.columns.map(str)
    penalty = 1.0 / (UNKNOWN_SD**2 * len(table))  # lifelines multiplies it by the number of rows
    with warnings.catch_warnings():
        # It warns of rare binary columns, for which the penalty is there.
        warnings.simplefilter("ignore", ConvergenceWarning)
        cox = CoxPHFitter(penalizer=penalty).fit(table, "months", "event")
    ratio = np.exp((new_scores - scores.mean(axis=0)) @ cox.params_.to_numpy())
    cumulative = cox.baseline_cumulative_hazard_.iloc[:, 0]
    at_step = cumulative.reindex(steps, method="ffill").fillna(0.0).to_numpy()
    return np.outer(ratio, np.diff(at_step, prepend=0.0))
