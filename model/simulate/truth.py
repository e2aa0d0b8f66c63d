"""What nature has in store for patients, and the luck of every test that might be done: the same for all policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from model.types import BoolArray, FloatArray, IntArray

SingleArray = npt.NDArray[np.float32]
"""Half the memory, for what is large."""


class Markers(Protocol):
    """Marker values at a visit: the same for a patient and month, whatever was done before."""

    def __call__(self, patient: IntArray, month: int) -> FloatArray:
        """Values in the study's units, NaN = not measured, (n_rows, n_markers)."""


@dataclass(frozen=True)
class TrueHazards:
    """What is certain beforehand about each patient: hazards and growth, but not what will come of them.

    Attributes
    ----------
    scale : (n_patients, n_targets) cumulative hazard of beginning in `by_month` months, of the study's targets in order
    shape : it grows as (months / by_month)^shape
    log_pace, log_pace_sd : of growth against the study's usual pace; (n_patients,) and the spread of single lesions
    followed : (n_patients, horizon + 1) P(alive) by month, recurrence apart
    """

    scale: FloatArray
    shape: float
    by_month: float
    log_pace: FloatArray
    log_pace_sd: float
    followed: FloatArray

    @property
    def sum(self) -> FloatArray:
        """One figure by which to sort patients, (n_patients,)."""
        return np.asarray(self.scale.sum(axis=1))


@dataclass(frozen=True)
class Truth:
    """Latent courses; moments in months since the origin, inf = never.

    Attributes
    ----------
    baseline : (n_patients, n_baseline) as recorded, all that a policy may see at the start
    onset_month : (n_patients,) when the first recurrence becomes detectable
    symptom_month : (n_patients,) when one makes itself felt
    death_month : (n_patients,)
    finds : (n_patients, n_tests, horizon + 1) P(a test done in that month finds a recurrence), float32
    luck : the same shape, uniform: the test done then finds it where the luck is below that
    markers : values at visits
    hazards : for oracles
    """

    baseline: FloatArray
    onset_month: FloatArray
    symptom_month: FloatArray
    death_month: FloatArray
    finds: SingleArray
    luck: SingleArray
    markers: Markers
    hazards: TrueHazards

    def __len__(self) -> int:
        """Count the patients."""
        return len(self.onset_month)

    @property
    def horizon_month(self) -> int:
        """Where the simulation stops looking."""
        return int(self.finds.shape[2]) - 1

    @property
    def last_month(self) -> FloatArray:
        """End of the count of undetected months and of visits: death or the horizon, (n_patients,)."""
        return np.minimum(self.death_month, self.horizon_month)

    @property
    def recurs(self) -> BoolArray:
        """Whether there will be anything to find before that end, (n_patients,)."""
        return np.asarray(self.onset_month < self.last_month)
