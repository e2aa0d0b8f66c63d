"""What a test sees: sensitivity by lesion size, and the size from which a recurrence counts as detectable."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from synthetic_data.arrays import BoolArray, FloatArray
from synthetic_data.parameters import CAUSES, SIZE_CURVES, SSTR_AVID_SHARE, TESTS, SizeCurve


def sensitivity(curve: SizeCurve, diameter_mm: FloatArray, avid: BoolArray | None = None) -> FloatArray:
    """P(the test finds a lesion of this diameter); 0 without a lesion. Any shape.

    A test that needs somatostatin receptors finds nothing in a patient who is not `avid`; without `avid` the share of
    avid patients stands in for it (the sensitivity in a population).
    """
    relative = np.divide(diameter_mm, curve.d50_mm) ** curve.slope
    found: FloatArray = curve.max * relative / (1.0 + relative)
    if not curve.needs_avid:
        return found
    return found * (SSTR_AVID_SHARE if avid is None else avid)


def weakened(curves: Sequence[SizeCurve], *, max_factor: float, d50_factor: float) -> tuple[SizeCurve, ...]:
    """The same tests, seeing less: lower ceiling and larger half-sensitivity diameter."""
    return tuple(replace(c, max=c.max * max_factor, d50_mm=c.d50_mm * d50_factor) for c in curves)


def onset_diameter_mm(curves: Sequence[SizeCurve] = SIZE_CURVES) -> FloatArray:
    """Diameter, per cause, from which the best test finds a recurrence at least half the time; shape (n_causes,).

    Solves max / (1 + (d50 / d)^slope) = 1/2 for each test and takes the smallest.
    """
    best = np.full(len(CAUSES), np.inf)
    for curve in curves:
        ceiling = curve.max * (SSTR_AVID_SHARE if curve.needs_avid else 1.0)
        if ceiling > 0.5:
            diameter = curve.d50_mm * (2.0 * ceiling - 1.0) ** (-1.0 / curve.slope)
            best[CAUSES.index(curve.cause)] = min(best[CAUSES.index(curve.cause)], diameter)
    return best


ONSET_DIAMETER_MM = onset_diameter_mm()
"""Local 3.2 mm (EUS), nodal 5.8 mm (SSTR PET), distant 6.1 mm (liver MRI): the same in every variant."""

SEES = np.array([[any(c.test == t and c.cause == k for c in SIZE_CURVES) for k in CAUSES] for t in TESTS])
"""(n_tests, n_causes): whether a test can see a cause at all."""
