"""What markers say of all causes together: one lesion explains a high value, so it must not count for every cause.

Of the causes that have begun in a patient, one is taken to be what the markers speak of, each with the same chance. Let
a patient's results give the weight none_k to no beginning of cause k, there_k to one, and told_k to one times what the
markers say of it. Then everything that may be has the weight

    prod_k none_k  +  sum_k told_k  int_0^1 prod_{j != k} (none_j + t there_j) dt

where the integral of t^n is the chance 1 / (n + 1) of being the one among n others. Where markers say nothing,
told = there, it is the product of none_k + there_k: the causes are independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Self

import numpy as np

from model.compiling import compiled, laid_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.types import FloatArray


@dataclass(frozen=True)
class Together:
    """What weights are multiplied by, so that the causes explain the markers together.

    Attributes
    ----------
    speaking : (..., n_causes) where markers speak of the cause: it has the weight told_k x speaking_k
    beside : (..., n_causes) where they speak of another one beside it: there_k x beside_k
    total : (...,) weight of everything that may be
    """

    speaking: FloatArray
    beside: FloatArray
    total: FloatArray

    @classmethod
    def of(cls, none: FloatArray, there: FloatArray, told: FloatArray) -> Self:
        """Weigh causes, each (..., n_causes)."""
        shape = there.shape
        speaking, beside, total = _weigh(_flat(none), _flat(there), _flat(told), _rule(shape[-1]))
        return cls(speaking.reshape(shape), beside.reshape(shape), total.reshape(shape[:-1]))

    def chance(self, there: FloatArray, told: FloatArray) -> FloatArray:
        """P(a cause has begun), (..., n_causes), from some of the weight of its beginning, or all of it."""
        return np.asarray((told * self.speaking + there * self.beside) / self.total[..., None])


@dataclass(frozen=True)
class StagesOfAll:
    """P(stage) of several causes for some landmark rows, each taken by itself.

    Attributes
    ----------
    none : (n_rows, n_causes)
    stage : (n_rows, n_causes, n_stages)
    """

    none: FloatArray
    stage: FloatArray

    @classmethod
    def of(cls, by_cause: Sequence[FloatArray]) -> Self:
        """Join causes, each (n_rows, 1 + n_stages) up to a factor per row, none first."""
        every = np.stack([each / each.sum(axis=1, keepdims=True) for each in by_cause], axis=1)
        return cls(every[..., 0], every[..., 1:])

    def told_apart(self) -> FloatArray:
        """P(what markers speak of): nothing, then each cause's stages, (n_rows, 1 + n_causes * n_stages)."""
        there = self.stage.sum(axis=-1)
        told = self.stage * Together.of(self.none, there, there).speaking[..., None]
        return np.concatenate([self.none.prod(axis=1)[:, None], told.reshape(len(told), -1)], axis=1)

    def none_moved(self, log_factor: FloatArray) -> FloatArray:
        """How markers move P(none) of each cause, as a ratio, (n_rows, n_causes).

        log_factor : (n_rows, n_causes * n_stages) what they say of each stage
        """
        there = self.stage.sum(axis=-1)
        told = (self.stage * np.exp(log_factor).reshape(self.stage.shape)).sum(axis=-1)
        none = 1.0 - Together.of(self.none, there, told).chance(there, told)
        return np.divide(none, self.none, out=np.zeros_like(none), where=self.none > 0)


def onsets_together(
    there_by: FloatArray, told_by: FloatArray, later: FloatArray, there: FloatArray, told: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Follow causes, weighed together, over some months.

    Parameters
    ----------
    there_by, told_by : (n_causes, ..., n_months) weight of what has begun and has its onset by then; none_k is 1
    later : likewise, P(onset by then) of what has not begun
    there, told : (..., n_causes) weight of all that has begun

    Returns
    -------
    curve : (n_causes, ..., n_months) P(onset by then) of each cause
    free : (..., n_months) P(no onset of any by then)
    """
    n_causes, *lead, n_months = later.shape
    by_row = [laid_out(each.reshape(n_causes, -1, n_months)) for each in (there_by, told_by, later)]
    mass = np.stack([_flat(there), _flat(told)])
    curve, free = _follow(by_row[0], by_row[1], by_row[2], mass, _rule(n_causes))
    return curve.reshape(later.shape), free.reshape(*lead, n_months)


def _flat(values: FloatArray) -> FloatArray:
    return laid_out(values.reshape(-1, values.shape[-1]))


@cache
def _rule(n_causes: int) -> FloatArray:
    """Gauss points on [0, 1], then their weights, that integrate the product over the other causes exactly."""
    node, weight = np.polynomial.legendre.leggauss((n_causes + 1) // 2)
    return np.stack([(node + 1.0) / 2.0, weight / 2.0])


@compiled
def _weigh(
    none: FloatArray, there: FloatArray, told: FloatArray, rule: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (speaking, beside, total) of rows, (n_rows, n_causes)."""
    n_rows, n_causes = there.shape
    node, weight = rule
    speaking, beside, total = np.zeros(there.shape), np.zeros(there.shape), np.ones(n_rows)
    for row in range(n_rows):
        for one in range(n_causes):
            total[row] *= none[row, one]
        for at in range(len(node)):
            for one in range(n_causes):
                alone = weight[at]
                for other in range(n_causes):
                    if other == one:
                        continue
                    alone *= none[row, other] + node[at] * there[row, other]
                    both = weight[at] * node[at] * told[row, other]
                    for third in range(n_causes):
                        if third not in (one, other):
                            both *= none[row, third] + node[at] * there[row, third]
                    beside[row, one] += both
                speaking[row, one] += alone
        for one in range(n_causes):
            total[row] += told[row, one] * speaking[row, one]
    return speaking, beside, total


@compiled
def _follow(
    there_by: FloatArray, told_by: FloatArray, later: FloatArray, mass: FloatArray, rule: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """As `onsets_together`, by row; mass holds what is there, then what is told of it, each (n_rows, n_causes)."""
    n_causes, n_rows, n_months = later.shape
    there, told = mass
    node, weight = rule
    speaking, beside, total = _weigh(np.ones(there.shape), there, told, rule)
    curve, free = np.empty(later.shape), np.empty((n_rows, n_months))
    for row in range(n_rows):
        everything = total[row]
        free[row] = 1.0
        for one in range(n_causes):
            of_told, of_there = speaking[row, one] / everything, beside[row, one] / everything
            not_begun = 1.0 - told[row, one] * of_told - there[row, one] * of_there
            for month in range(n_months):
                here = told_by[one, row, month] * of_told + there_by[one, row, month] * of_there
                curve[one, row, month] = here + later[one, row, month] * not_begun
                free[row, month] *= 1.0 - later[one, row, month]
        for one in range(n_causes):
            for at in range(len(node)):
                for month in range(n_months):
                    alone = weight[at] * max(told[row, one] - told_by[one, row, month], 0.0)
                    for other in range(n_causes):
                        if other != one:
                            still = max(there[row, other] - there_by[other, row, month], 0.0)
                            alone *= 1.0 - later[other, row, month] + node[at] * still
                    free[row, month] += alone
        for month in range(n_months):
            free[row, month] /= everything
    return curve, free
