"""What markers say of something that has begun already: rules by hand, sums two ways, a known effect found again."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from model.features import feature_list
from model.learning.fitting import training_data
from model.onset.growth import Growth
from model.onset.observation import Ending, result_likelihood
from model.onset.pace import PaceRule
from model.onset.posterior import first_beginning
from model.onset.presence import N_STAGES, Presence, Readings, stage_at
from model.onset.presence_fit import StageRows, fit_presence
from model.onset.stages import Course, Reading, by_stage
from tests.model.traps.cohorts import drawn, study_of_three

HALFWAY, AT_ONSET = 10.0, 20.0


def test_the_stage_is_counted_in_halves_of_the_way_to_the_onset_at_the_own_pace():
    growth = Growth(20.0, np.array([[1.0, 2.0]]), np.array([0.5, 0.5]))
    stage = stage_at(np.array([30.0]), np.array([35.0, 29.0, 30.0 - HALFWAY, 30.0 - AT_ONSET, 0.0]), growth)
    assert stage[0, 0].tolist() == [0, 1, 2, 3, 3]
    assert stage[0, 1].tolist() == [0, 1, 3, 3, 3]  # twice as fast
    assert (stage_at(np.array([-np.inf]), np.array([0.0, 5.0]), growth) == 0).all()


def test_what_begins_without_a_lead_is_at_its_onset_at_once():
    growth = Growth(0.0, np.ones((1, 1)), np.ones(1))
    assert stage_at(np.array([5.0]), np.array([4.0, 6.0]), growth)[0, 0].tolist() == [N_STAGES, 0]


def test_odds_are_multiplied_by_stage_and_left_alone_where_nothing_was_measured():
    growth = Growth(20.0, np.ones((2, 1)), np.ones(1))
    readings = Readings(np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([30.0, -np.inf]))
    presence = Presence(np.array([[0.0, 0.1], [0.0, 0.2], [1.0, 0.3]]))
    factors = presence.factors(readings, np.array([35.0, 25.0, 15.0, 5.0]), growth)
    assert np.log(factors[0, 0]) == pytest.approx([0.0, 0.2, 0.4, 1.6])
    assert (factors[1] == 1.0).all()
    drawn_twice = Presence(np.stack([presence.effect, 2 * presence.effect]))
    assert np.log(drawn_twice.factors(readings, np.array([5.0]), growth)[:, 0, 0, 0]) == pytest.approx([1.6, 3.2])


@pytest.fixture(scope="module")
def data():
    return training_data(study_of_three(), *drawn(np.random.default_rng(3), 60))


def test_readings_fade_against_the_newest_and_know_when_it_was(data):
    described = feature_list(data.study)
    place = {feature.what: index for index, feature in enumerate(described) if feature.source == "cga"}
    features = np.tile(data.scaling.mean, (3, 1))
    features[:, place["age"]] = 0.5
    features[:, place["last"]] += np.array([3.0, 0.0, 9.0]) * data.scaling.scale[place["last"]]
    features[1, [place["last"], place["age"], place["trend"]]] = np.nan
    scores = data.scaling.apply(features, np.zeros((3, data.scaling.n_first)))
    readings = Readings.of(features, scores, described, data.scaling, np.full(3, 24.0))
    usual = data.scaling.usual
    beyond = (3.0 - usual.effect[0, 0]) / usual.sd[0]  # of the average patient
    assert readings.design[0, :4] == pytest.approx([1.0, beyond, beyond**2, 0.0])  # the newest there is does not fade
    assert readings.month.tolist() == [18.0, -np.inf, 18.0]
    assert (readings.design[1] == 0).all()
    assert readings.design[2, 2] == 16.0  # far out the square goes no further


def test_stages_add_up_to_the_likelihood_of_the_results(data):
    cause = 1
    hazard = np.full((60, len(data.grid.onset_edge) - 1), 0.01)
    growth = PaceRule.of(data.study, cause, data.scaling).growth(data.baselines)
    now = 18.0
    patient = np.flatnonzero(data.outcomes.exit_month > now)
    ending = Ending.nothing_found(np.full(60, 30.0))
    course = Course(data.study, cause, data.grid, data.histories, ending, growth, hazard)
    reading = Reading(patient, np.full(len(patient), now), np.full(len(patient), 12.0))
    so_far, in_all = by_stage(course, reading)
    for given, until in ((so_far, now), (in_all, 30.0)):
        results = result_likelihood(
            data.study, data.histories, data.grid, growth, Ending.nothing_found(np.full(60, until)), cause=cause
        )
        density, never = first_beginning(hazard, results.width)
        likelihood = (density * results.averaged().given_beginning).sum(axis=1) + never
        assert given.sum(axis=1) == pytest.approx(likelihood[patient])
    assert (so_far[:, [0, N_STAGES]] > 0).all()


def test_a_known_effect_is_found_again():
    rng = np.random.default_rng(7)
    n, truth = 60_000, np.array([0.3, 0.8, 1.2])
    design = np.column_stack([np.ones(n), rng.standard_normal((n, 2)), np.zeros((n, 2)), np.ones(n)])
    so_far = softmax(rng.standard_normal((n, 1 + N_STAGES)) + np.array([2.0, 0.0, 0.0, 0.0]), axis=1)
    tilted = so_far * np.exp(design[:, 1:2] * np.append(0.0, truth) - np.append(0.0, truth**2 / 2))
    stage = (rng.random((n, 1)) > np.cumsum(tilted / tilted.sum(axis=1, keepdims=True), axis=1)).sum(axis=1)
    told = np.where(rng.random(n) < 0.6, stage, rng.integers(0, 1 + N_STAGES, n))  # later results are right or a guess
    later = np.where(np.arange(1 + N_STAGES) == told[:, None], 0.7, 0.1)
    rows = StageRows(design, so_far, so_far * later, np.ones(n), np.arange(n))
    fit = fit_presence(rows)
    error = np.sqrt(np.diag(fit.covariance)).reshape(fit.effect.shape)
    assert (np.abs(fit.effect[:, 1] - truth) < 4 * error[:, 1]).all()
    assert (error[:, 1] < 0.05).all()
    assert (np.abs(fit.effect[:, 2]) < 4 * error[:, 2]).all()
    odds = so_far[:, 1:] * np.exp(design @ fit.effect.T) / so_far[:, :1]
    after = odds / (1.0 + odds.sum(axis=1, keepdims=True))
    assert after.sum(axis=0) == pytest.approx(so_far[:, 1:].sum(axis=0), rel=1e-4)  # stages stay as frequent


@pytest.mark.parametrize("weight", [0.25, 1.0])
def test_rows_of_one_patient_count_as_one_life(weight):
    rng = np.random.default_rng(8)
    n = 2_000
    design = np.column_stack([np.ones(n), rng.standard_normal((n, 2)), np.zeros((n, 2)), np.ones(n)])
    so_far = softmax(rng.standard_normal((n, 1 + N_STAGES)), axis=1)
    in_all = so_far * rng.random((n, 1 + N_STAGES))
    once = fit_presence(StageRows(design, so_far, in_all, np.ones(n), np.arange(n)))
    four = [np.repeat(each, 4, axis=0) for each in (design, so_far, in_all)]
    rows = StageRows(*four, np.full(4 * n, weight), np.repeat(np.arange(n), 4))
    again = fit_presence(rows)
    assert again.effect == pytest.approx(once.effect, abs=2e-3)
    assert again.covariance == pytest.approx(once.covariance, rel=2e-2, abs=1e-5)


def test_without_markers_nothing_is_said(data):
    bare = training_data(
        data.study.model_copy(update={"marker": ()}),
        replace(data.histories, marker=data.histories.marker[:, :, :0]),
        data.outcomes,
    )
    assert np.isneginf(bare.readings.month).all()
