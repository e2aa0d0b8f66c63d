import numpy as np
import pytest

from model.onset.grid import TimeGrid
from model.onset.growth import growth_of, sensitivity_at
from model.onset.observation import Ending, averaged_likelihood, ending_of, result_likelihood
from model.onset.posterior import onset_posterior
from model.types import NEGATIVE, NOT_DONE, POSITIVE, Histories
from tests.model.builders import growing, histories, no_growth, outcomes, study_by_test
from tests.model.traps.cohorts import drawn, study_of_three


def found_at(month, *, named=True, last_negative=np.nan):
    return Ending(np.array([month]), np.array([True]), np.array([named]), np.array([last_negative]), np.array([False]))


def given(study, visits, scan, ending):
    grid = TimeGrid.of(study, until=24.0)
    one = histories(np.zeros(1), np.array([visits]), np.array([scan]))
    return grid, result_likelihood(study, one, grid, no_growth(study, 1), ending, cause=1).averaged()


def test_sensitivity_grows_from_start_to_max_by_halves():
    sees = study_by_test(start=0.2, best=0.8, half_time=6.0).test[0].sees["recurrence"]
    # Half of the way from 0.2 to 0.8 after one half time, three quarters after two; nothing before onset.
    seen = sensitivity_at(sees, np.array([-1.0, 0.0, 6.0, 12.0]), months_per_unit=1.0)
    assert seen == pytest.approx([0.0, 0.2, 0.5, 0.65])


def test_a_perfect_test_is_plain_interval_censoring():
    # Negative at 6 and 12, positive at 18: the onset lies in (12, 18], anywhere in it alike.
    grid, results = given(study_by_test(), [6.0, 12.0, 18.0], [0, 0, 1], found_at(18.0))
    inside = (grid.onset_middle > 12) & (grid.onset_middle < 18)
    assert results.given_beginning[0] == pytest.approx(inside.astype(float))
    assert results.given_none == 0.0


def test_a_test_in_mid_bin_sees_only_the_onsets_before_it():
    # Bins are one month wide; a negative at 6.25 rules out a quarter of the onsets of the bin 6..7.
    _, results = given(study_by_test(), [6.25], [0], Ending.nothing_found(np.array([24.0])))
    assert results.given_beginning[0, 5:8] == pytest.approx([0.0, 0.75, 1.0])


def test_the_bin_that_holds_the_end_is_cut_there():
    _, results = given(study_by_test(), [6.25], [0], Ending.nothing_found(np.array([6.25])))
    assert results.width[0, 5:8] == pytest.approx([1.0, 0.25, 0.0])
    assert results.given_beginning[0, 6] == 0.0  # all onsets before the end precede the clean test


def test_imperfect_negatives_multiply():
    study = study_by_test(start=0.7, best=0.7)
    _, results = given(study, [6.0, 12.0], [0, 0], Ending.nothing_found(np.array([12.0])))
    assert results.given_beginning[0, [0, 5, 6, 11]] == pytest.approx([0.09, 0.09, 0.3, 0.3])


def test_tests_of_one_day_look_at_the_same_beginnings():
    # Both are done at 6.25: what begins later in the month 6..7 is not there for either. The chance of both clean
    # results is 1/4 x 0.3 x 0.9 + 3/4; a product of the two averages would be (1/4 x 0.3 + 3/4)(1/4 x 0.9 + 3/4).
    study, grid = two_tests()
    both = Histories(
        np.zeros((1, 1)), np.array([[6.25]]), np.zeros((1, 1, 0)), np.array([[[NEGATIVE, NEGATIVE]]], np.int8)
    )
    clean = Ending.nothing_found(np.array([24.0]))
    results = result_likelihood(study, both, grid, no_growth(study, 1), clean, cause=1).averaged()
    assert results.given_beginning[0, 5:8] == pytest.approx([0.27, 0.25 * 0.27 + 0.75, 1.0])
    # One finds it and the other does not: it was there, in the quarter before the visit.
    one = Histories(both.baseline, both.visit_month, both.marker, np.array([[[POSITIVE, NEGATIVE]]], np.int8))
    results = result_likelihood(study, one, grid, no_growth(study, 1), found_at(6.25), cause=1).averaged()
    assert results.given_beginning[0, 5:8] == pytest.approx([0.7 * 0.9, 0.7 * 0.9, 0.0])


