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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.types import FloatArray, IntArray

ALIKE, COX = "aalen_johansen", "landmark_cox"
# Newton's first step as a share of the full one. From lifelines' own start and from 0.5 some fits with rare binary
# columns overshot and "converged" at twice the loss; from 0.2, 0.1 and 0.05 all ended at the same maximum.
FIRST_STEP = 0.1
# Prior standard deviation of the log hazard, shared out evenly over the features: 0.4 each for six of them, 0.11 for
# eighty. The baseline did best near there on csl (six) and on a synthetic rnet cohort (eighty), from 0.05 to 1 tried.
SPREAD_SD = 1.0


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
    Every row enters at 0: lifelines' baseline hazard ignores late entry. The ridge penalty is a normal prior around 0,
    under which all features together spread the log hazard by SPREAD_SD. Columns without spread are left out.
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
    # lifelines multiplies it by the number of rows, and divides every column by its spread before it penalises: undone
    # here, or a column that hardly varies at this landmark would get a huge effect.
    penalty = scores.shape[1] / (SPREAD_SD**2 * len(table)) / scores.std(axis=0, ddof=1) ** 2
    with warnings.catch_warnings():
        # It warns of rare binary columns, for which the penalty is there.
        warnings.simplefilter("ignore", ConvergenceWarning)
        cox = CoxPHFitter(penalizer=penalty).fit(table, "months", "event", fit_options={"step_size": FIRST_STEP})
    ratio = np.exp((new_scores - scores.mean(axis=0)) @ cox.params_.to_numpy())
    cumulative = cox.baseline_cumulative_hazard_.iloc[:, 0]
    at_step = cumulative.reindex(steps, method="ffill").fillna(0.0).to_numpy()
    return np.outer(ratio, np.diff(at_step, prepend=0.0))
