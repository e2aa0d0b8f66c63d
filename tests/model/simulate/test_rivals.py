"""Published rules, by hand on risk curves that fit in one's head."""

import numpy as np
import pytest

from model.schedule.figures import figures
from model.schedule.prospect import prospects
from model.simulate.course import follow, no_visits
from model.simulate.fresh import draw_fresh
from model.simulate.rivals import RiskRule, bounded_wait, cheapest_tests, equal_quantiles, fixed_threshold, onset_curve

LINE = np.linspace(0.0, 0.4, 5)[None]


def slots(visits):
    return np.flatnonzero(visits[0]).tolist()


def test_filleron_places_visits_at_equal_shares_of_the_risk():
    assert slots(equal_quantiles(LINE, 3.0, 2)) == [2, 4]
    assert slots(equal_quantiles(LINE, 3.0, 4)) == [1, 2, 3, 4]
    assert slots(equal_quantiles(np.array([[0, 0.3, 0.35, 0.38, 0.4]]), 3.0, 2)) == [1, 4]
    assert slots(equal_quantiles(np.zeros((1, 5)), 3.0, 2)) == []


def test_a_fixed_threshold_calls_whenever_the_conditional_risk_since_the_last_visit_reaches_it():
    constant = 1.0 - 0.9 ** np.arange(7)[None]
    assert slots(fixed_threshold(constant, 3.0, 0.10)) == [1, 2, 3, 4, 5, 6]
    assert slots(fixed_threshold(constant, 3.0, 1.0 - 0.9**2)) == [2, 4, 6]
    assert slots(fixed_threshold(constant, 3.0, 0.6)) == []
    certain = np.array([[0.0, 0.3, 1.0, 1.0, 1.0]])
    assert slots(fixed_threshold(certain, 3.0, 0.10)) == [1, 2]


def test_bebu_calls_when_the_expected_undetected_months_since_the_last_visit_reach_the_bound():
    # a line of 0.1 per slot of 3 months: 0.15 expected months after one slot, 0.15 + 0.45 = 0.6 after two
    assert slots(bounded_wait(LINE, 3.0, 0.6)) == [2, 4]
    assert slots(bounded_wait(LINE, 3.0, 0.15)) == [1, 2, 3, 4]


@pytest.mark.parametrize("figure", [0.02, None])
def test_a_rule_is_a_policy_on_the_models_first_curve(trained, figure):
    study = trained.cohort.study
    truth = next(draw_fresh(study, stratum="middle", nature="default", patients=30, seed=2, horizon_month=60))
    policy = RiskRule("x", trained.predictor, 60.0, fixed_threshold, figure)
    given, tests = policy.start(truth.baseline), cheapest_tests(study)
    assert {test.name for test, there in zip(study.test, tests, strict=True) if there} == {"sigmoidoscopy", "ct"}
    planned = np.isfinite(given.month)
    assert planned.any()
    assert np.array_equal(given.test, planned[:, :, None] & tests)
    assert follow(truth, policy, study).visits.sum() > 0


def test_the_curve_of_onset_ends_near_the_figures_own_probability(trained):
    study = trained.cohort.study
    truth = next(draw_fresh(study, stratum="middle", nature="default", patients=30, seed=2, horizon_month=60))
    for who, prospect in prospects(
        trained.predictor, no_visits(truth.baseline, study), np.zeros(30), np.full(30, 60.0)
    ):
        never_dies = onset_curve(prospect)[:, -1]
        nothing = np.zeros((len(who), prospect.n_slots, len(study.test)), dtype=bool)
        alive = figures(study, prospect, nothing).onset_probability
        assert np.all(alive <= never_dies + 1e-12)
        assert np.all(alive >= never_dies * prospect.followed[:, -1])