def two_tests():
    study = study_by_test(start=0.7, best=0.7)
    look = study.test[1].sees["recurrence"].model_copy(update={"start": 0.1, "max": 0.1})
    poor = study.test[1].model_copy(update={"sees": {"recurrence": look}})
    study = study.model_copy(update={"test": (study.test[0], poor)})
    return study, TimeGrid.of(study, until=24.0)


def test_a_cause_found_without_a_test_only_bounds_the_onset_from_above():
    # Found at 10 by symptoms, after a negative scan of sensitivity 0.7 at 6.
    grid, results = given(study_by_test(start=0.7, best=0.7), [6.0], [0], found_at(10.0))
    expected = np.where(grid.onset_middle < 6, 0.3, np.where(grid.onset_middle < 10, 1.0, 0.0))
    assert results.given_beginning[0] == pytest.approx(expected)


def test_a_stated_negative_moment_closes_the_interval():
    grid, results = given(study_by_test(), [12.0], [1], found_at(12.0, last_negative=8.0))
    inside = (grid.onset_middle > 8) & (grid.onset_middle < 12)
    assert results.given_beginning[0] == pytest.approx(inside.astype(float))


def test_the_posterior_is_bayes_rule_by_hand():
    # Constant hazard 0.02; negative at 12 with sensitivity 0.7 at every age of the lesion.
    # P(onset by 12 and missed) = 0.3 (1 - e^-0.24); P(no onset) = e^-0.24.
    clean = Ending.nothing_found(np.array([12.0]))
    _, results = given(study_by_test(start=0.7, best=0.7), [12.0], [0], clean)
    posterior = onset_posterior(np.full((1, results.width.shape[1]), 0.02), results)
    missed, none = 0.3 * (1 - np.exp(-0.24)), np.exp(-0.24)
    assert posterior.none == pytest.approx(none / (none + missed))
    assert posterior.log_evidence == pytest.approx(np.log(none + missed))
    assert posterior.beginning.sum() + posterior.none == pytest.approx(1.0, abs=1e-12)


def test_without_a_finding_everything_is_open_until_the_last_test_that_could_see_it():
    # Seen clean at 6 and 12, followed without tests until 20: what is open after 12 is nobody's observation.
    study = study_by_test()
    grid = TimeGrid.of(study, until=24.0)
    two = histories(np.zeros(2), np.array([[6.0, 12.0, 20.0], [np.inf] * 3]), np.array([[0, 0, -1], [-1] * 3]))
    ending = ending_of(study, two, outcomes(np.array([20.0, 30.0]), np.array([0, 2])), grid, cause=1)
    assert ending.month.tolist() == [12.0, 0.0]
    assert not ending.found.any()
    assert np.isnan(ending.last_negative_month).all()


def test_a_finding_after_the_grid_is_not_looked_at():
    # Landmarks to 24 and a horizon of 24: at 48 the study closes, what was clean by then is all that counts.
    study = study_by_test()
    grid = TimeGrid.of(study, until=24.0)
    late = histories(np.zeros(1), np.array([[36.0, 50.0]]), np.array([[0, 1]]))
    ending = ending_of(study, late, outcomes(np.array([50.0]), np.array([1])), grid, cause=1)
    assert (ending.month[0], ending.found[0], ending.named[0]) == (36.0, False, False)


def test_a_cause_found_beside_the_named_one_was_found_too():
    # Only mri sees the spread (third cause) besides recurrence; a scan of its own for it tells the causes apart.
    study, grid, histories_, ended = found_beside()
    first, third = (ending_of(study, histories_, ended, grid, cause=cause) for cause in (1, 3))
    assert (first.month[0], first.found[0], first.named[0]) == (12.0, True, True)
    assert (third.month[0], third.found[0], third.named[0]) == (12.0, True, False)
    results = result_likelihood(study, histories_, grid, no_growth(study, 3), third, cause=3).averaged()
    # Sensitivity 0.6 of the scan that sees nothing else; mri was positive too, but for which of them is not known.
    assert results.given_beginning[0, [0, 11, 12]] == pytest.approx([0.6, 0.6, 0.0])
    assert results.given_none[0] == 0.0


