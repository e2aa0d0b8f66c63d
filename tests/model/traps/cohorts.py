"""A cohort with every kind of column and many blanks, for traps that need a model fitted to one."""

from __future__ import annotations

import numpy as np

from model.study.file import parse_study
from model.types import NEGATIVE, NOT_DONE, POSITIVE, Histories, Outcomes
from tests.model.tables import STUDY

N_BASELINES = 6
SPREAD = """
[[event]]
name = "spread"
role = "target"
observed = "test"
"""
SEES_SPREAD = """
[test.sees.spread]
start = 0.3
max = 0.6
half_time = 9.0
"""


def study_of_three(*, margin_levels=("R0", "R1", "R2")):
    """The small study with a second recurrence that only mri sees (the last test of the file)."""
    levels = ", ".join(f'"{level}"' for level in margin_levels)
    text = STUDY.replace("[[baseline]]", SPREAD + "[[baseline]]", 1).replace('"R0", "R1", "R2"', levels)
    return parse_study(text + SEES_SPREAD, file="three.toml")


def drawn(rng, n, *, blank=0.15):
    """Patients of `study_of_three` whose margin is R0 or R1; a cell is blank as often as said, the age never."""
    age = rng.uniform(40, 80, n)
    ki67, ratio = np.exp(rng.normal(1, 0.8, n)), rng.normal(size=n)
    invasion, margin, grade = (rng.integers(0, 2, n) for _ in range(3))
    baseline = np.column_stack([age, ki67, ratio, invasion, margin, grade]).astype(float)
    rate = 0.008 * np.exp(0.03 * (age - 60) + 0.4 * invasion)
    begins, dies = rng.exponential(1 / np.column_stack([rate, rate / 2])), rng.exponential(150, n)
    visit = 6.0 * np.arange(1, 9) + rng.uniform(-2.5, 2.5, (n, 8))
    seen = (visit[:, :, None] > begins[:, None, :]) & (rng.random((n, 8, 2)) < 0.7)
    which = np.where(seen[:, :, 0], 1, np.where(seen[:, :, 1], 3, 0))
    first = np.where((which > 0).any(axis=1), (which > 0).argmax(axis=1), 7)
    found = which[np.arange(n), first]
    last = visit[np.arange(n), first]
    found[dies < last] = 0
    end = np.minimum(np.where(found > 0, last, rng.uniform(49, 60, n)), dies)
    visit[visit > end[:, None]] = np.inf
    done = np.isfinite(visit)
    test = np.where(done[:, :, None] & (rng.random((n, 8, 2)) < 0.8), NEGATIVE, NOT_DONE)
    test[np.flatnonzero(found == 1), first[found == 1], 0] = POSITIVE
    test[np.flatnonzero(found == 3), first[found == 3], 1] = POSITIVE
    marker = np.where(done & (rng.random((n, 8)) > blank), np.exp(rng.normal(4, 0.5, (n, 8))), np.nan)
    baseline[:, 1:][rng.random((n, N_BASELINES - 1)) < blank] = np.nan
    # Causes in the study's order: recurrence, death, spread.
    cause = np.where(found > 0, found, np.where(end == dies, 2, 0))
    return Histories(baseline, visit, marker[:, :, None], test.astype(np.int8)), Outcomes(
        end, cause, np.full(n, np.nan)
    )
