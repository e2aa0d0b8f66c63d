"""Latent biology: when lesions arise, how they grow, when they show themselves, and death.

Nothing here knows of visits: the same patient keeps lesions, growth and death whatever the surveillance plan.
"""

from dataclasses import dataclass, replace

import numpy as np

from synthetic_data.arrays import BLOCK, FloatArray, IntArray
from synthetic_data.baseline import Patients
from synthetic_data.detection import ONSET_DIAMETER_MM
from synthetic_data.parameters import (
    CAUSES,
    DAYS_PER_MONTH,
    DEATH_AFTER_DISTANT_PER_YEAR,
    DEATH_LOG_RATIO_MALE,
    DEATH_PER_YEAR_OF_AGE,
    DEATH_SCALE_PER_YEAR,
    DOUBLING_DAYS,
    DOUBLING_KI67_POWER,
    DOUBLING_LOG_SD,
    FIRST_SIZE_MM,
    LESION_REFERENCE_MONTHS,
    LESION_SCALE,
    LESION_SCALE_LOG_SD,
    LESION_SHAPE,
    LOG_HAZARD_RATIO,
    MALE_SHARE,
    MONTHS_PER_YEAR,
    REFERENCE_SIZE_MM,
    SYMPTOM_SIZE_MM,
)

DISTANT = CAUSES.index("distant")


@dataclass(frozen=True, slots=True)
class Nature:
    """How the truth of a variant differs from the default.

    scale : (n_causes,) c_j, cumulative lesion hazard at 10 years for a reference patient
    frailty_sd : spread of a log-normal factor shared by nodal and distant hazards
    covariates_matter : False gives every patient the reference hazards, growth and death
    log_ratio_per_year : change of every lesion hazard per calendar year, from the middle of the study period
    """

    scale: FloatArray
    frailty_sd: float = 0.0
    covariates_matter: bool = True
    log_ratio_per_year: float = 0.0


DEFAULT_NATURE = Nature(scale=LESION_SCALE)
MIDDLE_YEAR = 2013.0


@dataclass(frozen=True, slots=True)
class Lesions:
    """The latent course of one block; all moments in months since resection, inf = never.

    lesion_month, doubling_months : (n, n_causes) first 3 mm lesion; its volume doubling time
    death_month : (n,) death from any cause
    """

    lesion_month: FloatArray
    doubling_months: FloatArray
    death_month: FloatArray

    def month_of(self, diameter_mm: FloatArray | float) -> FloatArray:
        """When each lesion reaches a diameter (scalar or per cause); (n, n_causes)."""
        moment: FloatArray = self.lesion_month + 3.0 * self.doubling_months * np.log2(
            np.divide(diameter_mm, FIRST_SIZE_MM)
        )
        return moment

    @property
    def onset_month(self) -> FloatArray:
        """When each recurrence becomes detectable; (n, n_causes)."""
        return self.month_of(ONSET_DIAMETER_MM)

    @property
    def symptom_month(self) -> FloatArray:
        """When each recurrence would cause symptoms; (n, n_causes)."""
        return self.month_of(SYMPTOM_SIZE_MM)

    def diameter_mm(self, month: FloatArray) -> FloatArray:
        """Size of each lesion at one moment per patient, 0 before it exists; (n, n_causes)."""
        age = month[:, None] - self.lesion_month
        size: FloatArray = FIRST_SIZE_MM * np.exp2(np.maximum(age, 0.0) / (3.0 * self.doubling_months)) * (age >= 0.0)
        return size

    def of(self, rows: IntArray | slice) -> "Lesions":
        """The same for some of the patients."""
        return Lesions(self.lesion_month[rows], self.doubling_months[rows], self.death_month[rows])


