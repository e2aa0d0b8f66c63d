import numpy as np
import pytest

from model.onset.grid import TimeGrid
from model.onset.growth import sensitivity_at
from model.onset.observation import result_likelihood
from model.onset.posterior import onset_posterior
from tests.model.builders import histories, study_by_test


def given(study, visits, scan, *, end, found=None):
    grid = TimeGrid.of(study, until=24.0)
    one = histories(np.zeros(1), np.array([visits]), np.array([scan]))
    told = None if found is None else np.array([found])
    return grid, result_likelihood(study, one, grid, cause=1, end_month=np.array([end]), found=told)


def test_sensitivity_grows_from_start_to_max_by_halves():
    sees = study_by_test(start=0.2, best=0.8, half_time=6.0).test[0].sees["recurrence"]
    # Half of the way from 0.2 to 0.8 after one half time, three quarters after two; nothing before onset.
    seen = sensitivity_at(sees, np.array([-1.0, 0.0, 6.0, 12.0]), months_per_unit=1.0)
    assert seen == pytest.approx([0.0, 0.2, 0.5, 0.65])


def test_a_perfect_test_is_plain_interval_censoring():
    # Negative at 6 and 12, positive at 18: the onset lies in (12, 18], anywhere in it alike.
    grid, results = given(study_by_test(), [6.0, 12.0, 18.0], [0, 0, 1], end=18.0, found=True)
    inside = (grid.onset_middle > 12) & (grid.onset_middle < 18)
    assert results.given_beginning[0] == pytest.approx(
        np.where(inside, 1.0, np.where(grid.onset_middle > 18, 0.0, 0.0))
    )
    assert results.given_none == 0.0


def test_a_test_in_mid_bin_sees_only_the_onsets_before_it():
    # Bins are one month wide; a negative at 6.25 rules out a quarter of the onsets of the bin 6..7.
    _, results = given(study_by_test(), [6.25], [0], end=24.0)
    assert results.given_beginning[0, 5:8] == pytest.approx([0.0, 0.75, 1.0])


def test_the_bin_that_holds_the_end_is_cut_there():
    _, results = given(study_by_test(), [6.25], [0], end=6.25)
    assert results.width[0, 5:8] == pytest.approx([1.0, 0.25, 0.0])
    assert results.given_beginning[0, 6] == 0.0  # all onsets before the end precede the clean test


def test_imperfect_negatives_multiply():
    study = study_by_test(start=0.7, best=0.7)
    _, results = given(study, [6.0, 12.0], [0, 0], end=12.0)
    assert results.given_beginning[0, [0, 5, 6, 11]] == pytest.approx([0.09, 0.09, 0.3, 0.3])


def test_a_cause_found_without_a_test_only_bounds_the_onset_from_above():
    # Found at 10 by symptoms, after a negative scan of sensitivity 0.7 at 6.
    grid, results = given(study_by_test(start=0.7, best=0.7), [6.0], [0], end=10.0, found=True)
    expected = np.where(grid.onset_middle < 6, 0.3, np.where(grid.onset_middle < 10, 1.0, 0.0))
    assert results.given_beginning[0] == pytest.approx(expected)


def test_a_stated_negative_moment_closes_the_interval():
    study = study_by_test()
    grid = TimeGrid.of(study, until=24.0)
    one = histories(np.zeros(1), np.array([[12.0]]), np.array([[1]]))
    results = result_likelihood(
        study,
        one,
        grid,
        cause=1,
        end_month=np.array([12.0]),
        found=np.array([True]),
        last_negative_month=np.array([8.0]),
    )
    inside = (grid.onset_middle > 8) & (grid.onset_middle < 12)
    assert results.given_beginning[0] == pytest.approx(inside.astype(float))


def test_the_posterior_is_bayes_rule_by_hand():
    # Constant hazard 0.02; negative at 12 with sensitivity 0.7 at every age of the lesion.
    # P(onset by 12 and missed) = 0.3 (1 - e^-0.24); P(no onset) = e^-0.24.
    _, results = given(study_by_test(start=0.7, best=0.7), [12.0], [0], end=12.0)
    posterior = onset_posterior(np.full((1, results.width.shape[1]), 0.02), results)
    missed, clean = 0.3 * (1 - np.exp(-0.24)), np.exp(-0.24)
    assert posterior.none == pytest.approx(clean / (clean + missed))
    assert posterior.log_evidence == pytest.approx(np.log(clean + missed))
    assert posterior.beginning.sum() + posterior.none == pytest.approx(1.0, abs=1e-12)
