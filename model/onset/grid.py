"""The two clocks of the model cut into bins: since the origin, and since the landmark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from model.study.definition import Study
    from model.types import FloatArray, IntArray

# Shares of the longest horizon; 60 months give edges 0, 3, 6, 9, 12, 18, 24, 30, 36, 48, 60.
HAZARD_EDGES = np.array([0.0, 0.05, 0.10, 0.15, 0.20, 0.30, 0.40, 0.50, 0.60, 0.80, 1.00])
BINS_PER_LANDMARK = 6
RISK_STEPS = 60


@dataclass(frozen=True)
class TimeGrid:
    """Bins of time, all in months.

    Attributes
    ----------
    landmark_month : (n_landmarks,) where the model learns and where past hazards are refreshed
    horizon_month : the longest time past a landmark that is answered
    n_onset : how many bins of the patient's clock are looked at; None = all, up to the last landmark and its horizon
    exact : whether the time of every event is known, not only the visits around it: then the hazard's bins are the
        steps of risk, or its effects would not be those of a Cox model
    """

    landmark_month: FloatArray
    horizon_month: float
    n_onset: int | None = None
    exact: bool = False

    @classmethod
    def of(cls, study: Study, *, until: float) -> TimeGrid:
        """Build the grid of a study for landmarks up to `until`."""
        landmarks = np.array(study.landmark_months)
        exact = all(event.observed == "exact" for event in study.event)
        return cls(landmarks[landmarks <= until + 1e-9], study.horizon_months[-1], exact=exact)

    def until(self, month: float) -> Self:
        """Look at the patient's clock only up to the bin that holds a month: later ones cost time and say nothing."""
        n_bins = int(np.searchsorted(self.onset_edge, month))
        return replace(self, n_onset=min(max(n_bins, 1), len(self.onset_edge) - 1))

    @cached_property
    def hazard_edge(self) -> FloatArray:
        """Edges of the bins within which the hazard past a landmark is constant, (n_bins + 1,)."""
        share = np.arange(RISK_STEPS + 1) / RISK_STEPS if self.exact else HAZARD_EDGES
        return np.asarray(share * self.horizon_month, dtype=np.float64)

    @cached_property
    def fade(self) -> FloatArray:
        """What is left in each hazard bin of an effect that halves in an eighth of the longest horizon, (n_bins,)."""
        middle = (self.hazard_edge[1:] + self.hazard_edge[:-1]) / 2
        return np.asarray(np.exp2(-8 * middle / self.horizon_month), dtype=np.float64)

    @cached_property
    def risk_month(self) -> FloatArray:
        """Equal steps past the landmark at which incidence is computed, (RISK_STEPS + 1,) from 0."""
        return np.multiply(np.arange(RISK_STEPS + 1), self.horizon_month / RISK_STEPS)

    @cached_property
    def step(self) -> float:
        """Width of an onset bin on the patient's clock."""
        every = self.landmark_month[1] if len(self.landmark_month) > 1 else self.horizon_month / 10
        return float(every) / BINS_PER_LANDMARK

    @cached_property
    def onset_edge(self) -> FloatArray:
        """Edges of the onset bins on the patient's clock, (n_onset + 1,)."""
        end = self.landmark_month[-1] + self.horizon_month
        n_bins = self.n_onset or int(np.ceil(end / self.step - 1e-9))
        return np.multiply(np.arange(n_bins + 1), self.step)

    @cached_property
    def onset_middle(self) -> FloatArray:
        """Middles of the onset bins, (n_onset,)."""
        return (self.onset_edge[1:] + self.onset_edge[:-1]) / 2

    @cached_property
    def latest_landmark(self) -> IntArray:
        """The landmark whose hazard rules each onset bin: the latest one before its middle, (n_onset,)."""
        return np.searchsorted(self.landmark_month, self.onset_middle, side="right") - 1

    @cached_property
    def latest_hazard_bin(self) -> IntArray:
        """The hazard bin of each onset bin, counted from its latest landmark, (n_onset,)."""
        return self.hazard_bin(self.onset_middle - self.landmark_month[self.latest_landmark])

    def hazard_bin(self, months_past: FloatArray) -> IntArray:
        """Return the hazard bin of times past a landmark; times past the horizon fall in the last."""
        last = len(self.hazard_edge) - 2
        return np.clip(np.searchsorted(self.hazard_edge, months_past, side="right") - 1, 0, last)

    @cached_property
    def coverage(self) -> FloatArray:
        """How many landmarks predict each stretch, (n_landmarks, n_bins).

        A month of follow-up is predicted from every landmark within the horizon before it. Dividing by their number
        lets each month count once, so that priors keep their stated strength; the number is taken at the bin's middle.
        """
        middle = (self.hazard_edge[1:] + self.hazard_edge[:-1]) / 2
        moment = self.landmark_month[:, None] + middle[None, :]
        past = moment[:, :, None] - self.landmark_month[None, None, :]
        return np.asarray(np.sum((past >= 0) & (past < self.horizon_month), axis=2), dtype=np.float64)
