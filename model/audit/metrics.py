"""Metrics of predicted cumulative incidence at one horizon. Each is one formula over weighted rows.

Common to all: `predicted` is (n_rows,), P(exit within the horizon from the cause that is scored); `case` is (n_rows,),
whether that happened, so exit from another cause counts as "did not happen"; `weight` is (..., n_rows), the weights of
`model.audit.weights.ipc_weights` times how often a row counts. They come in ready-made because all metrics, models and
causes of a landmark share them; a leading axis (bootstrap draws) becomes the axis of the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.types import BoolArray, FloatArray


def brier_score(predicted: FloatArray, case: BoolArray, weight: FloatArray) -> FloatArray:
    """Mean squared error of the prediction; lower is better.

    Graf et al., Statistics in Medicine 18 (1999) 2529-2545.
    """
    return ratio(weight @ (case - predicted) ** 2, weight.sum(axis=-1))


def brier_of_everyone_alike(case: BoolArray, weight: FloatArray) -> FloatArray:
    """Brier score of the prediction that uses no covariates: the Aalen-Johansen estimate F of these rows for everyone.

    The weighted share of cases is F, so the score is F (1 - F).
    """
    share = observed_incidence(case, weight)
    return share * (1.0 - share)


def scaled_brier(brier: FloatArray, brier_null: FloatArray) -> FloatArray:
    """Index of prediction accuracy, 1 - Brier / Brier without covariates: 1 is perfect, 0 is no use, below 0 does harm.

    Kattan and Gerds, Diagnostic and Prognostic Research 2 (2018) 7.
    """
    return np.asarray(1.0 - ratio(brier, brier_null))


def cumulative_dynamic_auc(predicted: FloatArray, case: BoolArray, weight: FloatArray) -> FloatArray:
    """P(a case was given a higher risk than somebody who is not one at the horizon); equal risks count half.

    Controls are everybody else at the horizon: still free of any event, or out by another cause.
    Blanche et al., Statistics in Medicine 32 (2013) 5381-5397, definition (ii).
    """
    control = np.flatnonzero(~case)
    control = control[np.argsort(predicted[control], kind="stable")]
    controls = np.zeros((*weight.shape[:-1], len(control) + 1))
    np.cumsum(weight[..., control], axis=-1, out=controls[..., 1:])
    lower, upto = (np.searchsorted(predicted[control], predicted[case], side=side) for side in ("left", "right"))
    beaten = (controls[..., lower] + controls[..., upto]) / 2
    cases = weight[..., case]
    return ratio(np.sum(cases * beaten, axis=-1), cases.sum(axis=-1) * controls[..., -1])


def observed_incidence(case: BoolArray, weight: FloatArray) -> FloatArray:
    """Weighted share of cases, which is the Aalen-Johansen estimate at the horizon."""
    return ratio(weight @ case.astype(np.float64), weight.sum(axis=-1))


def observed_over_expected(predicted: FloatArray, observed: FloatArray, count: FloatArray) -> FloatArray:
    """Observed incidence (...,) over the mean prediction of rows that count `count`, (..., n_rows), times."""
    return ratio(observed * count.sum(axis=-1), count @ predicted)


def ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide; what has nothing to divide by is NaN, so that nobody takes it for a number."""
    quotient: FloatArray = np.full(np.broadcast_shapes(np.shape(part), np.shape(whole)), np.nan)
    np.divide(part, whole, out=quotient, where=whole > 0)
    return quotient
