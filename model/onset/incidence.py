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


def with_unseen(incidence: FloatArray, unseen: FloatArray) -> FloatArray:
    """Add what is already there: P(present by each step) = P(unseen now) + P(nothing unseen now) x incidence.

    Parameters
    ----------
    incidence : (..., n_causes, n_steps + 1) of patients in whom nothing is present
    unseen : (..., n_causes) probability that each cause is present and unseen now; 0 for causes seen at once
    """
    clear = 1.0 - unseen.sum(axis=-1)
    return np.asarray(unseen[..., None] + clear[..., None, None] * incidence)


def share_unseen(odds: FloatArray) -> FloatArray:
    """Turn each cause's odds of being present now into probabilities, at most one cause being so, (..., n_causes)."""
    return np.asarray(odds / (1.0 + odds.sum(axis=-1, keepdims=True)))
