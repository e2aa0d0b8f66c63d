"""What the clinic wrote down: true values become a table with blanks, more of them early, and after mild pathology."""

import numpy as np
import pyarrow as pa
from scipy.special import expit, logit

from synthetic_data.arrays import BLOCK, BoolArray, FloatArray, IntArray
from synthetic_data.baseline import Patients
from synthetic_data.parameters import TECHNIQUES

# P(blank) in 2015 for a patient without risk pathology. Section 7: LVI 30, depth 20, margin 10-20 % (U); staging done
# in 52 % (V); PET ever 10-15 %, NLR available 60 % (U). The others are ours (P).
BLANK_SHARE = {
    "depth": 0.20,
    "nodes_imaging": 0.48,
    "distant_imaging": 0.48,
    "sstr_avid": 0.87,
    "central_depression": 0.25,
    "ki67_percent": 0.15,  # besides those whose grade is blank
    "mitoses_per_2mm2": 0.15,  # likewise
    "lymphovascular_invasion": 0.30,
    "perineural_invasion": 0.35,
    "margin": 0.15,
    "synaptophysin_positive": 0.15,
    "cdx2_positive": 0.60,
    "dll3_positive": 0.95,
    "mgmt_methylated": 0.95,
    "sstr_subtype": 0.80,
    "nlr": 0.40,
    "adjuvant": 0.05,
    "ppi_use": 0.10,
}
# Grade: 49 % blank in reports of 1990-2010 (V), 5-10 % now (U): the line through 49 % in 2006 and 7.5 % in 2023
GRADE_BLANK_SLOPE = float(logit(0.075) - logit(0.49)) / (2023.0 - 2006.0)
YEAR_SLOPE = -0.08  # log odds of any other blank per calendar year; P
RISK_SHIFT = -0.7  # log odds after G2-3, muscularis or lymphovascular invasion: worse pathology is worked up more; P
TOGETHER = {"distant_imaging": "nodes_imaging"}  # one staging examination shows both
UPGRADED_SHARE = 0.27  # pancreatic G1 that became G2 on expert regrading (V, PMC9523719)
REGRADED_FROM = 2013.0


def recorded_table(
    patients: Patients,
    first_row: int,
    rng: np.random.Generator,
    *,
    blank_logit: float = 0.0,
    early_undergrading: bool = False,
) -> pa.Table:
    """The patients table of one whole block.

    Parameters
    ----------
    first_row : row of the block's first patient in the cohort, for the identifier
    blank_logit : added to the log odds of every blank
    early_undergrading : before 2013, record a share of the true G2 as G1 (the `drift` variant)
    """
    risk = RISK_SHIFT * patients.high_risk + patients.centre_blank_logit + blank_logit
    since_2015 = patients.origin_year - 2015.0
    luck = dict(zip(BLANK_SHARE, rng.random((len(BLANK_SHARE), BLOCK)), strict=True))
    grade_blank = rng.random(BLOCK) < expit(logit(0.49) + GRADE_BLANK_SLOPE * (patients.origin_year - 2006.0) + risk)
    blank = {
        name: luck[TOGETHER.get(name, name)] < expit(logit(share) + YEAR_SLOPE * since_2015 + risk)
        for name, share in BLANK_SHARE.items()
    }
    grade, ki67, mitoses = patients.grade, patients.ki67_percent, patients.mitoses
    undergraded = rng.random(BLOCK) < UPGRADED_SHARE
    if early_undergrading:
        undergraded &= (grade == 2) & (patients.origin_year < REGRADED_FROM)
        grade, ki67 = np.where(undergraded, 1, grade), np.where(undergraded, np.minimum(ki67, 2.0), ki67)
        mitoses = np.where(undergraded, np.minimum(mitoses, 1.0), mitoses)

    columns = {
        "patient_id": pa.array(np.char.add("P", np.char.zfill((first_row + 1 + np.arange(BLOCK)).astype(str), 7))),
        "age_years": _number(patients.age_years),
        "sex": _level(patients.male.astype(np.int64), ("female", "male")),
        "size_mm": _number(patients.size_mm),
        "depth": _level(patients.depth, ("submucosa", "muscularis_propria", "beyond"), blank["depth"]),
        "nodes_imaging": _binary(patients.nodes_imaging, blank["nodes_imaging"]),
        "distant_imaging": _binary(patients.distant_imaging, blank["distant_imaging"]),
        "sstr_avid": _binary(patients.avid, blank["sstr_avid"]),
        "central_depression": _binary(patients.depression, blank["central_depression"]),
        "grade": _level(grade - 1, ("G1", "G2", "G3"), grade_blank),
        "ki67_percent": _number(ki67, grade_blank | blank["ki67_percent"]),
        "mitoses_per_2mm2": _number(mitoses, grade_blank | blank["mitoses_per_2mm2"]),
        "lymphovascular_invasion": _binary(patients.lvi, blank["lymphovascular_invasion"]),
        "perineural_invasion": _binary(patients.perineural, blank["perineural_invasion"]),
        "margin": _level(patients.r1.astype(np.int64), ("R0", "R1"), blank["margin"]),
        "synaptophysin_positive": _binary(patients.synaptophysin, blank["synaptophysin_positive"]),
        "cdx2_positive": _binary(patients.cdx2, blank["cdx2_positive"]),
        "dll3_positive": _binary(patients.dll3, blank["dll3_positive"]),
        "mgmt_methylated": _binary(patients.mgmt, blank["mgmt_methylated"]),
        "sstr_subtype": _level(patients.sstr_subtype, ("sstr2", "other", "negative"), blank["sstr_subtype"]),
        "nlr": _number(patients.nlr, blank["nlr"]),
        "technique": _level(patients.technique, TECHNIQUES),
        "adjuvant": _level(
            patients.adjuvant, ("none", "prrt", "everolimus", "checkpoint_inhibitor"), blank["adjuvant"]
        ),
        "ppi_use": _binary(patients.ppi, blank["ppi_use"]),
        "origin_date": pa.array(patients.origin_day.astype("datetime64[D]")),
        "centre": pa.array(np.char.add("centre_", (patients.centre + 1).astype(str))),
    }
    return pa.table(columns)


def _number(value: FloatArray, blank: BoolArray | None = None) -> pa.Array:
    return pa.array(value, mask=blank)


def _binary(value: BoolArray, blank: BoolArray) -> pa.Array:
    return pa.array(value.astype(np.int8), mask=blank)


def _level(code: IntArray, levels: tuple[str, ...], blank: BoolArray | None = None) -> pa.Array:
    return pa.array(levels).take(pa.array(code, mask=blank))
