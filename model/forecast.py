"""Risks of patients over time, with or without a leading axis of draws, and the band that these span."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.types import FloatArray, IntArray

BAND = (0.025, 0.975)


@dataclass(frozen=True)
class Forecast:
    """Risks of patients, each from their own moment on.

    Attributes
    ----------
    month : (n_steps,) months past the moment, from 0
    unseen : (..., n_patients, n_causes) P(present and not yet seen now)
    incidence : (..., n_patients, n_causes, n_steps) P(present by then), in the presence of the other causes

    A leading axis, where there is one, is over draws of the parameters.
    """

    month: FloatArray
    unseen: FloatArray
    incidence: FloatArray

    def at(self, horizon_month: float | FloatArray) -> FloatArray:
        """Incidence at a horizon, (..., n_patients, n_causes), or some, (..., n_horizons), linear between steps."""
        place = np.interp(horizon_month, self.month, np.arange(len(self.month)))
        before = np.minimum(place.astype(np.int64), len(self.month) - 2)
        share = place - before
        return np.asarray(self.incidence[..., before] * (1 - share) + self.incidence[..., before + 1] * share)

    def select(self, index: IntArray) -> Forecast:
        """Return those of some patients."""
        return Forecast(self.month, self.unseen[..., index, :], self.incidence[..., index, :, :])

    def band(self) -> tuple[Forecast, Forecast]:
        """Lower and upper end of the 95 % band over the draws."""
        unseen, incidence = (np.quantile(draws, BAND, axis=0) for draws in (self.unseen, self.incidence))
        return Forecast(self.month, unseen[0], incidence[0]), Forecast(self.month, unseen[1], incidence[1])
