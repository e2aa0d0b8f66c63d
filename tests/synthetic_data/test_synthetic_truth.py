from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from synthetic_data.arrays import BLOCK, stream
from synthetic_data.baseline import Patients
from synthetic_data.biology import DEFAULT_NATURE, draw_lesions
from synthetic_data.truth import TrueIncidence, true_incidence

REPEATS = 100


@pytest.fixture(scope="module")
def truth(patients) -> TrueIncidence:
    return true_incidence(patients, until_month=120)


@pytest.fixture(scope="module")
def simulated(patients: Patients):
    """500,000 courses: moment and cause of the first onset before death; inf and 3 where death is first."""
    month, cause = np.empty((REPEATS, BLOCK)), np.empty((REPEATS, BLOCK), dtype=np.int64)
    for i in range(REPEATS):
        lesions = draw_lesions(patients, DEFAULT_NATURE, stream(77, i, 1), stream(77, i, 2))
        moments = np.column_stack([lesions.onset_month, lesions.death_month])
        month[i], cause[i] = moments.min(axis=1), moments.argmin(axis=1)
    return month, cause


def test_causes_death_and_event_free_add_up_to_one_and_never_fall(truth):
    total = truth.incidence.sum(axis=1) + truth.death + truth.event_free
    assert np.abs(total - 1.0).max() < 1e-9
    assert np.diff(truth.incidence, axis=-1).min() >= 0.0
    assert np.diff(truth.event_free, axis=-1).max() <= 0.0


def agrees(expected, observed, variance):
    """Pearson's statistic over ten groups is no larger than chance makes it one time in 100,000."""
    return np.sum((observed - expected) ** 2 / variance) < chi2(10).isf(1e-5)


@pytest.mark.parametrize("horizon", [24, 60, 120])
@pytest.mark.parametrize("cause", [0, 1, 2])
def test_true_incidence_is_the_frequency_of_simulated_onsets_by_risk_decile(truth, simulated, cause, horizon):
    month, of = simulated
    happened = ((of == cause) & (month <= horizon)).mean(axis=0)
    true = truth.incidence[:, cause, horizon]
    deciles = np.array_split(np.argsort(true), 10)
    expected, observed = (np.array([x[d].sum() for d in deciles]) for x in (true, happened))
    variance = np.array([(true[d] * (1.0 - true[d])).sum() for d in deciles]) / REPEATS
    assert agrees(expected, observed, variance)


def test_true_incidence_after_a_landmark_is_the_frequency_among_those_still_free(truth, simulated):
    month, of = simulated
    true = truth.after(24.0, 36.0)[:, 1]
    free = month > 24.0
    happened = free & (of == 1) & (month <= 60.0)
    deciles = np.array_split(np.argsort(true), 10)
    at_risk = free.sum(axis=0)
    expected = np.array([(true * at_risk)[d].sum() for d in deciles])
    observed = np.array([happened.sum(axis=0)[d].sum() for d in deciles])
    variance = np.array([(true * (1.0 - true) * at_risk)[d].sum() for d in deciles])
    assert agrees(expected, observed, variance)


def test_without_growth_before_onset_and_without_death_the_incidence_is_the_weibull(reference, monkeypatch):
    # Onset at 3 mm, one cause left, nobody old: F(60) = 1 - exp(-0.02 (60 / 120)^0.6) = 0.01311
    monkeypatch.setattr("synthetic_data.truth.ONSET_DIAMETER_MM", np.array([3.0, 3.0, 3.0]))
    newborn = replace(reference, age_years=np.full(BLOCK, -300.0)).of(slice(0, 3))
    only_local = replace(DEFAULT_NATURE, scale=np.array([0.02, 1e-30, 1e-30]))
    truth = true_incidence(newborn, until_month=60, nature=only_local)
    assert truth.incidence[:, 0, 60] == pytest.approx(0.013109, abs=1e-6)


def test_a_frailty_widens_the_incidence_by_its_mean(patients):
    # E[exp(0.4 z)] = exp(0.08): rare events grow by nearly that factor, local ones hardly change
    few = patients.of(slice(0, 300))
    plain, frail = (
        true_incidence(few, until_month=24, nature=replace(DEFAULT_NATURE, frailty_sd=sd))
        .incidence[:, :, 24]
        .mean(axis=0)
        for sd in (0.0, 0.4)
    )
    assert 1.02 < frail[2] / plain[2] < np.exp(0.08)
    assert frail[0] / plain[0] == pytest.approx(1.0, abs=0.01)
