"""Blood markers at a visit: chromogranin A, liquid-biopsy score and 5-HIAA."""

from dataclasses import dataclass, field

import numpy as np

from synthetic_data.arrays import BLOCK, FloatArray, IntArray
from synthetic_data.baseline import Patients
from synthetic_data.biology import Lesions
from synthetic_data.parameters import (
    CGA_LARGEST_RATIO,
    CGA_LOG_MEAN,
    CGA_PER_DOUBLING,
    CGA_PERSON_SD,
    CGA_PPI_RATIO,
    CGA_SAMPLE_SD,
    CGA_SIZE_MM,
    HIAA_LOG_MEAN,
    HIAA_LOG_SD,
    LIQUID_FREE,
    LIQUID_LEAD_MONTHS,
    LIQUID_LESION,
    MARKER_MEASURED_SHARE,
    MARKERS,
)


@dataclass(frozen=True, slots=True)
class MarkerBiology:
    """How markers follow lesions; the defaults are section 9's.

    cga_per_doubling : (n_causes,) rise of ln CgA per doubling of (1 + (d / cga_size_mm)^3), in secretors
    cga_lead_months : CgA answers to the lesion's size this much later: 0 = to its size today
    liquid_lesion : mean and sd of the liquid-biopsy score with a lesion, from liquid_lead_months before onset
    measured_share : (n_markers,) P(measured at a visit)
    """

    cga_per_doubling: FloatArray = field(default_factory=lambda: CGA_PER_DOUBLING)
    cga_size_mm: float = CGA_SIZE_MM
    cga_lead_months: float = 0.0
    everybody_secretes: bool = False
    liquid_lesion: tuple[float, float] = LIQUID_LESION
    liquid_lead_months: float = LIQUID_LEAD_MONTHS
    measured_share: FloatArray = field(default_factory=lambda: MARKER_MEASURED_SHARE)


def personal_log_cga(patients: Patients, rng: np.random.Generator) -> FloatArray:
    """Mean ln CgA of each patient without a lesion, on their proton-pump inhibitor or off it; (n,)."""
    person = rng.standard_normal(BLOCK)[: len(patients.ppi)]
    level: FloatArray = CGA_LOG_MEAN + CGA_PERSON_SD * person + np.log(CGA_PPI_RATIO) * patients.ppi
    return level


def log_cga_rise(lesions: Lesions, secretes: FloatArray, month: FloatArray, biology: MarkerBiology) -> FloatArray:
    """Rise of ln CgA that the lesions of that moment cause, at most ln CGA_LARGEST_RATIO; (n,)."""
    size = lesions.diameter_mm(month + biology.cga_lead_months)
    rise: FloatArray = np.log2(1.0 + (size / biology.cga_size_mm) ** 3) @ biology.cga_per_doubling
    return np.minimum(rise, np.log(CGA_LARGEST_RATIO)) * secretes


def draw_markers(
    rows: IntArray,
    month: FloatArray,
    *,
    personal: FloatArray,
    patients: Patients,
    lesions: Lesions,
    biology: MarkerBiology,
    rng: np.random.Generator,
) -> FloatArray:
    """Marker values of the patients `rows` at `month`, nan where not measured; (n_rows, n_markers).

    The liquid-biopsy score is cut to 0..100, its scale. Always draws for the whole block.
    """
    noise = rng.standard_normal((len(MARKERS), BLOCK))[:, rows]
    measured = biology.measured_share > rng.random((len(MARKERS), BLOCK))[:, rows].T
    mine = lesions.of(rows)
    secretes = np.ones(len(rows)) if biology.everybody_secretes else patients.secretor[rows].astype(float)

    cga = np.exp(personal[rows] + log_cga_rise(mine, secretes, month, biology) + CGA_SAMPLE_SD * noise[0])
    ill = month >= mine.onset_month.min(axis=1) - biology.liquid_lead_months
    mean, sd = np.where(ill[:, None], biology.liquid_lesion, LIQUID_FREE).T
    liquid = np.clip(mean + sd * noise[1], 0.0, 100.0)
    hiaa = np.exp(HIAA_LOG_MEAN + HIAA_LOG_SD * noise[2])
    return np.where(measured, np.column_stack([cga, liquid, hiaa]).round(1), np.nan)
