"""Sensitivity by time since onset, as a study file states it, fitted to sensitivity by size and the growth law.

A study file says sensitivity(u) = max - (max - start) * 2^(-u / half_time), u months after onset. Here lesions have a
size, and tests see sizes. Averaging sensitivity(size at onset + u) over the doubling times of the lesions that arise
gives the curve that (start, max, half_time) is fitted to by least squares.

With `--since lesion` u counts from the first 3 mm lesion instead of from onset: before that moment nothing can be
found, whereas tests do find some recurrences before onset, with less than even odds.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from synthetic_data.arrays import BLOCK, Component, FloatArray, stream
from synthetic_data.baseline import draw_patients
from synthetic_data.biology import log_hazard_ratio, median_doubling_months
from synthetic_data.detection import ONSET_DIAMETER_MM, sensitivity
from synthetic_data.parameters import (
    CAUSES,
    DOUBLING_LOG_SD,
    FIRST_SIZE_MM,
    SIZE_CURVES,
    SSTR_AVID_SHARE,
    SYMPTOM_SIZE_MM,
    SizeCurve,
)

FIT_MONTHS = np.arange(0.0, 121.0)
"""Fitted over the ten years after onset: the landmarks' range."""
SEED = 9


@dataclass(frozen=True, slots=True)
class SensitivityByTime:
    """A study file's figures for one test and cause, and how far the fitted curve is from the averaged one."""

    test: str
    cause: str
    start: float
    max: float
    half_time_months: float
    rms_error: float


def doubling_months_of_lesions(cause: str, blocks: int = 4) -> tuple[FloatArray, FloatArray]:
    """Doubling times of the lesions that arise, and how often each kind arises (its hazard); both (n,)."""
    doubling, weight = [], []
    for block in range(blocks):
        patients = draw_patients(stream(SEED, block, Component.BASELINE))
        luck = stream(SEED, block, Component.LESIONS).standard_normal(BLOCK)
        doubling.append(median_doubling_months(patients) * np.exp(DOUBLING_LOG_SD * luck))
        weight.append(np.exp(log_hazard_ratio(patients)[:, CAUSES.index(cause)]))
    return np.concatenate(doubling), np.concatenate(weight)


def averaged_sensitivity(curve: SizeCurve, start_mm: float) -> FloatArray:
    """Mean sensitivity at FIT_MONTHS after a lesion measured `start_mm`, while it causes no symptoms; (n_months,)."""
    doubling_months, weight = doubling_months_of_lesions(curve.cause)
    size = start_mm * np.exp2(FIT_MONTHS / (3.0 * doubling_months[:, None]))
    still_silent = weight[:, None] * (size < SYMPTOM_SIZE_MM)
    mean: FloatArray = np.sum(sensitivity(curve, size) * still_silent, axis=0) / still_silent.sum(axis=0)
    return mean


def fit(curve: SizeCurve, start_mm: float) -> SensitivityByTime:
    """Least-squares figures for one test and cause, rounded as the study file holds them."""
    target = averaged_sensitivity(curve, start_mm)
    ceiling = curve.max * (SSTR_AVID_SHARE if curve.needs_avid else 1.0)

    def difference(figures: FloatArray) -> FloatArray:
        start, highest, half_time = figures
        error: FloatArray = highest - (highest - start) * np.exp2(-FIT_MONTHS / half_time) - target
        return error

    best = least_squares(
        difference, x0=[target[0], target[-1], 24.0], bounds=([0.0, 0.0, 1.0], [ceiling, ceiling, 240.0])
    ).x
    start, highest, half_time = round(best[0], 2), round(best[1], 2), float(round(best[2]))
    error = float(np.sqrt(np.mean(difference(np.array([start, highest, half_time])) ** 2)))
    return SensitivityByTime(curve.test, curve.cause, start, highest, half_time, error)


def as_toml(start_mm: FloatArray = ONSET_DIAMETER_MM) -> str:
    """Every [test.sees.CAUSE] table of the study file; `start_mm` (n_causes,) is the size at which u is 0."""
    sizes = ", ".join(f"{cause} {mm:.1f} mm" for cause, mm in zip(CAUSES, start_mm, strict=True))
    lines = [f"# u = 0 when the lesion measures: {sizes}"]
    for curve in SIZE_CURVES:
        figures = fit(curve, float(start_mm[CAUSES.index(curve.cause)]))
        lines += [
            "",
            f"# {figures.test}, root mean square error of the fit {figures.rms_error:.3f}",
            f"[test.sees.{figures.cause}]",
            f"start = {figures.start:.2f}",
            f"max = {figures.max:.2f}",
            f"half_time = {figures.half_time_months:.1f}",
        ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m synthetic_data.sensitivity_fit", description=__doc__)
    parser.add_argument("--since", choices=("onset", "lesion"), default="onset", help="what u counts from")
    since_onset = parser.parse_args(arguments).since == "onset"
    sys.stdout.write(as_toml(ONSET_DIAMETER_MM if since_onset else np.full(len(CAUSES), FIRST_SIZE_MM)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
