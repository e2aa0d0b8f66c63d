"""What a tier of care can do, and which patients it should refer upwards, with the criteria named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np

from model.guidelines.conditions import UNKNOWN, YES, holds
from model.study.entries import Tier

if TYPE_CHECKING:
    from model.guidelines.entries import TierFile
    from model.study.definition import Study
    from model.types import BoolArray, FloatArray

ORDER: tuple[Tier, ...] = get_args(Tier)
"""From the tier that can do least to the one that can do most."""


@dataclass(frozen=True)
class Referral:
    """Which criteria say that patients should be seen by a higher tier; both (n_patients, n_criteria).

    Attributes
    ----------
    met : the criterion holds and names a tier above the patient's own
    open : the same, were it not for a missing fact
    """

    met: BoolArray
    open: BoolArray


def available_at(study: Study, tier: Tier | None) -> BoolArray:
    """The tests that a tier has, (n_tests,); all of them where no tier is named."""
    return np.array([tier is None or tier in test.tiers for test in study.test], dtype=bool)


def referral(tiers: TierFile, study: Study, baseline: FloatArray, *, tier: Tier) -> Referral:
    """Hold every criterion against patients, (n_patients, n_baseline), who are cared for at `tier`."""
    above = np.array([ORDER.index(criterion.to) > ORDER.index(tier) for criterion in tiers.referral], dtype=bool)
    answer = np.zeros((len(baseline), len(above)))
    for index, criterion in enumerate(tiers.referral):
        answer[:, index] = holds(criterion.any_of, study, baseline)
    return Referral((answer == YES) & above, (answer == UNKNOWN) & above)
