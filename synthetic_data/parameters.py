"""Every figure of the generator, with its source and mark.

Marks are those of the project's facts sheet: V read in the cited paper, V2 read in a secondary source, S from the
seed review (doi 10.3748/wjg.v31.i44.114263), U background knowledge, D derived by arithmetic, P our own proposal.
Section numbers are the facts sheet's. Where nothing else is said the figure is section 9, P.
"""

from dataclasses import dataclass

import numpy as np

CAUSES = ("local", "nodal", "distant")
TESTS = ("sigmoidoscopy", "colonoscopy", "eus", "pelvic_mri", "ct", "liver_mri", "sstr_pet")
MARKERS = ("cga", "liquid_biopsy_score", "five_hiaa")

MONTHS_PER_YEAR = 12.0
DAYS_PER_MONTH = 365.25 / 12.0

# --- hazards of the first 3 mm lesion: H_j(t) = c_j (t / 10 y)^k exp(eta_j); order local, nodal, distant
LESION_SCALE = np.array([0.020, 0.036, 0.022])
LESION_SCALE_LOG_SD = 0.5  # section 10: draw c_j log-normally to carry the literature's spread
LESION_SHAPE = 0.6
LESION_REFERENCE_MONTHS = 120.0
REFERENCE_SIZE_MM = 12.0
LOG_HAZARD_RATIO = {
    "size_mm": np.array([0.07, 0.13, 0.14]),  # per mm from 12 mm
    "log_ki67": np.array([0.25, 0.80, 1.00]),
    "r1": np.log([5.0, 1.0, 1.0]),
    "radical": np.log([0.3, 0.35, 1.0]),
    "lvi": np.log([1.0, 2.0, 1.8]),
    "muscularis": np.log([1.0, 2.5, 2.5]),
    "depression": np.log([1.0, 1.4, 1.3]),
}

# --- growth: d(t) = 3 mm x 2^((t - T) / (3 VDT)), VDT = 600 d x Ki67^-0.5 x exp N(0, 0.5), one draw per lesion
FIRST_SIZE_MM = 3.0
DOUBLING_DAYS = 600.0
DOUBLING_KI67_POWER = -0.5
DOUBLING_LOG_SD = 0.5
SYMPTOM_SIZE_MM = 35.0

# --- death: Gompertz 0.75 exp(-10.06 + 0.09 age + 0.35 male) per year; more after distant onset
DEATH_SCALE_PER_YEAR = 0.75 * np.exp(-10.06)
DEATH_PER_YEAR_OF_AGE = 0.09
DEATH_LOG_RATIO_MALE = 0.35
DEATH_AFTER_DISTANT_PER_YEAR = (0.05, 0.05, 0.5)  # by grade G1, G2, G3


@dataclass(frozen=True, slots=True)
class SizeCurve:
    """Sensitivity of a test by lesion diameter: max / (1 + (d50_mm / d)^slope)."""

    test: str
    cause: str
    d50_mm: float
    slope: float
    max: float
    needs_avid: bool = False


# Colonoscopy sees what sigmoidoscopy sees (EN). CT pelvis: 17 % at 4.3 mm against 21 % published (V, doi
# 10.1371/journal.pone.0211675). EUS sees local disease only: the facts sheet holds no figure for its nodes.
SIZE_CURVES = (
    SizeCurve("sigmoidoscopy", "local", 4.0, 3.0, 0.95),
    SizeCurve("colonoscopy", "local", 4.0, 3.0, 0.95),
    SizeCurve("eus", "local", 3.0, 3.0, 0.92),
    SizeCurve("pelvic_mri", "nodal", 6.0, 2.5, 0.90),
    SizeCurve("ct", "nodal", 9.0, 2.0, 0.90),
    SizeCurve("ct", "distant", 9.0, 3.0, 0.95),
    SizeCurve("liver_mri", "distant", 6.0, 3.0, 0.97),
    SizeCurve("sstr_pet", "nodal", 5.0, 3.0, 0.97, needs_avid=True),
    SizeCurve("sstr_pet", "distant", 6.0, 3.0, 0.97, needs_avid=True),
)
SSTR_AVID_SHARE = 0.85
CONFIRMING_TEST = ("colonoscopy", "ct", "ct")  # what confirms a symptomatic recurrence, by cause; P

