"""The probability of fifty patients' results, worked out again with loops that a reader can follow."""

import math

import numpy as np
import pytest

from model.onset.grid import TimeGrid
from model.onset.observation import Ending, result_likelihood
from model.onset.posterior import onset_posterior
from model.types import NEGATIVE, NOT_DONE, POSITIVE, Histories
from tests.model.builders import growing, no_growth, study_by_test

N = 50
LEAD, SPREAD = 7.0, 0.6
START, BEST, FIRST, HALF_TIME = 0.4, 0.9, 0.05, 9.0


def growing_study():
    """Begins 7 months before its onset, at a pace that differs; `scan` grows better, `look` stays poor."""
    study = study_by_test(start=START, best=BEST, half_time=HALF_TIME)
    event = growing(study.event[0], lead=LEAD, pace_log_sd=SPREAD)
    scan, look = study.test
    sees = scan.sees["recurrence"].model_copy(update={"first": FIRST})
    scan = scan.model_copy(update={"sees": {"recurrence": sees}})
    return study.model_copy(update={"event": (event, study.event[1]), "test": (scan, look)})


def scan_sees(since_onset):
    """Sensitivity of `scan`, as the study file states it."""
    if since_onset < -LEAD:
        return 0.0
    if since_onset < 0:
        return START * (FIRST / START) ** (-since_onset / LEAD)
    return BEST - (BEST - START) * 2 ** (-since_onset / HALF_TIME)


def look_sees(since_onset):
    """Sensitivity of `look`: from 0.1 to 0.2 with a half time of 6 months; nothing is said of the time before onset."""
    if since_onset < -LEAD:
        return 0.0
    return 0.1 if since_onset < 0 else 0.2 - 0.1 * 2 ** (-since_onset / 6)


def chance_of_results(visits, results, *, begun, pace):
    """P(the results | it began then and grows so fast)."""
    chance = 1.0
    for visit, (scan, look) in zip(visits, results, strict=True):
        for result, sees in ((scan, scan_sees), (look, look_sees)):
            seen = sees((visit - begun) * pace - LEAD) if visit > begun else 0.0
            chance *= {NEGATIVE: 1 - seen, POSITIVE: seen, NOT_DONE: 1.0}[result]
    return chance


def draw_visits(rng, *, whole_months):
    """Visits of each patient, at most one in any month."""
    visits = []
    for _ in range(N):
        month = np.sort(rng.choice(np.arange(1, 45), size=rng.integers(1, 7), replace=False))
        visits.append(month.astype(float) if whole_months else month + rng.uniform(0.05, 0.95, len(month)))
    return visits


def evidence(study, rng, visits, results, found):
    """Log P(results) by the model, with the hazards that were used, (n, n_onset)."""
    grid = TimeGrid.of(study, until=24.0)
    width = max(map(len, visits))
    month = np.full((N, width), np.inf)
    test = np.full((N, width, 2), NOT_DONE, dtype=np.int8)
    for i in range(N):
        month[i, : len(visits[i])], test[i, : len(visits[i])] = visits[i], results[i]
    histories = Histories(np.zeros((N, 1)), month, np.zeros((N, width, 0)), test)
    hazard = rng.uniform(0.0, 0.06, (N, len(grid.onset_middle)))
    ending = Ending(np.array([each[-1] for each in visits]), found, found, np.full(N, np.nan), np.zeros(N, dtype=bool))
    likelihood = result_likelihood(study, histories, grid, no_growth(study, 1, N), ending, cause=1)
    assert grid.step == 1.0
    return onset_posterior(hazard, likelihood.averaged()).log_evidence, hazard


def test_perfect_tests_leave_the_probability_of_the_interval_that_they_close(rng):
    # No bins at all: S(L) - S(R), with L the last negative and R the finding, or S(R) if nothing was found.
    visits, found = draw_visits(rng, whole_months=True), rng.random(N) < 0.6
    results = [
        [[POSITIVE if hit and v == each[-1] else NEGATIVE, NOT_DONE] for v in each]
        for each, hit in zip(visits, found, strict=True)
    ]
    ours, hazard = evidence(study_by_test(), rng, visits, results, found)
    for i in range(N):
        survival = [1.0]
        for month in range(48):
            survival.append(survival[-1] * math.exp(-hazard[i, month]))
        right = survival[int(visits[i][-1])]
        left = survival[int(visits[i][-2])] if len(visits[i]) > 1 else 1.0
        assert ours[i] == pytest.approx(math.log(left - right if found[i] else right), abs=1e-8)


def test_a_visit_within_a_month_splits_the_month_evenly(rng):
    # As above with visits at any moment: within a month, beginnings are spread evenly.
    visits, found = draw_visits(rng, whole_months=False), rng.random(N) < 0.6
    results = [
        [[POSITIVE if hit and v == each[-1] else NEGATIVE, NOT_DONE] for v in each]
        for each, hit in zip(visits, found, strict=True)
    ]
    ours, hazard = evidence(study_by_test(), rng, visits, results, found)
    for i in range(N):
        right = visits[i][-1]
        left = visits[i][-2] if len(visits[i]) > 1 else 0.0
        survival, inside = 1.0, 0.0
        for month in range(math.ceil(right)):
            part = min(right - month, 1.0)  # the last month ends with follow-up
            begins = survival * (1 - math.exp(-hazard[i, month] * part))
            inside += begins * min(max((month + part - left) / part, 0.0), 1.0)
            survival *= math.exp(-hazard[i, month] * part)
        assert ours[i] == pytest.approx(math.log(inside if found[i] else survival), abs=1e-8)


def test_imperfect_tests_of_what_grows_at_its_own_pace(rng):
    # Every pace times every month of beginning; both tests, each done or not, positive together or one alone.
    finding = [[POSITIVE, NEGATIVE], [NEGATIVE, POSITIVE], [POSITIVE, POSITIVE], [POSITIVE, NOT_DONE]]
    visits, found = draw_visits(rng, whole_months=True), rng.random(N) < 0.6
    results = [rng.choice([NOT_DONE, NEGATIVE], size=(len(each), 2)) for each in visits]
    for i in np.flatnonzero(found):
        results[i][-1] = finding[rng.integers(4)]
    ours, hazard = evidence(growing_study(), rng, visits, results, found)
    point = np.linspace(-3, 3, 13)
    share = np.exp(-(point**2) / 2) / np.exp(-(point**2) / 2).sum()
    for i in range(N):
        total, survival = 0.0, 1.0
        for month in range(int(visits[i][-1])):
            begins = survival * (1 - math.exp(-hazard[i, month]))
            survival *= math.exp(-hazard[i, month])
            for k in range(13):
                given = chance_of_results(visits[i], results[i], begun=month + 0.5, pace=math.exp(SPREAD * point[k]))
                total += share[k] * begins * given
        assert ours[i] == pytest.approx(math.log(total if found[i] else total + survival), abs=1e-8)
