"""Follow-up guidelines as plans, for comparison.

Facts sheet section 1b: months after resection and tests by stratum. Most rows carry mark U or V2 there and the vague
ones our own encoding (e); a clinician must check them against the originals. EN is sigmoidoscopy here, XS is CT. A
stratum reads what is on record; a blank counts as not adverse, but an unknown margin is not R0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthetic_data.arrays import BoolArray, FloatArray
from synthetic_data.parameters import TESTS
from synthetic_data.plans import NextVisit, Seen, next_planned

EN, XS, MRP, SR = "sigmoidoscopy", "ct", "pelvic_mri", "sstr_pet"


@dataclass(frozen=True, slots=True)
class Pathology:
    """What a guideline asks of a patient, as recorded; (n,) each."""

    size_mm: FloatArray
    grade2: BoolArray
    grade3: BoolArray
    deep: BoolArray
    nodes: BoolArray
    lvi: BoolArray
    r0: BoolArray
    ki67_over_5: BoolArray

    @property
    def advanced(self) -> BoolArray:
        """Larger than 20 mm, T2 or more, or node positive."""
        return (self.size_mm > 20.0) | self.deep | self.nodes

    @property
    def grade1(self) -> BoolArray:
        """Neither G2 nor G3 on record."""
        return ~self.grade2 & ~self.grade3


def read_pathology(patients: pa.Table) -> Pathology:
    """Take the guideline's questions from the recorded table."""

    def holds(condition: pa.ChunkedArray) -> BoolArray:
        answer: BoolArray = pc.fill_null(condition, False).to_numpy()
        return answer

    return Pathology(
        size_mm=patients["size_mm"].to_numpy(),
        grade2=holds(pc.equal(patients["grade"], "G2")),
        grade3=holds(pc.equal(patients["grade"], "G3")),
        deep=holds(pc.not_equal(patients["depth"], "submucosa")),
        nodes=holds(pc.equal(patients["nodes_imaging"], 1)),
        lvi=holds(pc.equal(patients["lymphovascular_invasion"], 1)),
        r0=holds(pc.equal(patients["margin"], "R0")),
        ki67_over_5=holds(pc.greater(patients["ki67_percent"], 5.0)),
    )


