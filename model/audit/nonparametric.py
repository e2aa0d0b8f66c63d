"""What happened to patients, without a model: Kaplan-Meier of censoring and Aalen-Johansen, exact with ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.types import FloatArray, IntArray


@dataclass(frozen=True)
class StepCurve:
    """A step function of time, continuous from the right.

    Attributes
    ----------
    month : (n_times,) ascending, where it steps
    value : (..., n_times + 1) before the first step, then after each
    """

    month: FloatArray
    value: FloatArray

    def at(self, month: FloatArray | float) -> FloatArray:
        """Value at these moments, a step there included, (..., n_moments)."""
        return np.asarray(self.value[..., np.searchsorted(self.month, month, side="right")])

    def just_before(self, month: FloatArray | float) -> FloatArray:
        """Limit from the left at these moments, (..., n_moments)."""
        return np.asarray(self.value[..., np.searchsorted(self.month, month, side="left")])


def censoring_survival(months_to_exit: FloatArray, cause: IntArray, weight: FloatArray | None = None) -> StepCurve:
    """Kaplan-Meier estimate of G(t) = P(not censored by t).

    Parameters
    ----------
    months_to_exit : (n_rows,) > 0
    cause : (n_rows,) 0 = censored, 1..K = cause of exit
    weight : (..., n_rows) how often each row counts; None = once

    Notes
    -----
    Events precede censorings at the same moment, so whoever has an event at t is not at risk of being censored at t.
    """
    month, at_risk, leaving = _counts(months_to_exit, [cause == 0, cause > 0], weight)
    censored, events = leaving
    return StepCurve(month, _product(1.0 - _share(censored, at_risk - events)))


def aalen_johansen(
    months_to_exit: FloatArray, cause: IntArray, *, of_cause: int, weight: FloatArray | None = None
) -> StepCurve:
    """Aalen-Johansen estimate of the cumulative incidence of one cause in the presence of the others.

    Parameters are those of `censoring_survival`. Aalen and Johansen, Scand J Statist 5 (1978) 141-150.
    """
    month, at_risk, leaving = _counts(months_to_exit, [cause == of_cause, cause > 0], weight)
    of_this, of_any = leaving
    free = _product(1.0 - _share(of_any, at_risk))
    incidence = np.cumsum(free[..., :-1] * _share(of_this, at_risk), axis=-1)
    return StepCurve(month, np.concatenate([np.zeros_like(incidence[..., :1]), incidence], axis=-1))


def _counts(
    months_to_exit: FloatArray, leaving: list[np.ndarray], weight: FloatArray | None
) -> tuple[FloatArray, FloatArray, list[FloatArray]]:
    """At each distinct moment: how many are at risk, and how many leave in each way, (..., n_times)."""
    weight = np.ones(len(months_to_exit)) if weight is None else weight
    order = np.argsort(months_to_exit, kind="stable")
    ranked = months_to_exit[order]
    first = np.flatnonzero(np.diff(ranked, prepend=-np.inf) > 0)
    weight = weight[..., order]
    exits = np.add.reduceat(weight, first, axis=-1)
    at_risk = np.cumsum(exits[..., ::-1], axis=-1)[..., ::-1]
    return ranked[first], at_risk, [np.add.reduceat(weight * how[order], first, axis=-1) for how in leaving]


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _product(staying: FloatArray) -> FloatArray:
    return np.concatenate([np.ones_like(staying[..., :1]), np.cumprod(staying, axis=-1)], axis=-1)
