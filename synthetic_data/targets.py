"""Verification: 18 published quantities, the band that accepts them, and what the simulation gives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from synthetic_data.arrays import BoolArray
from synthetic_data.strata import DISTANT_EVENT, GROUPS, LOCAL, NODAL, STRATA, Sample, draw_sample, true_auc

PATIENTS = 150_000
"""Per stratum; the facts sheet asks for at least 20,000."""


@dataclass(frozen=True, slots=True)
class Target:
    """One quantity: published value, accept band [low, high], and how to read it off a sample of a stratum."""

    number: int
    quantity: str
    published: str
    low: float
    high: float
    stratum: str
    value: Callable[[Sample], float]


@dataclass(frozen=True, slots=True)
class Check:
    """A target with its simulated value and the Monte Carlo standard error of that."""

    target: Target
    value: float
    standard_error: float

    @property
    def passed(self) -> bool:
        """Whether the simulated value lies within the accept band."""
        return self.target.low <= self.value <= self.target.high


def check_targets(*, seed: int, patients: int = PATIENTS) -> Iterator[Check]:
    """Simulate every stratum and check every target, in the order of TARGETS."""
    samples = {name: draw_sample(stratum, patients=patients, seed=seed) for name, stratum in STRATA.items()}
    for target in TARGETS:
        yield check(target, samples[target.stratum])


def check(target: Target, sample: Sample) -> Check:
    """Value on the whole sample; its standard error by leaving out one group of patients at a time."""
    without = np.array([target.value(sample.where(sample.group != group)) for group in range(GROUPS)])
    variance = (GROUPS - 1) / GROUPS * np.sum((without - without.mean()) ** 2)
    return Check(target, target.value(sample), float(np.sqrt(variance)))


def as_table(checks: list[Check]) -> str:
    """Markdown table of the checks, one line each, and a closing sentence."""
    lines = [
        "| T | quantity | published | accept band | simulated (Monte Carlo SE) | |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {c.target.number} | {c.target.quantity} | {c.target.published} | {c.target.low:g} to {c.target.high:g} "
        f"| {c.value:.3g} ({c.standard_error:.2g}) | {'pass' if c.passed else 'FAIL'} |"
        for c in checks
    ]
    failed = sorted({c.target.number for c in checks if not c.passed})
    verdict = f"outside their band: {', '.join(map(str, failed))}" if failed else "all within their bands"
    return "\n".join([*lines, "", f"{len({c.target.number for c in checks})} targets; {verdict}."]) + "\n"


Rows = Callable[[Sample], BoolArray]


def _found(rows: Rows, years: float) -> Callable[[Sample], float]:
    return lambda s: 100.0 * s.where(rows(s)).found_by(years)


def _found_ratio(rows: Rows, others: Rows) -> Callable[[Sample], float]:
    return lambda s: s.where(rows(s)).found_by(5) / s.where(others(s)).found_by(5)


def _share(of: Rows, among: Rows) -> Callable[[Sample], float]:
    return lambda s: 100.0 * float(np.mean(of(s)[among(s)]))


def _everybody(s: Sample) -> BoolArray:
    return np.ones(len(s.size_mm), dtype=bool)


def _recurred(s: Sample) -> BoolArray:
    return np.isfinite(s.found_month)


def _favourable(s: Sample) -> BoolArray:
    favourable: BoolArray = (s.size_mm <= 15.0) & (s.grade == 1) & ~s.muscularis & ~s.lvi & ~s.r1
    return favourable


def _cga_cv(s: Sample) -> float:
    """Within-person coefficient of variation, from two measurements of the same person."""
    return 100.0 * float(np.nanstd(s.later_cga - s.cga) / np.sqrt(2.0))


def _cga_ppi_ratio(s: Sample) -> float:
    return float(np.exp(np.nanmedian(s.cga[s.ppi]) - np.nanmedian(s.cga[~s.ppi])))


TARGETS = (
    Target(
        1,
        "ER < 10 mm: found by 5 y, %",
        "0.4 (0.01-2.5); 1.6 (0.3-4.7)",
        0.3,
        2.0,
        "natural",
        _found(lambda s: s.size_mm < 10.0, 5),
    ),
    Target(
        2,
        "ER 1-1.5 cm G1 T1 LVI- R0: found by 5 y, %",
        "0 (0-12.8) at 54 months",
        0.2,
        4.0,
        "middle",
        _found(_favourable, 5),
    ),
    Target(3, "ER 1-2 cm: found by 5 y, %", "2.9 (0.6-8.1) at 41 months", 1.5, 6.0, "middle", _found(_everybody, 5)),
    Target(
        4,
        "ER 1-2 cm G2: found by 5 y, %",
        "all Dutch events G2",
        5.0,
        20.0,
        "middle",
        _found(lambda s: s.grade == 2, 5),
    ),
    Target(
        4,
        "ratio G2 : G1",
        "all Dutch events G2",
        3.0,
        8.0,
        "middle",
        _found_ratio(lambda s: s.grade == 2, lambda s: s.grade == 1),
    ),
    Target(
        5,
        "ER < 20 mm: nodal or distant found by 10 y, %",
        "1.0 (0.2-2.8) at 11.6 y",
        0.5,
        3.0,
        "natural",
        _share(lambda s: (s.event != LOCAL) & (s.found_month <= 120.0), lambda s: s.size_mm < 20.0),
    ),
    Target(6, "> 2 cm, surgery: found by 5 y, %", "20-35 (U)", 12.0, 35.0, "large", _found(_everybody, 5)),
    Target(
        7,
        "ER 15-20 mm : 10-15 mm, found by 5 y, ratio",
        "none exact",
        1.5,
        4.0,
        "middle",
        _found_ratio(lambda s: s.size_mm > 15.0, lambda s: s.size_mm <= 15.0),
    ),
    Target(
        8,
        "ER 1-2 cm: median time to detection, y",
        "62.5 months; mean 6.1 y",
        4.5,
        7.0,
        "middle",
        lambda s: float(np.median(s.found_month[_recurred(s)])) / 12.0,
    ),
    Target(
        9,
        "ER 1-2 cm: share detected after 5 y, %",
        "about half (D)",
        40.0,
        70.0,
        "middle",
        _share(lambda s: s.found_month > 60.0, _recurred),
    ),
    Target(
        10,
        "ER 1-2 cm: local among detected, %",
        "none",
        20.0,
        40.0,
        "middle",
        _share(lambda s: s.event == LOCAL, _recurred),
    ),
    Target(
        10,
        "ER 1-2 cm: nodal among detected, %",
        "none",
        35.0,
        55.0,
        "middle",
        _share(lambda s: s.event == NODAL, _recurred),
    ),
    Target(
        10,
        "ER 1-2 cm: distant among detected, %",
        "none",
        15.0,
        35.0,
        "middle",
        _share(lambda s: s.event == DISTANT_EVENT, _recurred),
    ),
    Target(11, "ER 1-2 cm: R0, %", "76.2 (67-84)", 72.0, 92.0, "middle", _share(lambda s: ~s.r1, _everybody)),
    Target(12, "ER 1-2 cm: G2+, %", "12.4", 6.0, 16.0, "middle", _share(lambda s: s.grade > 1, _everybody)),
    Target(
        13,
        "ER <= 20 mm: LVI, %",
        "13.2 (H&E)",
        4.0,
        22.0,
        "natural",
        _share(lambda s: s.lvi, lambda s: s.size_mm <= 20.0),
    ),
    Target(13, "ER 1-2 cm: LVI, %", "3.8", 4.0, 22.0, "middle", _share(lambda s: s.lvi, _everybody)),
    Target(
        14,
        "ER 1-2 cm: R1 : R0, found by 5 y, ratio",
        "about 3 (2.96 v 0.96 %)",
        1.5,
        4.0,
        "middle",
        _found_ratio(lambda s: s.r1, lambda s: ~s.r1),
    ),
    Target(
        15,
        "death without distant recurrence by 5 y, %",
        "5.6 (5.1-6.1)",
        4.0,
        8.0,
        "natural",
        _share(lambda s: s.own_death_month <= 60.0, _everybody),
    ),
    Target(
        16,
        "ER 1-2 cm: found : latent by 5 y, ratio",
        "LNM 6.6-21 % v recurrence about 3 %",
        0.15,
        0.6,
        "middle",
        lambda s: s.found_by(5) / float(np.mean(s.latent_month <= 60.0)),
    ),
    Target(17, "CgA within-person variation, %", "12-16", 12.0, 20.0, "natural", _cga_cv),
    Target(17, "CgA on : off proton-pump inhibitor, ratio", "2.5", 2.0, 3.0, "natural", _cga_ppi_ratio),
    Target(
        17,
        "CgA 97.5th percentile, healthy, ng/mL",
        "94",
        85.0,
        110.0,
        "natural",
        lambda s: float(np.exp(np.nanquantile(s.cga[~s.ppi], 0.975))),
    ),
    Target(18, "ER 1-2 cm: AUC of the true hazard at 5 y", "C 0.72-0.74 (all GEP-NET)", 0.70, 0.82, "middle", true_auc),
    Target(18, "default mix: AUC of the true hazard at 5 y", "none", 0.80, 0.90, "mix", true_auc),
)