# --- baseline
STRATUM_SHARE = (0.30, 0.60, 0.10)  # natural size law, 1-2 cm, > 2 cm
AGE_MEAN, AGE_SD, AGE_LOW, AGE_HIGH = 55.0, 12.0, 20.0, 90.0
MALE_SHARE = 0.55
PPI_SHARE = 0.15
CGA_SECRETOR_SHARE = 0.35
# Share of each endoscopic technique below and from 10 mm (P), and its published R0 share (section 4).
ENDOSCOPIC = ("emr", "emr_cap", "emr_precut", "emr_band", "esd", "esd_traction", "full_thickness")
TECHNIQUES = (*ENDOSCOPIC, "transanal", "radical_surgery")
ENDOSCOPIC_SHARE_SMALL = np.array([0.30, 0.12, 0.10, 0.28, 0.15, 0.02, 0.03])
ENDOSCOPIC_SHARE_LARGE = np.array([0.15, 0.08, 0.07, 0.15, 0.40, 0.08, 0.07])
# emr S, cap U, precut V, band S, esd S, traction S said 100 % (0.98 here: a logit needs a bound, P),
# full thickness P between U ~100 % and V 82 %, transanal the middle of V 91.5-98.6 %
LOCAL_R0_SHARE = np.array([0.723, 0.90, 0.931, 0.945, 0.923, 0.98, 0.95, 0.95])
RADICAL_R0_SHARE = 0.98
# Radical surgery: 47 of 321 of 1-2 cm (D from NCDB, PMID 30394988), seldom below, mostly above (P)
RADICAL_LOGIT_BY_BAND = (-4.5, -2.1, 2.0)
RADICAL_LOGIT = np.array([1.0, 1.2, 1.0])  # added after G2-3, muscularis, suspicious nodes; P
TRANSANAL_SHARE_BY_BAND = (0.12, 0.25, 0.80)  # of those not radically operated; P
FIRST_ORIGIN, LAST_ORIGIN, DATA_CUT = "2006-01-01", "2019-12-31", "2024-12-31"  # P

# --- markers
CGA_LOG_MEAN, CGA_PERSON_SD, CGA_SAMPLE_SD = np.log(42.0), 0.40, 0.18
CGA_PPI_RATIO = 2.5
CGA_PER_DOUBLING = np.array([0.0, 0.25, 0.50])  # b of local, node, liver
CGA_SIZE_MM = 12.0
CGA_LARGEST_RATIO = 50.0  # P; a node and a liver lesion about to cause symptoms reach 34 in the default
LIQUID_FREE = (14.0, 8.0)
LIQUID_LESION = (45.0, 25.0)
LIQUID_LEAD_MONTHS = 9.0
HIAA_LOG_MEAN, HIAA_LOG_SD = np.log(25.0), 0.4  # pure noise; its level is ours (P)
MARKER_MEASURED_SHARE = np.array([0.50, 0.05, 0.10])  # per visit; 5-HIAA P

# --- follow-up
VISIT_MONTHS = (6.0, *np.arange(12.0, 145.0, 12.0))
FOLLOW_UP_MONTHS = 150.0
# sigmoidoscopy + colonoscopy = EN 0.85; CT pelvis 0.50; MRp 0.40; CT or liver MRI 0.70; PET: 10-15 % ever (U);
# EUS P. The two endoscopies exclude each other, and liver MRI is done where CT is not.
TEST_DONE_SHARE = np.array([0.65, 0.20, 0.05, 0.40, 0.50, 0.20, 0.02])