def test_a_test_that_sees_several_causes_says_nothing_of_those_the_outcome_does_not_name():
    study, grid, histories_, ended = found_beside()
    without_scan = histories_.test.copy()
    without_scan[:, :, 2] = NOT_DONE
    only_mri = Histories(histories_.baseline, histories_.visit_month, histories_.marker, without_scan)
    third = ending_of(study, only_mri, ended, grid, cause=3)
    assert (third.month[0], third.found[0]) == (12.0, False)
    results = result_likelihood(study, only_mri, grid, no_growth(study, 3), third, cause=3).averaged()
    assert results.given_beginning[0, [0, 11]] == pytest.approx([1.0, 1.0])
    assert results.given_none[0] == 1.0


def test_what_is_more_severe_than_the_named_one_was_not_found():
    # The outcome is the recurrence at 12, when mri, which sees the spread too, is positive: for the recurrence, since
    # of both the spread would be named.
    study, grid, histories_, ended = found_beside()
    without_scan = histories_.test.copy()
    without_scan[:, :, 2] = NOT_DONE
    only_mri = Histories(histories_.baseline, histories_.visit_month, histories_.marker, without_scan)
    look = study.test[1].sees["spread"].model_copy(update={"start": 0.3, "max": 0.3})
    mri = study.test[1].model_copy(update={"sees": {**study.test[1].sees, "spread": look}})
    for severities, spared in (((1, 2), 0.7), ((2, 1), 1.0), ((1, 1), 1.0)):
        events = list(study.event)
        for place, severity in zip((0, 2), severities, strict=True):
            events[place] = events[place].model_copy(update={"severity": severity})
        ordered = study.model_copy(update={"event": tuple(events), "test": (study.test[0], mri, study.test[2])})
        third = ending_of(ordered, only_mri, ended, grid, cause=3)
        assert (third.month[0], third.found[0], third.cleared[0]) == (12.0, False, spared < 1)
        results = result_likelihood(ordered, only_mri, grid, no_growth(ordered, 3), third, cause=3).averaged()
        assert results.given_beginning[0, [0, 11]] == pytest.approx([spared, spared])
        assert results.given_none[0] == 1.0
    # Its own scan says that it was there after all: then it was found, whatever the outcome names.
    assert ending_of(ordered, histories_, ended, grid, cause=3).found[0]
    assert not ending_of(ordered, histories_, ended, grid, cause=3).cleared[0]


def found_beside():
    """One patient whose outcome is the recurrence at 12, when mri and a scan of the spread's own are positive."""
    study = study_of_three()
    sees = study.test[1].sees["spread"].model_copy(update={"start": 0.6, "max": 0.6, "half_time": 0.0})
    own = study.test[1].model_copy(update={"name": "own", "sees": {"spread": sees}})
    study = study.model_copy(update={"test": (*study.test, own)})
    test = np.array([[[NOT_DONE, POSITIVE, POSITIVE]]], dtype=np.int8)
    found = Histories(np.ones((1, 6)), np.array([[12.0]]), np.full((1, 1, 1), np.nan), test)
    return study, TimeGrid.of(study, until=24.0), found, outcomes(np.array([12.0]), np.array([1]))


def test_a_cohort_in_chunks_is_each_patient_alone(rng):
    study = study_of_three()
    study = study.model_copy(update={"event": (growing(study.event[0]), *study.event[1:])})
    cohort, ended = drawn(rng, 1200)
    grid = TimeGrid.of(study, until=24.0)
    growth = growth_of(study, 1, rng.normal(0, 0.5, 1200), rng.uniform(0, 0.2, 1200))
    ending = ending_of(study, cohort, ended, grid, cause=1)
    whole = averaged_likelihood(study, cohort, grid, growth, ending, cause=1)
    for who in np.array([[0], [600], [1199]]):
        own = (cohort.select(who), grid, growth.select(who), ending.select(who))
        alone = result_likelihood(study, *own, cause=1).averaged()
        assert whole.width[who] == pytest.approx(alone.width)
        considered = alone.width > 0  # bins past the end are nobody's
        assert whole.given_beginning[who][considered] == pytest.approx(alone.given_beginning[considered])
        assert whole.given_none[who] == alone.given_none
