from dataclasses import replace

import numpy as np
import pytest

from model.errors import NotSupportedError
from model.learning.fitting import fit_predictor
from tests.model.builders import exact_study, histories, no_visits, outcomes, study_by_test, surveilled


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(7)
    cohort, ended, _ = surveilled(rng, 1500, hazard=0.01, every=12.0, sensitivity=1.0, until=60.0)
    predictor, _ = fit_predictor(study_by_test(), cohort, ended, seed=1)
    return predictor, cohort, ended


def test_a_perfect_clean_scan_leaves_nothing_unseen(fitted):
    predictor, _, _ = fitted
    clean = histories(np.zeros(1), np.array([[12.0, 18.5]]), np.array([[0, 0]]))
    assert predictor.predict(clean, np.array([18.5])).unseen == pytest.approx(np.zeros((1, 2)), abs=1e-12)


def test_who_skips_visits_is_not_called_clean(fitted):
    predictor, _, _ = fitted
    skipped = histories(np.zeros(2), np.array([[12.0, np.inf], [12.0, 24.0]]), np.array([[0, -1], [0, 0]]))
    unseen = predictor.predict(skipped, np.array([24.0, 24.0])).unseen[:, 0]
    assert unseen[0] == pytest.approx(1 - np.exp(-0.12), rel=0.15)
    assert unseen[1] == pytest.approx(0.0, abs=1e-12)


def test_what_happens_later_changes_nothing(fitted):
    predictor, cohort, _ = fitted
    whole, now = cohort.select(np.arange(5)), np.full(5, 12.0)
    known = whole.until(now)
    assert (whole.visit_month > 12.0).any(axis=1).any()
    assert (predictor.predict(whole, now).incidence == predictor.predict(known, now).incidence).all()


def test_one_patient_is_a_cohort_of_one(fitted):
    predictor, cohort, ended = fitted
    still = np.flatnonzero(ended.exit_month > 24.0)[:40]
    together = predictor.predict(cohort.select(still), np.full(40, 24.0)).incidence
    alone = [predictor.predict(cohort.select(still[i : i + 1]), np.array([24.0])).incidence[0] for i in range(40)]
    assert together == pytest.approx(np.array(alone), abs=1e-12)


def test_bands_hold_the_estimate_and_are_ordered(fitted):
    predictor, cohort, _ = fitted
    few = cohort.select(np.arange(3))
    low, high = predictor.predict_draws(few, np.zeros(3)).band()
    middle = predictor.predict(few, np.zeros(3))
    assert (low.incidence <= middle.incidence + 1e-9).all()
    assert (middle.incidence <= high.incidence + 1e-9).all()
    assert low.at(12.0)[0, 0] < high.at(12.0)[0, 0]


def test_beyond_the_last_supported_landmark_no_number_is_given(fitted):
    predictor, cohort, _ = fitted
    with pytest.raises(NotSupportedError, match="beyond month 24"):
        predictor.predict(cohort.select(np.arange(1)), np.array([24.5]))
    with pytest.raises(NotSupportedError, match="before the origin"):
        predictor.predict(cohort.select(np.arange(1)), np.array([-0.1]))


def test_a_draw_that_is_all_but_certain_of_an_onset_is_still_a_probability(fitted):
    # Hazards of 1000 a month: nothing is left of "no onset so far", and its odds must not become 0 / 0.
    predictor, _, _ = fitted
    recurrence, death = predictor.causes
    past = recurrence.past.best
    certain = replace(recurrence.past, best=replace(past, shape=np.full_like(past.shape, np.log(1000.0))))
    model = replace(predictor, causes=(replace(recurrence, past=certain), death))
    skipped = histories(np.zeros(1), np.array([[6.0]]), np.array([[-1]]))
    forecast = model.predict(skipped, np.array([24.0]))
    assert forecast.unseen[0, 0] == pytest.approx(1.0)
    assert np.isfinite(forecast.incidence).all()


def test_a_missing_baseline_widens_the_band_and_not_by_moving_it(rng):
    # x doubles the hazard per sd. Who lacks it has about the risk of the average of those who have it.
    x = rng.standard_normal(3000)
    x_known = np.where(rng.random(3000) < 0.2, np.nan, x)
    dies = rng.exponential(1 / (0.01 * 2.0**x))
    predictor, _ = fit_predictor(
        exact_study(), no_visits(x_known), outcomes(np.minimum(dies, 60.0), dies < 60.0), seed=1
    )
    both = no_visits(np.array([0.0, np.nan]))
    low, high = predictor.predict_draws(both, np.zeros(2)).band()
    width = (high.at(12.0) - low.at(12.0))[:, 0]
    assert width[1] > 3 * width[0]
    unknown = predictor.predict(both, np.zeros(2)).at(12.0)[1, 0]
    assert unknown == pytest.approx(np.mean(dies[np.isnan(x_known)] < 12.0), rel=0.15)
    assert low.at(12.0)[1, 0] < unknown < high.at(12.0)[1, 0]
