"""Who is at risk at each landmark, and how far landmarks go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray, IntArray, Outcomes

# A landmark is used, and answers are given up to it, while at least this many patients have a target event after it.
MIN_LATER_EVENTS = 10


@dataclass(frozen=True)
class LandmarkRows:
    """One row per patient and landmark at which the patient is still followed; patients ascending, then landmarks.

    Attributes
    ----------
    patient, landmark : (n_rows,) which patient, which landmark of the grid
    landmark_month : (n_rows,)
    """

    patient: IntArray
    landmark: IntArray
    landmark_month: FloatArray

    def select(self, kept: BoolArray) -> Self:
        """Keep some of the rows."""
        return type(self)(self.patient[kept], self.landmark[kept], self.landmark_month[kept])


def supported_until(study: Study, outcomes: Outcomes) -> float:
    """Return the last landmark with at least MIN_LATER_EVENTS target events after it; 0 if there are fewer in all."""
    event_month = outcomes.exit_month[np.isin(outcomes.cause, study.targets)]
    later = [(event_month > landmark).sum() for landmark in study.landmark_months]
    enough = [month for month, count in zip(study.landmark_months, later, strict=True) if count >= MIN_LATER_EVENTS]
    return max(enough, default=0.0)


def at_risk(landmark_month: FloatArray, exit_month: FloatArray) -> LandmarkRows:
    """List the rows: no event and still followed just after the landmark.

    Parameters
    ----------
    landmark_month : (n_landmarks,) the grid
    exit_month : (n_patients,)
    """
    patient, landmark = np.nonzero(exit_month[:, None] > landmark_month[None, :])
    return LandmarkRows(patient, landmark, landmark_month[landmark])
