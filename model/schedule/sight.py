"""How well each test would see each onset: by slot of the visit, pace class and onset bin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.onset.growth import sensitivity_at

if TYPE_CHECKING:
    from model.schedule.prospect import Prospect
    from model.study.definition import Study
    from model.types import FloatArray, IntArray


@dataclass(frozen=True)
class Sight:
    """The tests of a study, looking at the cells of a prospect.

    Attributes
    ----------
    sees : (test, cause's position in the prospect) of every pair of which the test sees the cause
    """

    study: Study
    prospect: Prospect
    sees: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, study: Study, prospect: Prospect) -> Sight:
        """Pair the tests with what they see."""
        names = [study.event_names[cause - 1] for cause in prospect.cause]
        pairs = ((t, k) for t, test in enumerate(study.test) for k, name in enumerate(names) if name in test.sees)
        return cls(study, prospect, tuple(pairs))

    def chance(self, test: int, cause: int, slot: int | IntArray) -> FloatArray:
        """P(the test done in a slot finds an onset of the bin that grows at the pace), (..., n_paces, n_bins)."""
        since = np.multiply(slot, self.prospect.step)[..., None, None] - self.prospect.middle
        lead = float(self.prospect.lead_months[cause])
        name = self.study.event_names[self.prospect.cause[cause] - 1]
        # The lead passes at the same pace as what follows the onset.
        return sensitivity_at(
            self.study.test[test].sees[name],
            since * self.prospect.pace[:, None],
            months_per_unit=self.study.months_per_unit,
            lead_months=lead,
        )
