"""Patients of eight centres whose true risk is known at every visit: nothing is fitted, nothing off by chance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from model.audit.detection import DetectionSteps
from model.audit.out_of_fold import MODEL, LandmarkPredictions
from model.study.file import parse_study
from model.tables.cohort import Cohort
from model.types import NOT_DONE, Histories, Outcomes

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.types import FloatArray, IntArray

N_CENTRES = 8
FOUND, DIED = 1, 2
HORIZON = 60.0
VISITS = np.arange(12.0, 85.0, 12.0)
# Five years after resection of a tumour above 2 cm about a fifth has recurred, and 2.9 % of patients of 55 have died
# without (facts sheet, section 9a T6 and section 9: the generator's own figures); a quarter is lost in two years
# (section 9). Per month; the size's effect is that of one standard deviation.
RECURRENCE, SIZE_EFFECT = 0.003, 0.7
DEATH, AGE_EFFECT = -np.log(1 - 0.029) / 60, 0.09
EARLY_LEAVERS, ATTENDED, JITTER = 0.25, 0.75, 1.5
MALE, BLANK = 0.55, 0.2
STUDY = parse_study(
    """
name = "known"
title = "Patients whose risks are known"
time_unit = "months"
landmark_every = 6.0
landmark_until = 0.0
horizons = [60.0]
[[event]]
name = "recurrence"
role = "target"
observed = "test"
[[event]]
name = "death"
role = "competing"
observed = "exact"
[[baseline]]
name = "age_years"
kind = "number"
required = true
group = "demographics"
[[baseline]]
name = "sex"
kind = "category"
levels = ["female", "male"]
required = true
group = "demographics"
[[baseline]]
name = "size"
kind = "number"
group = "imaging"
[baseline.prior.recurrence]
log_hazard_ratio = 0.7
sd = 0.35
source = "made for this example"
[[test]]
name = "scan"
[test.sees.recurrence]
start = 1.0
max = 1.0
half_time = 0.0
""",
    file="known.toml",
)


@dataclass(frozen=True)
class Known:
    """A cohort, the true chance of every visit and the true incidences.

    Attributes
    ----------
    centre : (n_patients,) from 0
    """

    cohort: Cohort
    centre: IntArray
    steps: DetectionSteps
    at_start: LandmarkPredictions

    def predicted_by(self, wrong: Callable[[FloatArray, IntArray], FloatArray]) -> Known:
        """Let somebody predict who turns true probabilities, (n,), of patients of these centres, (n,), into others."""
        steps, start = self.steps, self.at_start
        told = replace(steps, probability=wrong(steps.probability, self.centre[steps.patient]))
        causes = [wrong(each, self.centre) for each in start.incidence[MODEL][:, :, 0].T]
        incidence = np.stack(causes, axis=1)[:, :, None]
        within = np.where(told.month <= HORIZON, told.probability, 0.0)
        expected = np.zeros_like(incidence)
        expected[:, FOUND - 1, 0] = np.bincount(told.patient, within, minlength=len(expected))
        return replace(
            self, steps=told, at_start=replace(start, incidence={MODEL: incidence}, expected_detections=expected)
        )


def known(rng: np.random.Generator, n: int) -> Known:
    """Draw a cohort: visits about every 12 months, a quarter of them missed, a perfect test at each."""
    size, age = rng.standard_normal(n), np.clip(rng.normal(55.0, 12.0, n), 20.0, 90.0)
    begins, dies = RECURRENCE * np.exp(SIZE_EFFECT * size), DEATH * np.exp(AGE_EFFECT * (age - 55.0))
    month = VISITS + rng.normal(0.0, JITTER, (n, len(VISITS)))
    month = np.sort(np.where(rng.random(month.shape) < ATTENDED, month, np.inf), axis=1)
    begun, death = rng.exponential(1 / begins), rng.exponential(1 / dies)
    leaves = np.where(rng.random(n) < EARLY_LEAVERS, rng.uniform(0.0, 24.0, n), rng.uniform(60.0, 84.0, n))
    found = np.where(month >= begun[:, None], month, np.inf).min(axis=1)
    exit_month = np.minimum(np.minimum(found, death), leaves)
    cause = np.select([exit_month == found, exit_month == death], [FOUND, DIED], 0)
    before = np.concatenate([np.zeros((n, 1)), month[:, :-1]], axis=1)
    there = month <= exit_month[:, None]
    gap = np.where(there, month - np.where(there, before, 0.0), 0.0)
    chance = -np.expm1(-begins[:, None] * gap)
    patient, visit = np.nonzero(there)
    steps = DetectionSteps(patient, month[patient, visit], chance[patient, visit])
    incidence = _incidence(begins, dies, np.minimum(month, HORIZON))
    start = LandmarkPredictions(0.0, np.arange(n), {MODEL: incidence}, np.zeros_like(incidence))
    centre = rng.integers(0, N_CENTRES, n)
    outcomes = Outcomes(exit_month, cause, np.full(n, np.nan))
    baseline = np.column_stack([age, rng.random(n) < MALE, np.where(rng.random(n) < BLANK, np.nan, size)])
    histories = _recorded(baseline, np.where(there, month, np.inf), outcomes)
    return Known(_cohort(rng, centre, histories, outcomes), centre, steps, start)


def _incidence(begins: FloatArray, dies: FloatArray, month: FloatArray) -> FloatArray:
    """P(begun by the horizon while alive) and P(dead by then, nothing found before), (n_patients, 2, 1).

    month : (n_patients, n_visits) ascending, not beyond the horizon
    """
    n = len(month)
    any_of_them = begins + dies
    begun = begins / any_of_them * -np.expm1(-any_of_them * HORIZON)
    edge = np.concatenate([np.zeros((n, 1)), month, np.full((n, 1), HORIZON)], axis=1)
    # Free of findings since the last visit, whatever has begun after it.
    alive = np.exp(-dies[:, None] * edge)
    dead = (np.exp(-begins[:, None] * edge[:, :-1]) * -np.diff(alive, axis=1)).sum(axis=1)
    return np.stack([begun, dead], axis=1)[:, :, None]


def _recorded(baseline: FloatArray, month: FloatArray, outcomes: Outcomes) -> Histories:
    """Visits at which everything was negative, but for the one that found the recurrence."""
    found = (outcomes.cause == FOUND)[:, None] & (month == outcomes.exit_month[:, None])
    result = np.where(np.isfinite(month), found, NOT_DONE).astype(np.int8)
    return Histories(baseline, month, np.zeros((*month.shape, 0)), result[:, :, None])


def _cohort(rng: np.random.Generator, centre: IntArray, histories: Histories, outcomes: Outcomes) -> Cohort:
    """Name patients by their number; they come from ten years."""
    n = len(centre)
    names = [str(number) for number in range(n)]
    centres: list[str | None] = [f"centre {number + 1}" for number in centre]
    origin_date = np.datetime64("2010-01-01") + rng.integers(0, 3650, n).astype("timedelta64[D]")
    return Cohort(STUDY, names, centres, histories, outcomes, {}, origin_date=origin_date)
