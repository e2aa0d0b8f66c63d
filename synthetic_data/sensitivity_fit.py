"""Growth and sensitivity by time, as a study file states them, from sensitivity by size and the growth law.

Here lesions have a size, and tests see sizes. A study file knows time only: a recurrence begins (3 mm), has its onset
`lead` later at the usual pace, and u after onset at that pace a test finds it with probability

    max - (max - start) 2^(-(u / half_time)^shape)     for u >= 0
    start (first / start)^(-u / lead)          for -lead <= u < 0, and 0 before

The usual pace is that of the middling lesion at a Ki-67 index of 1 %, the study's reference; `pace` is how its log
rises per ln unit of Ki-67, and `pace_log_sd` the spread that Ki-67 does not explain.
`start` and `first` are the curve's own values at onset and at the first size; `max`, `half_time` and `shape` are least
squares to sensitivity(size(u)) of one such lesion, from onset to symptoms.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from synthetic_data.arrays import FloatArray
from synthetic_data.detection import ONSET_DIAMETER_MM, sensitivity
from synthetic_data.parameters import (
    CAUSES,
    DAYS_PER_MONTH,
    DOUBLING_DAYS,
    DOUBLING_KI67_POWER,
    DOUBLING_LOG_SD,
    FIRST_SIZE_MM,
    SIZE_CURVES,
    SSTR_AVID_SHARE,
    SYMPTOM_SIZE_MM,
    TESTS,
    SizeCurve,
)

STEP_MONTHS = 0.5


@dataclass(frozen=True, slots=True)
class Growth:
    """How lesions of one cause grow: doubling time (of volume) at the usual pace, and log sd of the pace around it."""

    onset_mm: float
    usual_doubling_months: float
    pace_log_sd: float

    def months_to(self, diameter_mm: float) -> float:
        """Months after onset at which a lesion of the usual pace has this diameter."""
        return float(3.0 * self.usual_doubling_months * np.log2(diameter_mm / self.onset_mm))

    def diameter_mm(self, since_onset: FloatArray) -> FloatArray:
        """Diameter of a lesion of the usual pace that many months after its onset; any shape."""
        size: FloatArray = self.onset_mm * np.exp2(since_onset / (3.0 * self.usual_doubling_months))
        return size

    @property
    def lead_months(self) -> float:
        """From the first size to onset at the usual pace."""
        return -self.months_to(FIRST_SIZE_MM)


@dataclass(frozen=True, slots=True)
class SensitivityByTime:
    """A study file's figures for one test and cause, rounded as it holds them, and their distance from the size curve.

    `rms_error` is from onset to symptoms, `largest_error_before` from beginning to onset, where nothing is fitted.
    """

    test: str
    cause: str
    start: float
    max: float
    half_time_months: float
    shape: float
    first: float
    rms_error: float
    largest_error_before: float


def growth_of(cause: str) -> Growth:
    """Growth at a Ki-67 index of 1 %: the same law for every cause, up to another diameter of onset."""
    onset_mm = float(ONSET_DIAMETER_MM[CAUSES.index(cause)])
    return Growth(onset_mm, DOUBLING_DAYS / DAYS_PER_MONTH, DOUBLING_LOG_SD)


def after_onset(figures: FloatArray, months: FloatArray) -> FloatArray:
    """Sensitivity that many months after onset at the usual pace; `figures`: start, max, half-time, shape, (4,)."""
    start, highest, half_time, shape = figures
    seen: FloatArray = highest - (highest - start) * np.exp2(-((months / half_time) ** shape))
    return seen


def fit(curve: SizeCurve, growth: Growth) -> SensitivityByTime:
    """Least-squares figures for one test and cause."""
    share = SSTR_AVID_SHARE if curve.needs_avid else 1.0
    first, start = (round(float(sensitivity(curve, np.array(size))), 2) for size in (FIRST_SIZE_MM, growth.onset_mm))
    months = np.arange(0.0, growth.months_to(SYMPTOM_SIZE_MM), STEP_MONTHS)
    target = sensitivity(curve, growth.diameter_mm(months))

    def difference(figures: FloatArray) -> FloatArray:
        error: FloatArray = after_onset(np.array([start, *figures]), months) - target
        return error

    best = least_squares(difference, x0=[target[-1], 24.0, 1.0], bounds=([start, 1.0, 0.5], [share, 240.0, 3.0])).x
    highest, half_time, shape = round(best[0], 2), round(best[1], 1), round(best[2], 2)
    error = difference(np.array([highest, half_time, shape]))
    to_go = np.linspace(0.0, 1.0, 50)
    early = start * (first / start) ** to_go - sensitivity(curve, growth.diameter_mm(-to_go * growth.lead_months))
    return SensitivityByTime(
        test=curve.test,
        cause=curve.cause,
        start=start,
        max=float(highest),
        half_time_months=float(half_time),
        shape=float(shape),
        first=first,
        rms_error=float(np.sqrt(np.mean(error**2))),
        largest_error_before=float(np.abs(early).max()),
    )


def as_toml() -> str:
    """The study file's keys that follow from growth: of every event, and of every test and event it sees."""
    growths = {cause: growth_of(cause) for cause in CAUSES}
    lines = []
    for cause, growth in growths.items():
        lines += [
            f"# onset at {growth.onset_mm:.1f} mm, volume doubles in {growth.usual_doubling_months:.1f} months",
            "[[event]]",
            f'name = "{cause}"',
            f"lead = {growth.lead_months:.1f}",
            f"pace_log_sd = {growth.pace_log_sd:.2f}",
            # A lesion that doubles in half the time grows at twice the pace.
            f"pace = {{ ki67_percent = {-DOUBLING_KI67_POWER:.2f} }}",
            "",
        ]
    for test in TESTS:
        lines += ["[[test]]", f'name = "{test}"']
        for figures in (fit(curve, growths[curve.cause]) for curve in SIZE_CURVES if curve.test == test):
            lines += [
                f"# RMS error after onset {figures.rms_error:.3f}, largest before {figures.largest_error_before:.3f}",
                f"[test.sees.{figures.cause}]",
                f"start = {figures.start:.2f}",
                f"max = {figures.max:.2f}",
                f"half_time = {figures.half_time_months:.1f}",
                f"shape = {figures.shape:.2f}",
                f"first = {figures.first:.2f}",
            ]
        lines.append("")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    argparse.ArgumentParser(
        prog="python -m synthetic_data.sensitivity_fit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    sys.stdout.write(as_toml())
    return 0


if __name__ == "__main__":
    sys.exit(main())
