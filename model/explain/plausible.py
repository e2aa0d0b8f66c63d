"""Which values a missing input may well turn out to have, given what is known of the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

from model.explain.inputs import Value, as_recorded
from model.study.entries import Marker

if TYPE_CHECKING:
    from model.predictor import Predictor
    from model.study.entries import Baseline
    from model.types import FloatArray, Histories

# Of a number: its 10th and 90th percentile.
TAIL = 0.1
# A level less likely than this is not counted among what may well be.
LEAST_LIKELY = 0.01


@dataclass(frozen=True)
class Missing:
    """One missing input and what it may be.

    Attributes
    ----------
    index : its position among the study's baselines, or among its markers
    value : (n_values,) on the study's scale, levels as their numbers; none if training never met the input
    weight : (n_values,) probability of each level; one half for each of a number's two percentiles
    """

    item: Baseline | Marker
    index: int
    value: FloatArray
    weight: FloatArray

    @property
    def recorded(self) -> tuple[Value, ...]:
        """The values as people would write them."""
        item = self.item
        return tuple(value if isinstance(item, Marker) else as_recorded(item, value) for value in self.value.tolist())

    @property
    def chances(self) -> tuple[float, ...] | None:
        """Probability of each level; None for a number."""
        number = isinstance(self.item, Marker) or self.item.kind == "number"
        return None if number else tuple(self.weight.tolist())


def missing_inputs(predictor: Predictor, histories: Histories) -> list[Missing]:
    """Find the missing baselines of one patient and the markers that were never measured, in the study's order.

    A number takes its 10th and 90th percentile, no further out than what training met; a level of a category its
    expected share, a level of an ordinal the probability that it is the nearest. Missing baselines are jointly normal
    given the known ones (`Baselines`); a marker is as in the training cohort.
    """
    study, scaling = predictor.study, predictor.scaling
    baselines = predictor.baselines(histories)
    n_first = baselines.expected.shape[1]
    mean, sd = scaling.mean.copy(), scaling.scale.copy()
    mean[:n_first] += baselines.expected[0] * scaling.scale[:n_first]
    sd[:n_first] *= np.sqrt(np.diagonal(baselines.spread[0]))
    unknown: list[tuple[Baseline | Marker, int]] = []
    unknown += [(study.baseline[index], index) for index in np.flatnonzero(np.isnan(histories.baseline[0])).tolist()]
    never = np.isnan(histories.marker[0]).all(axis=0)
    unknown += [(study.marker[index], index) for index in np.flatnonzero(never).tolist()]
    found = []
    for item, index in unknown:
        columns = [at for at, feature in enumerate(predictor.features) if feature.source == item.name]
        value, weight = np.zeros(0), np.zeros(0)
        low, high = scaling.low[columns[0]], scaling.high[columns[0]]
        if not np.isnan(low):
            value, weight = _values(item, mean[columns], sd[columns], low, high)
        found.append(Missing(item, index, value, weight))
    return found


def _values(
    item: Baseline | Marker, mean: FloatArray, sd: FloatArray, low: float, high: float
) -> tuple[FloatArray, FloatArray]:
    """Return (values, weights) from mean and sd of an input's features; of a marker's, the first is the last value."""
    if isinstance(item, Marker) or item.kind == "number":
        ends = np.clip(mean[0] + np.array([-1.0, 1.0]) * ndtri(1 - TAIL) * sd[0], low, high)
        return untransformed(ends, item.transform), np.full(2, 0.5)
    if item.kind == "ordinal":
        between = np.arange(len(item.levels) - 1) + 0.5
        chance = np.diff(ndtr((between - mean) / sd), prepend=0.0, append=1.0)
    else:
        # What is expected of an indicator is its probability: of yes, or of each level but the first.
        others = np.clip(mean, 0.0, 1.0)
        chance = np.append(max(1.0 - others.sum(), 0.0), others)
    likely = np.flatnonzero(chance >= LEAST_LIKELY * chance.sum())
    return likely.astype(float), chance[likely] / chance[likely].sum()


def untransformed(value: FloatArray, transform: str) -> FloatArray:
    """Take a value back from the scale that the study models it on (the inverse of `features.transformed`)."""
    if transform == "log":
        return np.exp(value)
    return np.expm1(value) if transform == "log1p" else value
