import numpy as np
import pytest

from model.fitting import fit_predictor
from model.onset.growth import sensitivity_at
from tests.model.builders import exact_study, no_visits, outcomes, study_by_test, surveilled
from tests.model.builders import histories as make_histories


@pytest.mark.parametrize(("sensitivity", "every"), [(1.0, 12.0), (0.7, 12.0), (0.7, 6.0)])
def test_the_hazard_of_onset_is_found_under_any_visits_and_sensitivity(rng, sensitivity, every):
    # Detections lag behind onsets, the more so the worse the test and the rarer the visit. A model that takes the day
    # of finding for the day of onset, sees fewer events in the window and lower hazards; this one must not care.
    histories, ended, _ = surveilled(rng, 6000, hazard=0.01, every=every, sensitivity=sensitivity, until=60.0)
    study = study_by_test(start=sensitivity, best=sensitivity)
    predictor, _ = fit_predictor(study, histories, ended, seed=1)
    forecast = predictor.predict(histories.select(np.arange(1)), np.zeros(1))
    assert forecast.at(24.0)[0, 0] == pytest.approx(1 - np.exp(-0.24), rel=0.06)


def test_taking_detection_for_onset_misses_much_of_the_risk(rng):
    # The trap itself, so that the test above is known to be able to fail.
    _, ended, onset = surveilled(rng, 6000, hazard=0.01, every=12.0, sensitivity=0.7, until=60.0)
    found_by_24 = np.mean((ended.cause == 1) & (ended.exit_month <= 24.0))
    assert np.mean(onset <= 24.0) > 1.2 * found_by_24


def test_unseen_disease_is_what_the_tests_missed(rng):
    # Just after a clean scan at month 24, hazard 0.01, sensitivity 0.7: P(onset before and missed) by Bayes' rule.
    histories, ended, _ = surveilled(rng, 6000, hazard=0.01, every=12.0, sensitivity=0.7, until=60.0)
    predictor, _ = fit_predictor(study_by_test(start=0.7, best=0.7), histories, ended, seed=1)
    clean = histories.select(np.flatnonzero(ended.exit_month > 24.0)[:1])
    unseen = predictor.predict(clean, np.array([24.0])).unseen[0, 0]
    first, second, none = 1 - np.exp(-0.12), np.exp(-0.12) - np.exp(-0.24), np.exp(-0.24)
    missed = 0.09 * first + 0.3 * second
    assert unseen == pytest.approx(missed / (missed + none), rel=0.1)


def test_late_entry_does_not_halve_the_hazard(rng):
    # lifelines' Cox baseline ignores late entry; a supermodel on it understates risk. Constant hazard 0.1: over the
    # next 10 months the cumulative hazard is 1 from any landmark.
    exit_month = rng.exponential(10.0, 20_000)
    ended = outcomes(np.minimum(exit_month, 60.0), exit_month < 60.0)
    predictor, _ = fit_predictor(exact_study(), no_visits(np.zeros(20_000)), ended, seed=1)
    for landmark in (0.0, 12.0, 24.0):
        risk = predictor.predict(no_visits(np.zeros(1)), np.array([landmark])).at(10.0)[0, 0]
        assert -np.log1p(-risk) == pytest.approx(1.0, rel=0.05)


def test_a_known_effect_is_recovered_with_its_uncertainty(rng):
    # Hazard 0.03 exp(0.7 x): the slope comes back, and lies within the spread of its draws.
    x = rng.standard_normal(4000)
    exit_month = rng.exponential(1 / (0.03 * np.exp(0.7 * x)))
    ended = outcomes(np.minimum(exit_month, 60.0), exit_month < 60.0)
    predictor, _ = fit_predictor(exact_study(until=12.0), no_visits(x), ended, seed=1)
    cause = predictor.causes[0]
    slope = cause.parameters.steady[0] / predictor.scaling.scale[0]
    spread = cause.draws.steady[:, 0].std() / predictor.scaling.scale[0]
    assert slope == pytest.approx(0.7, abs=4 * spread)
    assert 0.01 < spread < 0.06


def test_a_cause_nobody_had_gets_a_small_finite_hazard(rng):
    # Nobody died: the competing cause still has a hazard, as if half an event had been seen.
    histories, ended, _ = surveilled(rng, 500, hazard=0.02, every=12.0, sensitivity=1.0, until=48.0)
    predictor, fits = fit_predictor(study_by_test(), histories, ended, seed=1)
    assert fits[1].n_events == 0
    risk = predictor.predict(histories.select(np.arange(1)), np.zeros(1)).at(24.0)[0, 1]
    assert 0.0 < risk < 0.01


def test_equal_seeds_give_equal_draws(rng):
    histories, ended, _ = surveilled(rng, 300, hazard=0.02, every=12.0, sensitivity=1.0, until=48.0)
    one, two, other = (fit_predictor(study_by_test(), histories, ended, seed=seed)[0] for seed in (5, 5, 6))
    assert (one.causes[0].draws.pack() == two.causes[0].draws.pack()).all()
    assert (one.causes[0].draws.pack() != other.causes[0].draws.pack()).any()


def test_a_lead_is_learned_from_findings_before_and_after_onset(rng):
    # Beginnings at hazard 0.01; onset 12 months later at the usual pace, log sd 0.5; tests see a tenth at the
    # beginning, half at onset. Half-yearly scans find some before onset; the share with onset by 24 must come back.
    n, visit = 8000, np.arange(6.0, 61.0, 6.0)
    begun, pace = rng.exponential(100.0, n), np.exp(0.5 * rng.standard_normal(n))
    study = study_by_test(start=0.5, best=0.9, half_time=12.0)
    event = study.event[0].model_copy(update={"lead": 12.0, "pace_log_sd": 0.5})
    sees = study.test[0].sees["recurrence"].model_copy(update={"first": 0.1})
    scan = study.test[0].model_copy(update={"sees": {"recurrence": sees}})
    study = study.model_copy(update={"event": (event, study.event[1]), "test": (scan, study.test[1])})
    chance = sensitivity_at(
        sees, (visit - begun[:, None]) * pace[:, None] - 12.0, months_per_unit=1.0, lead_months=12.0
    )
    seen = rng.random((n, len(visit))) < chance
    found, first = seen.any(axis=1), np.where(seen.any(axis=1), seen.argmax(axis=1), len(visit) - 1)
    done = np.arange(len(visit)) <= first[:, None]
    result = np.where(done, (np.arange(len(visit)) == first[:, None]) & found[:, None], -1)
    onset = begun + 12.0 / pace
    assert np.mean(found & (visit[first] < onset)) > 0.05
    surveyed = make_histories(np.zeros(n), np.where(done, visit, np.inf), result)
    predictor, _ = fit_predictor(study, surveyed, outcomes(visit[first], found), seed=1)
    forecast = predictor.predict(surveyed.select(np.arange(1)), np.zeros(1))
    assert forecast.at(24.0)[0, 0] == pytest.approx(np.mean(onset <= 24.0), rel=0.08)
    # Just after a clean scan at 24, among all who had nothing found: onsets that were there, unseen.
    clean = np.flatnonzero((visit[first] > 24.0) | ((visit[first] == 24.0) & ~found))
    unseen = predictor.predict(surveyed.select(clean), np.full(len(clean), 24.0)).unseen[:, 0]
    assert unseen.mean() == pytest.approx(np.mean(onset[clean] <= 24.0), rel=0.15)
