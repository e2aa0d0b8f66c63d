"""The true cumulative incidence of onset, from the true hazards: what a perfect model would answer."""

from dataclasses import dataclass

import numpy as np

from synthetic_data.arrays import FloatArray
from synthetic_data.baseline import Patients
from synthetic_data.biology import (
    DEATH_GROWTH_PER_MONTH,
    DEFAULT_NATURE,
    Nature,
    death_hazard_at_resection,
    log_hazard_ratio,
    median_doubling_months,
)
from synthetic_data.detection import ONSET_DIAMETER_MM
from synthetic_data.parameters import (
    CAUSES,
    DOUBLING_LOG_SD,
    FIRST_SIZE_MM,
    LESION_REFERENCE_MONTHS,
    LESION_SHAPE,
)

GROWTH_NODES = np.linspace(-4.0, 4.0, 49)
"""Standard normal values of the log doubling time: evenly spread, because early onsets live in the fast tail."""
GROWTH_WEIGHTS = np.exp(-0.5 * GROWTH_NODES**2) / np.sum(np.exp(-0.5 * GROWTH_NODES**2))
FRAILTY_NODES = 9


@dataclass(frozen=True, slots=True)
class TrueIncidence:
    """True probabilities of each patient on a grid of months from resection.

    incidence : (n, n_causes, n_months) P(first onset is of this cause, by this month, before death)
    death : (n, n_months) P(death before any onset, by this month)
    event_free : (n, n_months) P(alive without onset); with the others it adds up to 1
    """

    months: FloatArray
    incidence: FloatArray
    death: FloatArray
    event_free: FloatArray

    def after(self, landmark_month: float, horizon_months: float) -> FloatArray:
        """P(first onset within the horizon | alive without onset at the landmark); (n, n_causes).

        Both ends must be on the grid.
        """
        start, stop = (
            int(np.flatnonzero(self.months == m)[0]) for m in (landmark_month, landmark_month + horizon_months)
        )
        gained: FloatArray = self.incidence[:, :, stop] - self.incidence[:, :, start]
        return gained / self.event_free[:, start, None]


def true_incidence(patients: Patients, *, until_month: int, nature: Nature = DEFAULT_NATURE) -> TrueIncidence:
    """True cumulative incidences at every whole month from 0 to `until_month`.

    Notes
    -----
    Onset is the first 3 mm lesion plus the growth to the onset diameter, so its survival function is the lesion's,
    exp(-c e^eta (t / 10 y)^k), averaged over the log-normal doubling times (trapezoid rule).
    Doubling times of different causes are independent; a shared frailty is integrated by Gauss-Hermite quadrature.
    Within a month each cause keeps its share of the hazard. Against 1,001 growth values the root mean square error is
    1e-4; the largest, in a patient whose risk rises from 0 to a third within months, is 0.006.
    """
    months = np.arange(until_month + 1.0)
    points, weights = (np.zeros(1), np.ones(1))
    if nature.frailty_sd:
        points, weights = np.polynomial.hermite_e.hermegauss(FRAILTY_NODES)
    log_hazard = log_hazard_ratio(patients, nature) + np.log(nature.scale)
    own_survival = _gompertz_survival(patients, months, nature)
    growth = median_doubling_months(patients, nature)

    incidence = np.zeros((len(growth), len(CAUSES), len(months)))
    death, event_free = np.zeros(own_survival.shape), np.zeros(own_survival.shape)
    for point, weight in zip(points, weights / weights.sum(), strict=True):
        frailty = nature.frailty_sd * point * np.array([0.0, 1.0, 1.0])
        of_each = [
            _onset_survival(np.exp(log_hazard[:, k] + frailty[k]), growth, months, ONSET_DIAMETER_MM[k])
            for k in range(len(CAUSES))
        ]
        survival = np.stack([*of_each, own_survival])
        event_free += weight * survival.prod(axis=0)
        share = _competing(survival)
        incidence += weight * share[:-1].swapaxes(0, 1)
        death += weight * share[-1]
    return TrueIncidence(months, incidence, death, event_free)


def _gompertz_survival(patients: Patients, months: FloatArray, nature: Nature) -> FloatArray:
    hazard = death_hazard_at_resection(patients, nature)
    survival: FloatArray = np.exp(-np.outer(hazard / DEATH_GROWTH_PER_MONTH, np.expm1(DEATH_GROWTH_PER_MONTH * months)))
    return survival


def _onset_survival(scale: FloatArray, growth_months: FloatArray, months: FloatArray, onset_mm: float) -> FloatArray:
    """P(no onset of one cause by each month), whatever the other causes; (n, n_months)."""
    doublings = 3.0 * np.log2(onset_mm / FIRST_SIZE_MM)
    survival = np.zeros((len(scale), len(months)))
    for luck, weight in zip(GROWTH_NODES, GROWTH_WEIGHTS, strict=True):
        delay = doublings * growth_months * np.exp(DOUBLING_LOG_SD * luck)
        lesion_age = np.maximum(months - delay[:, None], 0.0) / LESION_REFERENCE_MONTHS
        survival += weight * np.exp(-scale[:, None] * lesion_age**LESION_SHAPE)
    return survival


def _competing(survival: FloatArray) -> FloatArray:
    """P(each of independent risks comes first, by each month) from their survival functions; same shape.

    The month's total loss is shared out in proportion to each risk's own loss, so that everything adds up to 1.
    """
    total = survival.prod(axis=0)
    lost = -np.diff(np.log(survival), axis=-1)
    all_lost = lost.sum(axis=0)
    share = np.divide(lost, all_lost, out=np.zeros_like(lost), where=all_lost > 0.0)
    gained = np.cumsum(share * -np.diff(total, axis=-1), axis=-1)
    return np.concatenate([np.zeros((*gained.shape[:-1], 1)), gained], axis=-1)
