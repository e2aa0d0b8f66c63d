"""From cause-specific hazards to cumulative incidence in the presence of every other cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.types import FloatArray


def cumulative_incidence(hazard_per_month: FloatArray, step_months: FloatArray) -> FloatArray:
    """P(exit from each cause by the end of each step), for hazards that are constant within steps.

    Parameters
    ----------
    hazard_per_month : (..., n_causes, n_steps)
    step_months : (n_steps,) lengths of the steps

    Returns
    -------
    (..., n_causes, n_steps + 1), starting with 0. With the probability of no exit they sum to 1.
    """
    in_step = hazard_per_month * step_months
    total = in_step.sum(axis=-2, keepdims=True)
    passed = np.cumsum(total, axis=-1)
    leaving = np.exp(-(passed - total)) * -np.expm1(-total)
    share = np.divide(in_step, total, out=np.zeros_like(in_step), where=total > 0)
    incidence = np.cumsum(leaving * share, axis=-1)
    return np.concatenate([np.zeros((*incidence.shape[:-1], 1)), incidence], axis=-1)
