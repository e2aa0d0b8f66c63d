"""Small studies and histories whose answers can be worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.onset.growth import growth_of, sensitivity_at
from model.study.file import parse_study
from model.types import Histories, Outcomes
from tests.model.tables import STUDY

if TYPE_CHECKING:
    from model.onset.growth import Growth
    from model.study.definition import Study
    from model.study.entries import Event

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

# The small study with every key that says how a recurrence grows, how often it begins and who is like whom.
RICH = (
    STUDY.replace(
        'observed = "test"\n',
        'observed = "test"\nlead = 9.0\npace_log_sd = 0.5\npace = {ki67 = 0.5}\n'
        '[event.prior]\ncumulative_hazard = 0.02\nby = 120.0\npower = 0.6\nlog_sd = 0.5\nsource = "x"\n',
    )
    .replace('transform = "log"\ngroup = "pathology"\n', 'transform = "log"\ngroup = "pathology"\nreference = 1.0\n')
    .replace("half_time = 12.0\n", "half_time = 12.0\nshape = 1.3\nfirst = 0.1\n")
    + '[[strata]]\ncolumn = "age"\ncuts = [50.0, 70.0]\n[[strata]]\ncolumn = "margin"\n'
)


def study_by_test(*, start: float = 1.0, best: float = 1.0, half_time: float = 0.0, until: float = 24.0) -> Study:
    """One recurrence found by `scan` (perfect unless said otherwise) or a poor `look`, and death."""
    text = HEAD.format(until=until, horizon=24.0) + FOUND_BY_TEST.format(start=start, max=best, half_time=half_time)
    return parse_study(text, file="tiny.toml")


def exact_study(*, until: float = 24.0, horizon: float = 24.0) -> Study:
    """Death at a known time, one covariate, no tests."""
    return parse_study(HEAD.format(until=until, horizon=horizon) + EXACT, file="tiny.toml")


def growing(event: Event, *, lead: float = 12.0, pace_log_sd: float = 0.5) -> Event:
    """The event with a lead and paces that differ."""
    return event.model_copy(update={"lead": lead, "pace_log_sd": pace_log_sd})


def no_growth(study: Study, cause: int, n: int = 1) -> Growth:
    """Patients of whom no baseline says how fast the cause would grow."""
    return growth_of(study, cause, np.zeros(n), np.zeros(n))


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


def slowly_seen(*, lead: float, pace_log_sd: float, pace: float = 0.0) -> Study:
    """A recurrence that begins `lead` before its onset; the scan sees a tenth at first, half at onset, most later.

    Its log pace rises by `pace` per unit of x, from the usual one at x = 0.
    """
    study = study_by_test(start=0.5, best=0.9, half_time=12.0)
    depends = {"pace": {"x": pace} if pace else {}}
    event = growing(study.event[0], lead=lead, pace_log_sd=pace_log_sd).model_copy(update=depends)
    sees = study.test[0].sees["recurrence"].model_copy(update={"first": 0.1})
    scan = study.test[0].model_copy(update={"sees": {"recurrence": sees}})
    x = study.baseline[0].model_copy(update={"reference": 0.0})
    return study.model_copy(update={"event": (event, study.event[1]), "test": (scan, study.test[1]), "baseline": (x,)})


def slowly_found(
    rng: np.random.Generator, study: Study, x: np.ndarray, hazard: np.ndarray
) -> tuple[Histories, Outcomes, np.ndarray]:
    """Simulate half-yearly scans, for five years, of a study by `slowly_seen`: histories, outcomes, true onset."""
    n, visit, event = len(x), np.arange(6.0, 61.0, 6.0), study.event[0]
    begun = rng.exponential(1 / hazard, n)
    pace = np.exp(event.pace.get("x", 0.0) * x + event.pace_log_sd * rng.standard_normal(n))
    since_onset = (visit - begun[:, None]) * pace[:, None] - event.lead
    sees = study.test[0].sees["recurrence"]
    seen = rng.random((n, len(visit))) < sensitivity_at(sees, since_onset, months_per_unit=1.0, lead_months=event.lead)
    found, first = seen.any(axis=1), np.where(seen.any(axis=1), seen.argmax(axis=1), len(visit) - 1)
    done = np.arange(len(visit)) <= first[:, None]
    result = np.where(done, (np.arange(len(visit)) == first[:, None]) & found[:, None], -1)
    ended = outcomes(visit[first], found)
    return histories(x, np.where(done, visit, np.inf), result), ended, begun + event.lead / pace
