"""Who comes back: attendance, drop-out and the end of the data."""

from dataclasses import dataclass

import numpy as np

from synthetic_data.arrays import BLOCK, FloatArray, IntArray
from synthetic_data.baseline import Patients
from synthetic_data.parameters import DATA_CUT, DAYS_PER_MONTH, FOLLOW_UP_MONTHS, MONTHS_PER_YEAR


@dataclass(frozen=True, slots=True)
class Adherence:
    """How patients keep to a plan (facts sheet sections 7 and 9, P).

    attendance : Beta(a, b) share of visits kept, one draw per patient; None = every visit is kept
    high_risk_factor : attendance multiplies by this after G2-3, muscularis or lymphovascular invasion
    jitter_months : standard deviation of the actual about the planned moment
    early_leavers, early_leavers_small : share who leave in the first two years; share under 10 mm who never return
        (None: small tumours are like the others)
    leave_per_year : rate at which the others leave
    data_cut : the day after which nothing is known, or None
    """

    attendance: tuple[float, float] | None = (6.0, 2.0)
    high_risk_factor: float = 1.3
    jitter_months: float = 1.5
    early_leavers: float = 0.25
    early_leavers_small: float | None = 0.35
    leave_per_year: float = 0.04
    data_cut: str | None = DATA_CUT


REAL_WORLD = Adherence()
PERFECT = Adherence(None, 1.0, 0.0, 0.0, None, 0.0, None)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Per patient: share of visits kept, and the last moment anything about them can be recorded; both (n,)."""

    attendance: FloatArray
    end_month: FloatArray

    def of(self, rows: IntArray | slice) -> "FollowUp":
        """The same for some of the patients."""
        return FollowUp(self.attendance[rows], self.end_month[rows])


def draw_follow_up(patients: Patients, adherence: Adherence, rng: np.random.Generator) -> FollowUp:
    """Draw one whole block's attendance and end of follow-up, which no plan changes."""
    attendance = np.ones(BLOCK)
    if adherence.attendance is not None:
        kept = rng.beta(*adherence.attendance, BLOCK)
        attendance = np.minimum(kept * np.where(patients.high_risk, adherence.high_risk_factor, 1.0), 1.0)

    chance, moment, rate = rng.random(BLOCK), rng.random(BLOCK), rng.standard_exponential(BLOCK)
    with np.errstate(divide="ignore"):
        end = MONTHS_PER_YEAR * rate / np.float64(adherence.leave_per_year)
    end = np.where(chance < adherence.early_leavers, 24.0 * moment, end)
    if adherence.early_leavers_small is not None:
        small = patients.size_mm < 10.0
        never_returns = small & (chance < adherence.early_leavers_small)
        # The last contact of those who never return: the talk about the pathology report, P
        end = np.where(never_returns, 0.5 + 2.5 * moment, end)
    if adherence.data_cut is not None:
        days = np.datetime64(adherence.data_cut).astype(np.int64) - patients.origin_day
        end = np.minimum(end, days / DAYS_PER_MONTH)
    return FollowUp(attendance, np.clip(end, 0.5, FOLLOW_UP_MONTHS))
