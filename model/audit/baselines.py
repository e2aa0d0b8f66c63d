"""The simple models that the audited one must beat, on the same folds and with the same features."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from lifelines.exceptions import ConvergenceWarning
from lifelines.fitters.coxph_fitter import SemiParametricPHFitter

from model.audit.nonparametric import aalen_johansen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.types import BoolArray, FloatArray, IntArray

ALIKE, COX = "aalen_johansen", "landmark_cox"
# Newton's first step as a share of the full one. From lifelines' own start and from 0.5 some fits with rare binary
# columns overshot and "converged" at twice the loss; from 0.2, 0.1 and 0.05 all ended at the same maximum.
FIRST_STEP = 0.1
# Prior standard deviation of the log hazard, shared out evenly over the features: 0.4 each for six of them, 0.11 for
# eighty. The baseline did best near there on csl (six) and on a synthetic rnet cohort (eighty), from 0.05 to 1 tried.
SPREAD_SD = 1.0
# A column that nobody has scores what the others say of it, up to rounding: no spread, only noise.
LEAST_SPREAD = 1e-9
ROWS_AT_ONCE = 500


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
    used = np.ptp(scores, axis=0) > LEAST_SPREAD
    scores, new_scores = scores[:, used], new_scores[:, used]
    steps = np.unique(months[cause > 0])
    fits = [_fit_cox(scores, months, cause == k, steps) for k in range(1, n_causes + 1)]
    rise = np.stack([fit[1] for fit in fits])
    log_ratio = (new_scores - scores.mean(axis=0)) @ np.stack([fit[0] for fit in fits]).T
    within = (steps[:, None] <= np.asarray(horizon_months)).astype(np.float64)
    starts = range(0, max(len(new_scores), 1), ROWS_AT_ONCE)
    return np.concatenate(
        [_incidence(np.exp(log_ratio[start : start + ROWS_AT_ONCE]), rise, within) for start in starts]
    )


def _fit_cox(
    scores: FloatArray, months: FloatArray, event: BoolArray, steps: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Effects of the scores, (n_scores,), and rise of the cumulative hazard of average ones by step, (n_steps,)."""
    if not event.any():
        return np.zeros(scores.shape[1]), np.zeros(len(steps))
    # Leaving between two events is leaving at the earlier one: the risk sets are the same, and lifelines' batch mode,
    # whose work grows with the distinct moments, is many times as fast.
    moment = np.unique(months[event])
    grouped = np.append(moment[0] / 2, moment)[np.searchsorted(moment, months, side="right")]
    table = pd.DataFrame(scores).assign(months=grouped, event=event)
    table.columns = table.columns.map(str)
    # lifelines multiplies it by the number of rows, and divides every column by its spread before it penalises: undone
    # here, or a column that hardly varies at this landmark would get a huge effect.
    penalty = scores.shape[1] / (SPREAD_SD**2 * len(table)) / scores.std(axis=0, ddof=1) ** 2
    with warnings.catch_warnings():
        # It warns of rare binary columns, for which the penalty is there.
        warnings.simplefilter("ignore", ConvergenceWarning)
        cox = _Cox(penalizer=penalty).fit(
            table, "months", "event", batch_mode=True, fit_options={"step_size": FIRST_STEP}
        )
    rise = cox.baseline_hazard_.iloc[:, 0].reindex(steps, fill_value=0.0)
    return cox.params_.to_numpy(), rise.to_numpy()


class _Cox(SemiParametricPHFitter):  # type: ignore[misc] # lifelines has no types
    """What `CoxPHFitter` fits, without the quantiles of every column: for plots only, and most of the time of a fit."""

    def _compute_central_values_of_raw_training_data(
        self, df: pd.DataFrame, strata: None = None, name: str = "baseline"
    ) -> pd.DataFrame:
        if strata is not None:
            raise NotImplementedError("strata")
        return df.iloc[:1].set_axis([name])


def _incidence(ratio: FloatArray, rise: FloatArray, within: FloatArray) -> FloatArray:
    """Cumulative incidence of every cause, (n_new, n_causes, n_horizons).

    ratio : (n_new, n_causes) hazard over that of average scores; rise : (n_causes, n_steps) of the latter's cumulative
    hazards; within : (n_steps, n_horizons) 1 for steps up to the horizon.
    """
    step = ratio @ rise
    # P(free until the step) x P(leaving at it), per unit of hazard: shared out over the causes by their hazards.
    leaving = np.exp(step - np.cumsum(step, axis=1)) * -np.expm1(-step) / step
    return np.stack([ratio[:, [k]] * (leaving @ (each[:, None] * within)) for k, each in enumerate(rise)], axis=1)