def log_hazard_ratio(patients: Patients, nature: Nature = DEFAULT_NATURE) -> FloatArray:
    """eta_j, log hazard ratio of each cause against the reference patient; (n, n_causes)."""
    eta = nature.log_ratio_per_year * (patients.origin_year - MIDDLE_YEAR)[:, None] + np.zeros(len(CAUSES))
    eta += patients.centre_log_hazard[:, None]
    if nature.covariates_matter:
        covariates = {
            "size_mm": patients.size_mm - REFERENCE_SIZE_MM,
            "log_ki67": np.log(patients.ki67_percent),
            "r1": patients.r1,
            "radical": patients.radical,
            "lvi": patients.lvi,
            "muscularis": patients.muscularis,
            "depression": patients.depression,
        }
        for name, value in covariates.items():
            eta += np.outer(value, LOG_HAZARD_RATIO[name])
    return eta


def median_doubling_months(patients: Patients, nature: Nature = DEFAULT_NATURE) -> FloatArray:
    """Volume doubling time of a middling lesion, by Ki-67; (n,)."""
    ki67 = patients.ki67_percent if nature.covariates_matter else np.ones(len(patients.ki67_percent))
    months: FloatArray = DOUBLING_DAYS / DAYS_PER_MONTH * ki67**DOUBLING_KI67_POWER
    return months


def death_hazard_at_resection(patients: Patients, nature: Nature = DEFAULT_NATURE) -> FloatArray:
    """Gompertz death hazard per month on the day of resection, recurrence apart; (n,)."""
    age, male = patients.age_years, patients.male.astype(float)
    if not nature.covariates_matter:
        age, male = np.full_like(age, 55.0), np.full_like(male, MALE_SHARE)
    hazard: FloatArray = (
        DEATH_SCALE_PER_YEAR / MONTHS_PER_YEAR * np.exp(DEATH_PER_YEAR_OF_AGE * age + DEATH_LOG_RATIO_MALE * male)
    )
    return hazard


DEATH_GROWTH_PER_MONTH = DEATH_PER_YEAR_OF_AGE / MONTHS_PER_YEAR


def draw_lesions(
    patients: Patients, nature: Nature, rng_lesions: np.random.Generator, rng_death: np.random.Generator
) -> Lesions:
    """Draw the latent course of one whole block.

    Lesion times invert the Weibull cumulative hazard, death inverts the Gompertz one. Death after distant onset is
    faster, and counts from onset, not from detection: finding a recurrence earlier never lengthens a synthetic life.
    """
    shape = (BLOCK, len(CAUSES))
    frailty = nature.frailty_sd * rng_lesions.standard_normal(BLOCK)[:, None] * np.array([0.0, 1.0, 1.0])
    exponential = rng_lesions.standard_exponential(shape)
    lesion_month = LESION_REFERENCE_MONTHS * (
        exponential / (nature.scale * np.exp(log_hazard_ratio(patients, nature) + frailty))
    ) ** (1.0 / LESION_SHAPE)
    doubling_months = median_doubling_months(patients, nature)[:, None] * np.exp(
        DOUBLING_LOG_SD * rng_lesions.standard_normal(shape)
    )

    hazard = death_hazard_at_resection(patients, nature)
    own_death = np.log1p(DEATH_GROWTH_PER_MONTH * rng_death.standard_exponential(BLOCK) / hazard)
    own_death /= DEATH_GROWTH_PER_MONTH
    alive = Lesions(lesion_month, doubling_months, own_death)
    excess_per_month = np.array(DEATH_AFTER_DISTANT_PER_YEAR)[patients.grade - 1] / MONTHS_PER_YEAR
    tumour_death = alive.onset_month[:, DISTANT] + rng_death.standard_exponential(BLOCK) / excess_per_month
    return Lesions(lesion_month, doubling_months, np.minimum(own_death, tumour_death))


def uncertain_nature(nature: Nature, rng: np.random.Generator) -> Nature:
    """The same nature with baseline hazards drawn from the literature's spread: log-normal, SD 0.5, by cause."""
    drawn = nature.scale * np.exp(LESION_SCALE_LOG_SD * rng.standard_normal(len(CAUSES)))
    return replace(nature, scale=drawn)
