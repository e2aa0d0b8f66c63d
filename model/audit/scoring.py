"""Anybody's predictions by the yardstick of the audit: a block of figures for every horizon, and for every group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from model.audit.decision_curve import net_benefit, net_benefit_of_all
from model.audit.judged import FIGURES, judge
from model.audit.metrics import cumulative_dynamic_auc, observed_incidence
from model.audit.resampling import number, numbers, patient_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.audit.judged import Judged
    from model.types import BoolArray, FloatArray, IntArray

OF_CAUSE = 1
BESIDE = ("observed", "expected", "auc_event_free")
CURVES = ("net_benefit", "treat_all")


@dataclass(frozen=True)
class Predictions:
    """What was predicted, and what happened; times in any one unit, since they are only compared with each other.

    Attributes
    ----------
    patient : (n_rows,) who, numbered from 0; at most one row per patient and horizon
    months_to_exit : (n_rows,) >= 0, from the moment of prediction
    cause : (n_rows,) 0 = censored, 1 = the event, 2.. = competing
    probability : (n_rows,) of the event within the horizon, in [0, 1]
    horizon : (n_rows,) > 0
    group : (n_rows,) names, or None
    """

    patient: IntArray
    months_to_exit: FloatArray
    cause: IntArray
    probability: FloatArray
    horizon: FloatArray
    group: Sequence[str] | None


def score(predictions: Predictions, *, thresholds: Sequence[float], seed: int) -> dict[str, list[dict[str, Any]]]:
    """Judge every horizon as a whole (`by_horizon`) and, where there are groups, each of them alone (`by_group`).

    Every figure has an interval from draws of patients, the same draws for all blocks. Whole blocks are null, with the
    reason in `too_few`, under the rule of the audit.
    """
    count = patient_weights(int(predictions.patient.max()) + 1, seed=seed)
    found: dict[str, list[dict[str, Any]]] = {"by_horizon": [], "by_group": []}
    groups = None if predictions.group is None else np.array(predictions.group, dtype=object)
    with threadpool_limits(limits=1):  # sums must not depend on the machine's cores
        for horizon in np.unique(predictions.horizon).tolist():
            here = predictions.horizon == horizon
            found["by_horizon"].append(_block(predictions, here, count, thresholds, horizon=horizon))
            for group in () if groups is None else sorted(set(groups[here])):
                inside = here & (groups == group)
                block = _block(predictions, inside, count, thresholds, horizon=horizon)
                found["by_group"].append({"group": group, **block})
    return found


def _block(
    predictions: Predictions, here: BoolArray, count: FloatArray, thresholds: Sequence[float], *, horizon: float
) -> dict[str, Any]:
    """Figures of some rows of one horizon."""
    months, cause, predicted = predictions.months_to_exit[here], predictions.cause[here], predictions.probability[here]
    # In the order of the patients: sums then do not depend on that of the rows.
    order = np.argsort(predictions.patient[here])
    drawn = count[:, predictions.patient[here][order]]
    judged = judge(months[order], cause[order], drawn, n_causes=OF_CAUSE, horizon_months=horizon)[0]
    within = months <= horizon
    block = {
        "horizon": horizon,
        "n": len(months),
        "events": int((within & (cause == OF_CAUSE)).sum()),
        "competing": int((within & (cause > OF_CAUSE)).sum()),
        "censored": int((within & (cause == 0)).sum()),
        "followed": int((~within).sum()),
        "too_few": judged.too_few,
    }
    if judged.too_few is not None:
        return {**block, **dict.fromkeys((*FIGURES, *BESIDE, *CURVES)), "treat_none": 0.0}
    return {**block, **_figures(judged, predicted[order], thresholds)}


def _figures(judged: Judged, predicted: FloatArray, thresholds: Sequence[float]) -> dict[str, Any]:
    observed = observed_incidence(judged.case, judged.weight)
    competing = (judged.cause > OF_CAUSE) & (judged.months_to_exit <= judged.horizon_months)
    beside = {
        "observed": observed,
        "expected": (judged.count @ predicted) / judged.count.sum(axis=1),
        "auc_event_free": cumulative_dynamic_auc(predicted, judged.case, np.where(competing, 0.0, judged.weight)),
    }
    return {
        **numbers({**judged.figures(predicted), **beside}),
        "net_benefit": numbers({str(each): net_benefit(predicted, judged, threshold=each) for each in thresholds}),
        "treat_all": {str(each): number(net_benefit_of_all(observed, threshold=each)) for each in thresholds},
        "treat_none": 0.0,
    }
