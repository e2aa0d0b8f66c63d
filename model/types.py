"""Frozen values that travel between the rooms of this package: arrays with named axes, people first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
TestArray = npt.NDArray[np.int8]

NOT_DONE, NEGATIVE, POSITIVE = -1, 0, 1


@dataclass(frozen=True)
class Histories:
    """What a clinic has recorded about its patients, each on the clock that starts at the origin.

    Attributes
    ----------
    baseline : (n_patients, n_baseline) study order; categories and ordinals as level numbers, NaN = missing
    visit_month : (n_patients, max_visits) ascending, padded with +inf
    marker : (n_patients, max_visits, n_markers) in the study's units, NaN = not measured
    test : (n_patients, max_visits, n_tests) NOT_DONE, NEGATIVE or POSITIVE
    """

    baseline: FloatArray
    visit_month: FloatArray
    marker: FloatArray
    test: TestArray

    def __len__(self) -> int:
        """Count the patients."""
        return len(self.baseline)

    def select(self, index: IntArray | BoolArray) -> Self:
        """Return some of the patients, in the order of `index`."""
        return type(self)(self.baseline[index], self.visit_month[index], self.marker[index], self.test[index])

    def until(self, month: FloatArray) -> Self:
        """Forget every visit after `month`, (n_patients,): what was known then."""
        later = self.visit_month > month[:, None]
        return type(self)(
            baseline=self.baseline,
            visit_month=np.where(later, np.inf, self.visit_month),
            marker=np.where(later[:, :, None], np.nan, self.marker),
            test=np.where(later[:, :, None], np.int8(NOT_DONE), self.test),
        )


@dataclass(frozen=True)
class Outcomes:
    """How follow-up ended.

    Attributes
    ----------
    exit_month : (n_patients,) last moment under observation, > 0
    cause : (n_patients,) 0 = event-free and still followed, k = the study's k-th event
    last_negative_month : (n_patients,) stated start of the interval that holds the event, NaN = from visits
    """

    exit_month: FloatArray
    cause: IntArray
    last_negative_month: FloatArray

    def select(self, index: IntArray | BoolArray) -> Self:
        """Return some of the patients, in the order of `index`."""
        return type(self)(self.exit_month[index], self.cause[index], self.last_negative_month[index])
