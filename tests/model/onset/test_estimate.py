import numpy as np
import pytest

from model.learning.fitting import fit_predictor
from tests.model.builders import (
    exact_study,
    no_visits,
    outcomes,
    slowly_found,
    slowly_seen,
    study_by_test,
    surveilled,
)


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


def test_a_known_effect_is_recovered_with_its_uncertainty(rng):
    # Hazard 0.03 exp(0.7 x): the slope comes back, and lies within the spread of its draws.
    x = rng.standard_normal(4000)
    exit_month = rng.exponential(1 / (0.03 * np.exp(0.7 * x)))
    ended = outcomes(np.minimum(exit_month, 60.0), exit_month < 60.0)
    predictor, _ = fit_predictor(exact_study(until=12.0), no_visits(x), ended, seed=1)
    hazard = predictor.causes[0].hazard
    slope = hazard.best.steady[0] / predictor.scaling.scale[0]
    spread = hazard.draws.steady[:, 0].std() / predictor.scaling.scale[0]
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
    for name in ("hazard", "past"):
        first, again, another = (getattr(each.causes[0], name).draws.pack() for each in (one, two, other))
        assert (first == again).all()
        assert (first != another).any()


def test_a_lead_is_learned_from_findings_before_and_after_onset(rng):
    # Beginnings at hazard 0.01; onset 12 months later at the usual pace, log sd 0.5. Half-yearly scans find some before
    # onset; the share with onset by 24 must come back.
    study, n = slowly_seen(lead=12.0, pace_log_sd=0.5), 8000
    surveyed, ended, onset = slowly_found(rng, study, np.zeros(n), np.full(n, 0.01))
    assert np.mean((ended.cause == 1) & (ended.exit_month < onset)) > 0.05
    predictor, _ = fit_predictor(study, surveyed, ended, seed=1)
    forecast = predictor.predict(surveyed.select(np.arange(1)), np.zeros(1))
    assert forecast.at(24.0)[0, 0] == pytest.approx(np.mean(onset <= 24.0), rel=0.08)
    # Just after a clean scan at 24, among all who had nothing found: onsets that were there, unseen.
    clean = np.flatnonzero((ended.exit_month > 24.0) | ((ended.exit_month == 24.0) & (ended.cause == 0)))
    unseen = predictor.predict(surveyed.select(clean), np.full(len(clean), 24.0)).unseen[:, 0]
    assert unseen.mean() == pytest.approx(np.mean(onset[clean] <= 24.0), rel=0.15)
