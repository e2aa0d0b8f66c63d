"""Weigh every test result against every moment of beginning, in machine code: a patient's visits, bins and paces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.compiling import compiled, inlined

if TYPE_CHECKING:
    from model.onset.growth import Growth
    from model.study.entries import Sensitivity
    from model.types import FloatArray, TestArray

NOTHING, MISSED_IT, FOUND_IT = 0, 1, 2
CURVE_NUMBERS = 5
# Halvings beyond which nothing is left.
NEGLIGIBLE = 64.0


def curve_of(sensitivity: Sensitivity, growth: Growth, *, months_per_unit: float) -> tuple[float, ...]:
    """Say in numbers what `growth.sensitivity_at` computes: (start, max, half time, shape, what is lost per month)."""
    fall = np.log2((sensitivity.first or sensitivity.start) / sensitivity.start) if sensitivity.start > 0 else 0.0
    lost = -fall / growth.lead_months if growth.lead_months > 0 and fall < 0 else 0.0
    half_time = sensitivity.half_time * months_per_unit
    return sensitivity.start, sensitivity.max, half_time, sensitivity.shape, lost


@inlined
def _seen(curve: FloatArray, test: int, grown: float, lead: float) -> float:
    """Chance that a test finds what has its onset so many months ago, at the usual pace."""
    if grown < -lead:
        return 0.0
    if grown < 0.0:
        return float(curve[test, 0] * np.exp2(grown * curve[test, 4]))
    left = 0.0
    if curve[test, 2] > 0.0:
        halvings = grown / curve[test, 2]
        if curve[test, 3] != 1.0:
            halvings **= curve[test, 3]
        if halvings < NEGLIGIBLE:
            left = np.exp2(-halvings)
    return float(curve[test, 1] - (curve[test, 1] - curve[test, 0]) * left)


@inlined
def _told(what: TestArray, curve: FloatArray, grown: float, lead: float) -> float:
    """P(what the tests of a visit say | it has its onset so many months ago, at the usual pace)."""
    chance = 1.0
    for test in range(len(what)):
        if what[test] == MISSED_IT:
            chance *= 1.0 - _seen(curve, test, grown, lead)
        elif what[test] == FOUND_IT:
            chance *= _seen(curve, test, grown, lead)
    return chance


@compiled
def weigh_visits(
    given: FloatArray,
    month: FloatArray,
    says: TestArray,
    bins: tuple[FloatArray, FloatArray],
    growing: tuple[FloatArray, float, FloatArray],
) -> None:
    """Multiply P(results | beginning in a bin, at a pace) by what every visit says, in place.

    Parameters
    ----------
    given : (n_patients, n_paces, n_bins)
    month : (n_patients, n_visits)
    says : (n_patients, n_visits, n_tests) NOTHING, MISSED_IT (negative, or positive for something else) or FOUND_IT
    bins : their beginnings, (n_bins,), and months of each that are looked at, (n_patients, n_bins)
    growing : the pace, (n_patients, n_paces), the lead in months, and `curve_of` each test, (n_tests, CURVE_NUMBERS)
    """
    start, width = bins
    pace, lead, curve = growing
    for who in range(month.shape[0]):
        for visit in range(month.shape[1]):
            what = says[who, visit]
            if (what == NOTHING).all():
                continue
            absent = 1.0 - (what == FOUND_IT).any()
            for one in range(start.shape[0]):
                past = min(month[who, visit] - start[one], width[who, one])
                if past <= 0.0:
                    given[who, :, one] *= absent
                    continue
                share = past / width[who, one]
                since = month[who, visit] - start[one] - past / 2.0
                for at in range(pace.shape[1]):
                    told = _told(what, curve, since * pace[who, at] - lead, lead)
                    given[who, at, one] *= (1.0 - share) * absent + share * told
