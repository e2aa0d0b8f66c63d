"""Concordance up to a horizon: how often who has the event first had been given the higher risk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from model.audit.metrics import ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.audit.nonparametric import StepCurve
    from model.types import BoolArray, FloatArray, IntArray

CASES_AT_ONCE = 100


@dataclass(frozen=True)
class Pairs:
    """Who is compared with whom, and how much each pair weighs; the same for everybody's predictions.

    A case at T <= horizon is compared with all who are followed beyond T, weight 1 / (G(T-) G(T)), and with all who had
    left by another cause at S <= T, weight 1 / (G(T-) G(S-)). So every moment up to the horizon counts, where the AUC
    judges the horizon alone.
    Uno et al., Statistics in Medicine 30 (2011) 1105-1117; Wolbers et al., Biostatistics 15 (2014) 526-539.

    Attributes
    ----------
    months_to_exit, cause : (n_rows,)
    count : (1 + n_draws, n_rows) how often each row counts
    censoring : G(t) of these rows under each of these counts
    """

    months_to_exit: FloatArray
    cause: IntArray
    count: FloatArray
    of_cause: int
    horizon_months: float
    censoring: StepCurve

    def concordance(self, predicted: FloatArray) -> FloatArray:
        """P(the case was given the higher risk), (1 + n_draws,); equal risks count half; NaN without a pair."""
        won = np.zeros(len(self.count))
        for case, beyond, gone in self._in_chunks():
            risk = predicted[case, None]
            beaten = (np.float32(0.5) * (predicted <= risk)) + (np.float32(0.5) * (predicted < risk))
            won += self._sum(case, beaten * beyond, beaten[:, self._other] * gone)
        return ratio(won, self._all)

    @cached_property
    def _all(self) -> FloatArray:
        """Weight of all pairs, (1 + n_draws,)."""
        weights = [self._sum(case, beyond.astype(np.float32), gone) for case, beyond, gone in self._in_chunks()]
        return np.sum(weights, axis=0) if weights else np.zeros(len(self.count))

    def _in_chunks(self) -> Iterator[tuple[IntArray, BoolArray, BoolArray]]:
        """Some cases at a time, (k,); who is followed beyond each, (k, n_rows); which others had left, (k, n_other)."""
        cases = np.flatnonzero((self.cause == self.of_cause) & (self.months_to_exit <= self.horizon_months))
        for start in range(0, len(cases), CASES_AT_ONCE):
            case = cases[start : start + CASES_AT_ONCE]
            month = self.months_to_exit[case, None]
            yield case, self.months_to_exit > month, self.months_to_exit[self._other] <= month

    def _sum(self, case: IntArray, beyond: np.ndarray, gone: np.ndarray) -> FloatArray:
        """Weighted sum, (1 + n_draws,), of a share of every pair: (k, n_rows) and (k, n_other)."""
        month = self.months_to_exit[case]
        pairs = ratio((self._whole @ beyond.T).astype(np.float64), self.censoring.at(month))
        pairs += self._left @ gone.T
        return np.asarray((pairs * ratio(self.count[:, case], self.censoring.just_before(month))).sum(axis=1))

    @cached_property
    def _whole(self) -> np.ndarray:
        """The counts in single precision: sums of whole numbers and of halves stay exact."""
        return self.count.astype(np.float32)

    @cached_property
    def _other(self) -> IntArray:
        other = (self.cause > 0) & (self.cause != self.of_cause) & (self.months_to_exit <= self.horizon_months)
        return np.flatnonzero(other)

    @cached_property
    def _left(self) -> FloatArray:
        """Weight of each of the others, but for that of the case, (1 + n_draws, n_other)."""
        return ratio(self.count[:, self._other], self.censoring.just_before(self.months_to_exit[self._other]))
