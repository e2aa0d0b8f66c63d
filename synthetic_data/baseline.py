"""Patients on the day of resection: their true values, before anybody forgets to write one down."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from scipy.special import expit, logit

from synthetic_data.arrays import BLOCK, BoolArray, FloatArray, IntArray, truncated_normal
from synthetic_data.parameters import (
    AGE_HIGH,
    AGE_LOW,
    AGE_MEAN,
    AGE_SD,
    CGA_SECRETOR_SHARE,
    ENDOSCOPIC_SHARE_LARGE,
    ENDOSCOPIC_SHARE_SMALL,
    FIRST_ORIGIN,
    LAST_ORIGIN,
    LOCAL_R0_SHARE,
    MALE_SHARE,
    PPI_SHARE,
    RADICAL_LOGIT,
    RADICAL_LOGIT_BY_BAND,
    RADICAL_R0_SHARE,
    SSTR_AVID_SHARE,
    STRATUM_SHARE,
    TECHNIQUES,
    TRANSANAL_SHARE_BY_BAND,
)

TRANSANAL = TECHNIQUES.index("transanal")
RADICAL = TECHNIQUES.index("radical_surgery")
TECHNIQUE_R0_LOGIT = np.append(
    logit(LOCAL_R0_SHARE) - ENDOSCOPIC_SHARE_LARGE @ logit(LOCAL_R0_SHARE[: len(ENDOSCOPIC_SHARE_LARGE)]), 0.0
)
"""(n_techniques,) shift of the R0 log odds against the mean endoscopic technique of 1-2 cm tumours."""


@dataclass(frozen=True, slots=True)
class Centres:
    """Where patients come from, one entry (or row) per centre.

    share : (n_centres,) of the patients
    stratum_share : (n_centres, 3) natural size law, 1-2 cm, > 2 cm
    log_hazard : (n_centres,) added to every cause
    blank_logit : (n_centres,) added to the log odds that a value is not recorded
    """

    share: FloatArray
    stratum_share: FloatArray
    log_hazard: FloatArray
    blank_logit: FloatArray


ONE_CENTRE = Centres(np.ones(1), np.array([STRATUM_SHARE]), np.zeros(1), np.zeros(1))


@dataclass(frozen=True, slots=True)
class Patients:
    """True values, all of shape (n,): codes count from 0 in the order of the study's levels, grade from 1."""

    centre: IntArray
    centre_log_hazard: FloatArray
    centre_blank_logit: FloatArray
    origin_day: IntArray  # days since 1970-01-01
    origin_year: FloatArray
    age_years: FloatArray
    male: BoolArray
    size_mm: FloatArray
    grade: IntArray
    ki67_percent: FloatArray
    mitoses: FloatArray
    depth: IntArray  # 0 submucosa, 1 muscularis propria, 2 beyond
    lvi: BoolArray
    perineural: BoolArray
    depression: BoolArray
    nodes_imaging: BoolArray
    distant_imaging: BoolArray
    technique: IntArray
    r1: BoolArray
    ppi: BoolArray
    avid: BoolArray
    sstr_subtype: IntArray
    synaptophysin: BoolArray
    cdx2: BoolArray
    dll3: BoolArray
    mgmt: BoolArray
    nlr: FloatArray
    adjuvant: IntArray
    secretor: BoolArray

    @property
    def muscularis(self) -> BoolArray:
        """Grown into the muscularis propria or beyond."""
        deep: BoolArray = self.depth > 0
        return deep

    @property
    def radical(self) -> BoolArray:
        """Resected by radical surgery."""
        radical: BoolArray = self.technique == RADICAL
        return radical

    @property
    def high_risk(self) -> BoolArray:
        """The patients that clinics watch more closely: G2-3, muscularis propria or lymphovascular invasion."""
        high: BoolArray = (self.grade > 1) | self.muscularis | self.lvi
        return high

    def of(self, rows: IntArray | slice) -> Self:
        """The same for some of the patients."""
        return type(self)(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def draw_patients(rng: np.random.Generator, centres: Centres = ONE_CENTRE, *, arm: str | None = None) -> Patients:
    """Draw one whole block of patients.

    Parameters
    ----------
    rng : the block's baseline stream
    centres : who sends them
    arm : None draws the resection from size and pathology; "endoscopic" or "radical" gives everybody that arm

    Notes
    -----
    Facts sheet section 9 (P) with the prevalences of sections 3 and 4. Perineural invasion, imaging stage, receptor
    subtype, immunohistochemistry, NLR and adjuvant treatment change no hazard: no rectal effect is published.
    """
    u = iter(rng.random((30, BLOCK)))
    centre = np.searchsorted(np.cumsum(centres.share)[:-1], next(u), side="right")
    edges = np.cumsum(centres.stratum_share[centre], axis=1)
    pick = next(u)
    stratum = (pick > edges[:, 0]).astype(np.int64) + (pick > edges[:, 1])
    size = _size_mm(stratum, next(u), rng)
    age = truncated_normal(next(u), mean=AGE_MEAN, sd=AGE_SD, low=AGE_LOW, high=AGE_HIGH).round(1)
    male = next(u) < MALE_SHARE

    grade2 = next(u) < expit(-4.2 + 0.16 * size)
    grade = 1 + grade2.astype(np.int64) + (grade2 & (next(u) < 0.03 * (1.0 + size / 20.0)))
    ki67 = _ki67_percent(grade, next(u))
    # Mitoses follow Ki-67 within the grade's own bounds (WHO: 0-1, 2-20, > 20 per 2 mm2); the rate is ours (P)
    mitoses = np.clip(rng.poisson(0.5 * ki67), np.array([0, 2, 21])[grade - 1], np.array([1, 20, 200])[grade - 1])
    muscularis = next(u) < expit(-6.2 + 0.16 * size + 1.6 * grade2)
    beyond = next(u) < np.where(size > 20.0, 0.5, 0.1)  # share of the deep ones; P
    lvi = next(u) < expit(-3.1 + 0.09 * size + 1.0 * grade2)
    perineural = next(u) < np.where(grade2, 0.241, 0.020)  # section 3, V
    depression = next(u) < expit(-3.6 + 0.22 * size)
    nodes = next(u) < expit(-4.5 + 0.20 * (size - 6.5))  # about 1, 4 and 30 % at 6, 13, 25 mm: section 3 bands, P
    distant = next(u) < expit(-6.0 + 0.10 * (size - 6.5))  # suspicion only, resected for cure; P

    band = (size >= 10.0).astype(np.int64) + (size > 20.0)
    # Worse tumours are sent to surgery: confounding by indication
    radical_logit = np.array(RADICAL_LOGIT_BY_BAND)[band] + RADICAL_LOGIT @ np.array([grade2, muscularis, nodes])
    technique = _technique(band, radical_logit, np.array([next(u), next(u), next(u)]), arm=arm)
    r0_logit = 2.9 - 0.18 * (size - 6.0) - 1.2 * muscularis - 0.7 * depression + TECHNIQUE_R0_LOGIT[technique]
    r0_share = np.where(technique == RADICAL, RADICAL_R0_SHARE, expit(r0_logit))
    r1 = next(u) >= r0_share

    first, last = np.datetime64(FIRST_ORIGIN).astype(np.int64), np.datetime64(LAST_ORIGIN).astype(np.int64)
    origin_day = first + (next(u) * (last - first + 1)).astype(np.int64)
    avid = next(u) < SSTR_AVID_SHARE
    subtype = np.where(avid, np.where(next(u) < 0.669 / SSTR_AVID_SHARE, 0, 1), 2)  # SSTR2 66.9 % V
    # Emerging adjuvant drugs, no effect published: 5 % of the high-risk, in equal parts (P)
    offered = (grade2 | muscularis) & (next(u) < 0.05)
    return Patients(
        centre=centre,
        centre_log_hazard=centres.log_hazard[centre],
        centre_blank_logit=centres.blank_logit[centre],
        origin_day=origin_day,
        origin_year=1970.0 + origin_day / 365.2425,
        age_years=age,
        male=male,
        size_mm=size,
        grade=grade,
        ki67_percent=ki67,
        mitoses=mitoses.astype(np.float64),
        depth=muscularis.astype(np.int64) + (muscularis & beyond),
        lvi=lvi,
        perineural=perineural,
        depression=depression,
        nodes_imaging=nodes,
        distant_imaging=distant,
        technique=technique,
        r1=r1,
        ppi=next(u) < PPI_SHARE,
        avid=avid,
        sstr_subtype=subtype,
        synaptophysin=next(u) < 0.97,  # "all positive", section 3 U
        cdx2=next(u) < 0.3,  # no figure in the facts sheet: a noise feature, P
        dll3=next(u) < 0.02,  # neuroendocrine carcinoma only, U
        mgmt=next(u) < 0.3,  # 20-40 %, U
        nlr=np.exp(np.log(2.2) + 0.4 * rng.standard_normal(BLOCK)).round(2),  # published cuts lie at 2-3; level P
        adjuvant=np.where(offered, 1 + (next(u) * 3).astype(np.int64), 0),
        secretor=next(u) < CGA_SECRETOR_SHARE,
    )


def _size_mm(stratum: IntArray, uniform: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Tumour diameter by stratum, to 0.1 mm: the truth uses what is recorded, so that rounding is no error."""
    natural = np.exp(truncated_normal(uniform, mean=1.90, sd=0.45, low=np.log(2.0), high=np.log(40.0)))
    middle = 10.0 + 9.9 * rng.beta(0.6, 2.6, BLOCK)
    large = 20.0 + 20.0 * rng.beta(1.0, 2.5, BLOCK)
    return np.choose(stratum, [natural, middle, large]).round(1)


def _ki67_percent(grade: IntArray, uniform: FloatArray) -> FloatArray:
    low = np.exp(truncated_normal(uniform, mean=0.0, sd=0.5, low=np.log(0.2), high=np.log(2.9)))
    middle = np.exp(truncated_normal(uniform, mean=np.log(5.0), sd=0.45, low=np.log(3.0), high=np.log(20.0)))
    return np.choose(grade - 1, [low, middle, 21.0 + 34.0 * uniform]).round(1)


def _technique(band: IntArray, radical_logit: FloatArray, luck: FloatArray, *, arm: str | None) -> IntArray:
    """Code of the resection technique; `luck` (3, n) decides on surgery, on transanal resection, on the endoscopy."""
    small, large = (
        np.searchsorted(np.cumsum(share)[:-1], luck[2], side="right")
        for share in (ENDOSCOPIC_SHARE_SMALL, ENDOSCOPIC_SHARE_LARGE)
    )
    endoscopic: IntArray = np.where(band == 0, small, large)
    if arm == "endoscopic":
        return endoscopic
    if arm == "radical":
        return np.full_like(endoscopic, RADICAL)
    local = np.where(luck[1] < np.array(TRANSANAL_SHARE_BY_BAND)[band], TRANSANAL, endoscopic)
    return np.where(luck[0] < expit(radical_logit), RADICAL, local)
