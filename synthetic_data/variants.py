"""Named variants of the cohort: each is the default with a few figures replaced."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from synthetic_data.baseline import ONE_CENTRE, Centres
from synthetic_data.biology import DEFAULT_NATURE, Nature
from synthetic_data.detection import weakened
from synthetic_data.follow_up import REAL_WORLD, Adherence
from synthetic_data.markers import MarkerBiology
from synthetic_data.parameters import LESION_SCALE, LIQUID_FREE, SIZE_CURVES, SizeCurve
from synthetic_data.plans import REAL_WORLD_PLAN, Plan, RhythmByRisk, every


@dataclass(frozen=True, slots=True)
class Variant:
    """Everything that defines a cohort but its seed and its number of patients."""

    about: str
    patients: int = 4_000
    centres: Centres = ONE_CENTRE
    arm: str | None = None
    nature: Nature = DEFAULT_NATURE
    curves: Sequence[SizeCurve] = SIZE_CURVES
    markers: MarkerBiology = field(default_factory=MarkerBiology)
    adherence: Adherence = REAL_WORLD
    plan: Plan = REAL_WORLD_PLAN
    blank_logit: float = 0.0
    early_undergrading: bool = False


# Eight centres of unequal size (P): case mix from screening clinics to referral hospitals, own level of hazard and of
# recording. The factors are fixed figures, not draws, so that the truth of a centre is the same for every seed.
EIGHT_CENTRES = Centres(
    share=np.array([0.25, 0.20, 0.15, 0.12, 0.10, 0.08, 0.06, 0.04]),
    stratum_share=np.array(
        [
            [0.30, 0.60, 0.10],
            [0.60, 0.38, 0.02],
            [0.20, 0.60, 0.20],
            [0.50, 0.45, 0.05],
            [0.10, 0.70, 0.20],
            [0.40, 0.52, 0.08],
            [0.70, 0.28, 0.02],
            [0.15, 0.55, 0.30],
        ]
    ),
    log_hazard=np.log([1.0, 0.8, 1.3, 0.7, 1.5, 1.0, 0.6, 1.2]),
    blank_logit=np.array([0.0, 0.5, -0.5, 0.8, -0.8, 0.2, 1.0, -0.3]),
)

DEFAULT = Variant("section 9 of the facts sheet, everyday visits and adherence")
VARIANTS: dict[str, Variant] = {
    "default": DEFAULT,
    "half-hazard": replace(
        DEFAULT, about="every lesion hazard halved", nature=replace(DEFAULT_NATURE, scale=0.5 * LESION_SCALE)
    ),
    "double-hazard": replace(
        DEFAULT, about="every lesion hazard doubled", nature=replace(DEFAULT_NATURE, scale=2.0 * LESION_SCALE)
    ),
    "poor-tests": replace(
        DEFAULT,
        about="tests see less than the study file says: ceiling x 0.7, half-sensitivity diameter x 1.5",
        curves=weakened(SIZE_CURVES, max_factor=0.7, d50_factor=1.5),
    ),
    "informative-visits": replace(
        DEFAULT,
        about="high-risk patients are seen four times as often: every 3 months instead of 12",
        plan=RhythmByRisk(12.0, 3.0),
    ),
    "yearly": replace(DEFAULT, about="a visit every 12 months", plan=every(12.0)),
    "six-monthly": replace(DEFAULT, about="a visit every 6 months", plan=every(6.0)),
    "null": replace(
        DEFAULT,
        about="no covariate and no marker matters for recurrence, growth or death",
        nature=replace(DEFAULT_NATURE, covariates_matter=False),
        markers=MarkerBiology(cga_per_doubling=np.zeros(3), liquid_lesion=LIQUID_FREE),
    ),
    "strong-markers": replace(
        DEFAULT,
        about="markers rise before a recurrence is detectable, in everybody, and are often measured",
        markers=MarkerBiology(
            cga_per_doubling=np.full(3, 0.5),
            cga_size_mm=6.0,
            cga_lead_months=12.0,
            everybody_secretes=True,
            liquid_lead_months=18.0,
            measured_share=np.array([0.80, 0.60, 0.10]),
        ),
    ),
    "multi-centre": replace(
        DEFAULT, about="eight centres with their own case mix, hazard and missingness", centres=EIGHT_CENTRES
    ),
    "drift": replace(
        DEFAULT,
        about="hazards fall 6 % a year; before 2013 some G2 tumours are recorded as G1",
        nature=replace(DEFAULT_NATURE, log_ratio_per_year=-0.06),
        early_undergrading=True,
    ),
    "heavy-missing": replace(DEFAULT, about="blanks at 4.5 times the odds", blank_logit=1.5),
    "small-centre": replace(DEFAULT, about="one small centre: 300 patients unless told otherwise", patients=300),
}
