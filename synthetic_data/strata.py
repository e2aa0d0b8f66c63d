"""Strata of patients for verification: the same kinds of patients that the published cohorts followed.

The strata follow section 9a of the facts sheet: everyday visits, no extra attendance of the high-risk, a quarter of
every stratum leaving within two years, no end of the data before 12 years. "Found by" is a share of all patients, as
cohorts publish it: those who stop coming count as not found.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.stats import rankdata

from synthetic_data.arrays import BoolArray, FloatArray, IntArray
from synthetic_data.baseline import ONE_CENTRE
from synthetic_data.biology import DISTANT, log_hazard_ratio
from synthetic_data.cohort import Part, draw_parts
from synthetic_data.follow_up import Adherence
from synthetic_data.parameters import LESION_SCALE, MARKERS
from synthetic_data.surveillance import EVENTS
from synthetic_data.variants import DEFAULT, Variant

GROUPS = 15
"""Patients are dealt into this many groups, for standard errors by the jackknife."""
ADHERENCE = Adherence(high_risk_factor=1.0, early_leavers_small=None, data_cut=None)
LOCAL, NODAL, DISTANT_EVENT = (EVENTS.index(name) for name in ("local", "nodal", "distant"))


def _stratum(natural: float, middle: float, large: float, arm: str | None) -> Variant:
    centres = replace(ONE_CENTRE, stratum_share=np.array([[natural, middle, large]]))
    return replace(DEFAULT, centres=centres, arm=arm, adherence=ADHERENCE)


STRATA = {
    "natural": _stratum(1.0, 0.0, 0.0, "endoscopic"),
    "middle": _stratum(0.0, 1.0, 0.0, "endoscopic"),
    "large": _stratum(0.0, 0.0, 1.0, "radical"),
    "mix": replace(DEFAULT, adherence=ADHERENCE),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """What the targets need of the patients of a stratum; every array is (n,).

    found_month : a recurrence was detected, inf = never; by which event in `event`
    latent_month : the first 3 mm lesion of any cause
    own_death_month : death before any distant onset, inf otherwise
    true_hazard : sum over causes of c_j exp(eta_j)
    cga, later_cga : ln CgA at the first two measurements without a lesion, nan where there are fewer
    """

    group: IntArray
    size_mm: FloatArray
    grade: IntArray
    muscularis: BoolArray
    lvi: BoolArray
    r1: BoolArray
    ppi: BoolArray
    event: IntArray
    found_month: FloatArray
    latent_month: FloatArray
    own_death_month: FloatArray
    true_hazard: FloatArray
    cga: FloatArray
    later_cga: FloatArray

    def where(self, rows: BoolArray) -> "Sample":
        """The patients for whom `rows` holds."""
        return Sample(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def found_by(self, years: float) -> float:
        """Share with a detected recurrence within so many years."""
        return float(np.mean(self.found_month <= 12.0 * years))


def draw_sample(stratum: Variant, *, patients: int, seed: int) -> Sample:
    """Simulate one stratum under the variant's own plan."""
    pieces = [_sample(part) for part in draw_parts(stratum, patients=patients, seed=seed)]
    columns = {f.name: np.concatenate([getattr(p, f.name) for p in pieces]) for f in fields(Sample)}
    return Sample(**columns | {"group": np.arange(patients) % GROUPS})


def _sample(part: Part) -> Sample:
    people, lesions, course = part.world.patients, part.world.lesions, part.course
    recurred = np.isin(course.event, (LOCAL, NODAL, DISTANT_EVENT))
    own_death = lesions.death_month < lesions.onset_month[:, DISTANT]
    cga, later = _lesion_free_cga(part)
    return Sample(
        group=np.zeros(len(recurred), dtype=np.int64),
        size_mm=people.size_mm,
        grade=people.grade,
        muscularis=people.muscularis,
        lvi=people.lvi,
        r1=people.r1,
        ppi=people.ppi,
        event=course.event,
        found_month=np.where(recurred, course.month, np.inf),
        latent_month=lesions.lesion_month.min(axis=1),
        own_death_month=np.where(own_death, lesions.death_month, np.inf),
        true_hazard=np.exp(log_hazard_ratio(people)) @ LESION_SCALE,
        cga=cga,
        later_cga=later,
    )


def _lesion_free_cga(part: Part) -> tuple[FloatArray, FloatArray]:
    """Ln CgA of the first two measurements of each patient before any lesion, nan where missing; (n,) each."""
    visits, lesions = part.course.visits, part.world.lesions
    cga = visits.markers[:, MARKERS.index("cga")]
    free = visits.month < lesions.lesion_month.min(axis=1)[visits.patient]
    usable = np.flatnonzero(free & ~np.isnan(cga))
    patient, first = np.unique(visits.patient[usable], return_index=True)
    again = np.append(first[1:], len(usable)) - first > 1
    one, two = np.full(len(lesions.death_month), np.nan), np.full(len(lesions.death_month), np.nan)
    one[patient] = np.log(cga[usable[first]])
    two[patient[again]] = np.log(cga[usable[first[again] + 1]])
    return one, two


def true_auc(sample: Sample) -> float:
    """P(a patient found within 5 years has a higher true hazard than one who was not)."""
    case = sample.found_month <= 60.0
    n_case, rank = case.sum(), rankdata(sample.true_hazard)
    return float((rank[case].sum() - n_case * (n_case + 1) / 2) / n_case / (len(case) - n_case))
