import numpy as np
import pytest

from model.onset.missing import Baselines, JointNormal

THREE = JointNormal(np.array([1.0, -1.0, 0.5]), np.array([[2.0, 0.6, 0.3], [0.6, 1.0, -0.4], [0.3, -0.4, 1.5]]))
NAN = np.nan


def test_what_is_missing_is_expected_as_the_textbook_says():
    # E[x1 | x2, x3] = m1 + S1o Soo^-1 (xo - mo); var = s11 - S1o Soo^-1 So1, with
    # Soo = (1, -0.4; -0.4, 1.5), det 1.34; S1o Soo^-1 = (1.02, 0.54) / 1.34 of (0.6, 0.3); xo - mo = (1, -0.5).
    expected = 1.0 + (1.02 * 1.0 + 0.54 * -0.5) / 1.34
    variance = 2.0 - (1.02 * 0.6 + 0.54 * 0.3) / 1.34
    patient = np.array([[NAN, 0.0, 0.0]])
    assert THREE.complete(patient) == pytest.approx(np.array([[expected, 0.0, 0.0]]))
    assert THREE.spread(np.isnan(patient))[0] == pytest.approx(np.diag([variance, 0.0, 0.0]))


def test_two_missing_ones_keep_what_they_share_beyond_the_known_one():
    # Given x1 alone: S - S.1 S1. / 2, that is (1 - 0.18, -0.4 - 0.09; ., 1.5 - 0.045); x1 - m1 = 2.
    patient = np.array([[3.0, NAN, NAN]])
    assert THREE.complete(patient) == pytest.approx(np.array([[3.0, -1.0 + 0.6, 0.5 + 0.3]]))
    assert THREE.spread(np.isnan(patient))[0, 1:, 1:] == pytest.approx(np.array([[0.82, -0.49], [-0.49, 1.455]]))


def test_nothing_known_is_the_mean_and_all_known_is_untouched():
    both = np.array([[NAN, NAN, NAN], [7.0, 8.0, 9.0]])
    assert THREE.complete(both) == pytest.approx(np.array([THREE.mean, [7.0, 8.0, 9.0]]))
    spread = THREE.spread(np.isnan(both))
    assert spread[0] == pytest.approx(THREE.covariance)
    assert (spread[1] == 0.0).all()


def test_a_covariance_is_found_where_two_in_five_values_are_missing(rng):
    # x1 is missing mostly where x2, which is always known, is high: the known x1 alone would mislead.
    scores = rng.multivariate_normal(THREE.mean, THREE.covariance, 1999)
    scores[:, 2][rng.random(1999) < 0.4] = NAN
    absent = rng.random(1999) < np.where(scores[:, 1] > -1.0, 0.7, 0.1)
    scores[absent, 0] = NAN
    assert np.mean(absent) == pytest.approx(0.4, abs=0.03)
    learned = JointNormal.learn(scores)
    assert learned.mean == pytest.approx(THREE.mean, abs=0.12)
    assert learned.covariance == pytest.approx(THREE.covariance, abs=0.2)
    assert np.nanmean(scores[:, 0]) < THREE.mean[0] - 0.15  # as they do


def test_one_patient_completes_as_in_a_crowd(rng):
    scores = rng.multivariate_normal(THREE.mean, THREE.covariance, 50)
    scores[rng.random(scores.shape) < 0.4] = NAN
    together = THREE.complete(scores)
    alone = [THREE.complete(scores[i : i + 1])[0] for i in range(50)]
    np.testing.assert_array_equal(together, np.array(alone))


def test_without_blanks_it_is_the_covariance_shrunken_by_twenty_imagined_patients(rng):
    scores = rng.multivariate_normal(THREE.mean, THREE.covariance, 300)
    learned = JointNormal.learn(scores)
    assert learned.mean == pytest.approx(scores.mean(axis=0))
    assert learned.covariance == pytest.approx((300 * np.cov(scores.T, bias=True) + 20 * np.eye(3)) / 320)


def test_a_column_that_nobody_has_goes_with_nothing(rng):
    scores = np.column_stack([rng.standard_normal(200), np.full(200, NAN)])
    learned = JointNormal.learn(scores)
    assert learned.mean[1] == 0.0
    assert learned.covariance[0, 1] == pytest.approx(0.0, abs=1e-12)
    assert learned.complete(scores)[:, 1] == pytest.approx(np.zeros(200), abs=1e-12)


def test_draws_of_the_missing_keep_the_mean_hazard_and_spread_as_they_should(rng):
    # x1 and x3 missing, effects (0.5, ., -0.8): log hazards spread by e'Se; the mean of exp(them) is 1.
    patients = Baselines(np.array([[NAN, 0.0, NAN], [1.0, 1.0, 1.0]]), THREE)
    effects = np.tile([0.5, 9.0, -0.8], (200_000, 1))
    guesses = patients.guesses(rng.standard_normal((200_000, 3)))
    assert (guesses[:, 0, 1] == 0.0).all()
    added = patients.unknown(effects, guesses)
    given = THREE.covariance[np.ix_([0, 2], [0, 2])] - np.outer([0.6, -0.4], [0.6, -0.4])
    variance = np.array([0.5, -0.8]) @ given @ [0.5, -0.8]
    assert added[:, 0].var() == pytest.approx(variance, rel=0.02)
    assert np.exp(added[:, 0]).mean() == pytest.approx(1.0, abs=4 * np.sqrt(np.expm1(variance) / 200_000))
    assert (added[:, 1] == 0.0).all()
