"""Small studies and histories whose answers can be worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.study_file import parse_study
from model.types import Histories, Outcomes

if TYPE_CHECKING:
    from model.study import Study

HEAD = """
name = "tiny"
title = "Tiny"
time_unit = "months"
landmark_every = 6.0
landmark_until = {until}
horizons = [12.0, {horizon}]
"""
FOUND_BY_TEST = """
[[event]]
name = "recurrence"
role = "target"
observed = "test"
[[event]]
name = "death"
role = "competing"
observed = "exact"
[[baseline]]
name = "x"
kind = "number"
group = "imaging"
[[test]]
name = "scan"
cost = 2.0
tiers = ["tertiary"]
[test.sees.recurrence]
start = {start}
max = {max}
half_time = {half_time}
[[test]]
name = "look"
cost = 1.0
[test.sees.recurrence]
start = 0.1
max = 0.2
half_time = 6.0
[policy]
unseen_risk_limit = 0.05
shortest_interval = 1.0
longest_interval = 18.0
"""
EXACT = """
[[event]]
name = "death"
role = "target"
observed = "exact"
[[baseline]]
name = "x"
kind = "number"
group = "imaging"
"""


def study_by_test(*, start: float = 1.0, best: float = 1.0, half_time: float = 0.0, until: float = 24.0) -> Study:
    """One recurrence found by `scan` (perfect unless said otherwise) or a poor `look`, and death."""
    text = HEAD.format(until=until, horizon=24.0) + FOUND_BY_TEST.format(start=start, max=best, half_time=half_time)
    return parse_study(text, file="tiny.toml")


def exact_study(*, until: float = 24.0, horizon: float = 24.0) -> Study:
    """Death at a known time, one covariate, no tests."""
    return parse_study(HEAD.format(until=until, horizon=horizon) + EXACT, file="tiny.toml")


def histories(x: np.ndarray, visit_month: np.ndarray, scan: np.ndarray) -> Histories:
    """Patients with one baseline and visits at which `scan` had a result (-1 not done, 0 negative, 1 positive)."""
    test = np.stack([scan, np.full_like(scan, -1)], axis=2).astype(np.int8)
    return Histories(x[:, None].astype(float), visit_month.astype(float), np.zeros((*visit_month.shape, 0)), test)


def no_visits(x: np.ndarray, n_tests: int = 0) -> Histories:
    """Patients about whom only the baseline is known."""
    n = len(x)
    return Histories(
        x[:, None].astype(float), np.zeros((n, 0)), np.zeros((n, 0, 0)), np.zeros((n, 0, n_tests), np.int8)
    )


def outcomes(exit_month: np.ndarray, cause: np.ndarray) -> Outcomes:
    """How follow-up ended, without stated negatives."""
    return Outcomes(exit_month.astype(float), cause.astype(np.int64), np.full(len(cause), np.nan))


def surveilled(
    rng: np.random.Generator, n: int, *, hazard: float, every: float, sensitivity: float, until: float
) -> tuple[Histories, Outcomes, np.ndarray]:
    """Simulate yearly (or other) scans of an onset with constant hazard: histories, outcomes, true onset."""
    onset = rng.exponential(1 / hazard, n)
    visit = np.arange(every, until + 1e-9, every)
    seen = (onset[:, None] <= visit) & (rng.random((n, len(visit))) < sensitivity)
    first = np.where(seen.any(axis=1), seen.argmax(axis=1), len(visit) - 1)
    found = seen.any(axis=1)
    happened = np.arange(len(visit)) <= first[:, None]
    month = np.where(happened, visit, np.inf)
    scan = np.where(happened, (np.arange(len(visit)) == first[:, None]) & found[:, None], -1)
    return histories(np.zeros(n), month, scan), outcomes(visit[first], found.astype(int)), onset