@dataclass(frozen=True, slots=True)
class Series:
    """The same tests at several months."""

    months: tuple[int, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stratum:
    """The visits of the patients for whom `holds`."""

    name: str
    holds: Callable[[Pathology], BoolArray]
    series: tuple[Series, ...] = ()

    def calendar(self) -> tuple[FloatArray, FloatArray]:
        """Months in order (n_visits,) and the tests at each, 1 = asked for (n_visits, n_tests)."""
        months = sorted({m for s in self.series for m in s.months})
        asked = np.zeros((len(months), len(TESTS)))
        for s in self.series:
            asked[np.ix_([months.index(m) for m in s.months], [TESTS.index(t) for t in s.tests])] = 1.0
        return np.array(months, dtype=np.float64), asked


@dataclass(frozen=True, slots=True)
class GuidelinePlan:
    """A guideline: the first stratum that holds decides; patients in no stratum are not followed."""

    strata: Sequence[Stratum]

    def __call__(self, seen: Seen) -> NextVisit:
        """Give the visit after the one last planned."""
        pathology = read_pathology(seen.patients.take(pa.array(seen.rows)))
        month = np.full(len(seen.rows), np.inf)
        tests = np.zeros((len(seen.rows), len(TESTS)))
        open_rows = np.ones(len(seen.rows), dtype=bool)
        for stratum in self.strata:
            mine = open_rows & stratum.holds(pathology)
            open_rows &= ~mine
            months, asked = stratum.calendar()
            following = next_planned(months[None, :], seen.planned_month[mine])
            month[mine] = np.append(months, np.inf)[following]
            tests[mine] = np.vstack([asked, np.zeros(len(TESTS))])[following]
        return NextVisit(month, tests)


def yearly(first: int, last: int, step: int = 12) -> tuple[int, ...]:
    """Months from first to last, both included."""
    return tuple(range(first, last + 1, step))


def _everybody(p: Pathology) -> BoolArray:
    return np.ones(len(p.size_mm), dtype=bool)


def _small(p: Pathology) -> BoolArray:
    return p.size_mm < 10.0


def _middle(p: Pathology) -> BoolArray:
    return p.size_mm <= 20.0


HALF_THEN_YEARLY = (6, *yearly(12, 120))

GUIDELINES: dict[str, GuidelinePlan] = {
    "ENETS-2016": GuidelinePlan(
        (
            Stratum("G3", lambda p: p.grade3, (Series((4, 8, *yearly(12, 120)), (EN, XS)),)),
            Stratum("high", lambda p: (p.size_mm > 20.0) | p.nodes, (Series(yearly(12, 120), (EN, XS)),)),
            Stratum("low", lambda p: (p.size_mm <= 10.0) & ~p.deep & p.r0),
            Stratum("R1", lambda p: (p.size_mm < 10.0) & p.grade1, (Series(yearly(12, 120), (EN,)),)),
            Stratum("mid", _everybody, (Series(yearly(12, 120), (EN, MRP)),)),
        )
    ),
    "ENETS-2023": GuidelinePlan(
        (
            Stratum("G3", lambda p: p.grade3, (Series((*yearly(3, 24, 3), *yearly(30, 60, 6)), (EN, XS)),)),
            Stratum(
                "high",
                lambda p: p.advanced | (p.grade2 & p.lvi & (p.size_mm >= 10.0)),
                (Series((6, *yearly(12, 60), *yearly(84, 120, 24)), (EN, XS)), Series((12,), (SR,))),
            ),
            Stratum("low", lambda p: (p.size_mm <= 10.0) & p.grade1 & ~p.lvi & p.r0),
            Stratum("mid", _everybody, (Series(yearly(12, 60), (EN, MRP)),)),
        )
    ),
    "NCCN": GuidelinePlan(
        (
            Stratum("high", lambda p: p.advanced, (Series((6, *yearly(12, 60), 84, 108, 120), (XS,)),)),
            Stratum("low", lambda p: _small(p) & p.r0),
            Stratum("low-R1", lambda p: (p.size_mm <= 10.0) & p.grade1 & ~p.r0, (Series((9,), (EN,)),)),
            Stratum("mid", _everybody, (Series((6, 12), (EN, MRP)),)),
        )
    ),
    "NANETS-2010": GuidelinePlan(
        (
            Stratum("low", _small),
            Stratum("mid", lambda p: p.size_mm < 20.0, (Series((6, 12), (EN,)),)),
            Stratum("high", _everybody, (Series((6, *yearly(12, 84)), (XS,)),)),
        )
    ),
    "CommNETs-2018": GuidelinePlan(
        (
            Stratum("low", lambda p: _small(p) & p.grade1 & ~p.deep),
            Stratum("high", lambda p: p.nodes | p.ki67_over_5, (Series(yearly(12, 120), (XS,)),)),
            Stratum("other", _everybody, (Series((*yearly(12, 36), *yearly(60, 108, 24)), (XS,)),)),
        )
    ),
    "CNETS-2016": GuidelinePlan(
        (
            Stratum("low", _small),
            Stratum("other", _everybody, (Series((6, *yearly(12, 60)), (EN,)),)),
        )
    ),
    "JNETS-2019": GuidelinePlan(
        (Stratum("all", _everybody, (Series(HALF_THEN_YEARLY, (XS,)), Series(yearly(12, 60), (EN,)))),)
    ),
    "CSCO-2022": GuidelinePlan(
        (
            Stratum("low", _small),
            Stratum("mid", _middle, (Series(HALF_THEN_YEARLY, (EN, MRP)),)),
            Stratum("high", _everybody, (Series((*yearly(6, 36, 6), *yearly(48, 120)), (EN, XS)),)),
        )
    ),
    "ESMO-2020": GuidelinePlan(
        (
            Stratum("low", lambda p: _small(p) & p.grade1 & p.r0),
            Stratum("other", _everybody, (Series((*yearly(6, 24, 6), *yearly(36, 120)), (XS,)),)),
        )
    ),
    "UKINETS-2012": GuidelinePlan(
        (
            Stratum("low", _small),
            Stratum("mid", _middle, (Series((9,), (EN,)),)),
            Stratum("high", _everybody, (Series(yearly(12, 120), (XS,)),)),
        )
    ),
    "Expert-US": GuidelinePlan(
        (Stratum("all", _everybody, (Series((9, *yearly(24, 60), *yearly(84, 120, 24)), (XS,)),)),)
    ),
}
