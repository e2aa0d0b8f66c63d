"""Bends and trees beside the straight lines."""

from datetime import UTC, datetime

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from model.features import feature_list
from model.learning.fitting import LEARNERS, PUBLISHED_BELOW, fit_predictor, learners_for, prior_alone
from model.learning.selection import choose
from model.onset import boosting
from model.onset.boosting import Trees
from model.onset.splines import KNOT_QUANTILES, Splines
from model.saved import artifact
from tests.model.builders import EXACT, HEAD, exact_study, no_visits, outcomes


def bent(rng):
    """Splines learned from one column of scores, with the scores; the other two are time, which stays straight."""
    scores = np.column_stack([rng.standard_normal(2000), np.zeros((2000, 2))])
    return scores, Splines.learn(scores, np.ones(scores.shape, dtype=bool), feature_list(exact_study()))


def test_a_restricted_spline_is_straight_outside_its_knots_and_smooth_at_them(rng):
    _, splines = bent(rng)
    assert splines.column.tolist() == [0]

    def at(x):
        return splines.columns(np.column_stack([x, np.zeros((len(x), 2))]))

    low, high = splines.knot[0, [0, -1]]
    for outside in (np.linspace(low - 3, low, 9), np.linspace(high, high + 3, 9)):
        assert np.diff(at(outside), n=2, axis=0) == pytest.approx(np.zeros((7, 2)), abs=1e-9)
    inside = np.diff(at(np.linspace(low, high, 2001)), n=2, axis=0) * (2000 / (high - low)) ** 2
    assert np.abs(inside).max() > 0.5  # it does bend
    assert np.abs(np.diff(inside, axis=0)).max() < 0.02 * np.abs(inside).max()  # and its curvature never jumps


def test_bends_are_what_the_straight_line_does_not_say(rng):
    scores, splines = bent(rng)
    bends = splines.columns(scores)
    assert bends.mean(axis=0) == pytest.approx([0.0, 0.0], abs=1e-9)
    assert bends.std(axis=0) == pytest.approx([1.0, 1.0])
    assert scores[:, 0] @ bends / 2000 == pytest.approx([0.0, 0.0], abs=1e-9)
    assert splines.knot[0] == pytest.approx(np.quantile(scores[:, 0], KNOT_QUANTILES))


def test_a_column_of_few_values_stays_straight(rng):
    scores = np.column_stack([rng.integers(0, 2, 500), np.zeros((500, 2))]).astype(float)
    splines = Splines.learn(scores, np.ones(scores.shape, dtype=bool), feature_list(exact_study()))
    assert splines.n_columns == 0
    assert splines.columns(scores).shape == (500, 0)
    assert Splines.none().columns(scores).shape == (500, 0)


def test_our_trees_are_the_machines_own_prediction(rng):
    scores = rng.standard_normal((5000, 3))
    expected = rng.uniform(0.01, 0.5, 5000)
    events = rng.poisson(expected * np.exp(np.sign(scores[:, 0]) * scores[:, 1])).astype(float)
    trees = Trees.grow(scores, events, expected, seed=3)
    machine = HistGradientBoostingRegressor(
        loss="poisson", learning_rate=boosting.LEARNING_RATE, max_iter=boosting.N_TREES, early_stopping=False,
        max_leaf_nodes=boosting.MAX_LEAVES, min_samples_leaf=boosting.MIN_ROWS_IN_LEAF, l2_regularization=1.0,
        max_bins=boosting.MAX_BINS, random_state=3,
    ).fit(scores, events / expected, sample_weight=expected / expected.mean())  # fmt: skip
    fresh = rng.standard_normal((1000, 3)) * 2
    assert trees.log_ratio(fresh) == pytest.approx(np.log(machine.predict(fresh)), abs=1e-9)
    assert trees.log_ratio(fresh[:1]) == trees.log_ratio(fresh)[:1]


@pytest.fixture(scope="module")
def valley():
    """Deaths with hazard 0.01 exp(0.4 x^2): those in the middle live longest."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal(6000)
    dies = rng.exponential(100 * np.exp(-0.4 * x**2))
    return {
        learner: fit_predictor(
            exact_study(until=0.0), no_visits(x), outcomes(np.minimum(dies, 60.0), dies < 60.0), seed=1, learner=learner
        )[0]
        for learner in LEARNERS
    }


def test_bends_and_trees_find_a_valley_that_a_line_cannot(valley):
    at = np.linspace(-1.5, 1.5, 7)
    truth = 1 - np.exp(-24 * 0.01 * np.exp(0.4 * at**2))
    risk = {name: model.predict(no_visits(at), np.zeros(7)).at(24.0)[:, 0] for name, model in valley.items()}
    error = {name: np.abs(risk[name] / truth - 1).max() for name in risk}
    assert error["linear"] > 0.4
    assert error["splines"] < 0.15
    assert error["boosting"] < 0.9 * error["linear"]


@pytest.mark.parametrize("learner", LEARNERS)
def test_every_learner_comes_back_from_disk_to_the_last_bit(valley, learner, tmp_path):
    model, text = valley[learner], HEAD.format(until=0.0, horizon=24.0) + EXACT
    files = artifact.encode(model, text, {"model_facts.json": "{}"})
    version = artifact.version_of("tiny", files)
    folder, _ = artifact.save(tmp_path, version, files, created=datetime(2026, 1, 10, tzinfo=UTC), about={})
    loaded, people = artifact.load(folder).predictor, no_visits(np.linspace(-3, 3, 20))
    for predict in ("predict", "predict_draws"):
        before, after = (getattr(each, predict)(people, np.zeros(20)).incidence for each in (model, loaded))
        np.testing.assert_array_equal(before, after)


def test_what_is_published_competes_only_where_few_events_could_gainsay_it(trained):
    study, ended = trained.cohort.study, trained.cohort.outcomes
    order = np.argsort(~np.isin(ended.cause, study.targets), kind="stable")  # whoever recurs first
    few, many = order[: PUBLISHED_BELOW - 1], np.repeat(order[:1], PUBLISHED_BELOW)
    assert learners_for(study, ended.select(few)) == LEARNERS
    assert learners_for(study, ended.select(many)) == LEARNERS[1:]
    assert learners_for(study.without_priors(), ended.select(few)) == LEARNERS[1:]


def test_the_published_alone_is_what_the_study_says_with_the_cohorts_number_of_events(trained):
    patients = trained.cohort.study, trained.cohort.histories, trained.cohort.outcomes
    published, fits = fit_predictor(*patients, seed=1, learner="published")
    now = np.zeros(len(trained.cohort))
    alone = prior_alone(*patients, seed=1).predict(trained.cohort.histories, now).incidence
    np.testing.assert_array_equal(published.predict(trained.cohort.histories, now).incidence, alone)
    assert [fit.n_events for fit in fits] == [(trained.cohort.outcomes.cause == k).sum() for k in range(1, 5)]


@pytest.mark.parametrize(("ahead", "chosen"), [(0.09, "linear"), (0.11, "splines")])
def test_the_simplest_within_a_standard_error_of_the_best_is_chosen(ahead, chosen):
    # Differences of +-1 in 101 patients: a standard error of 0.1.
    luck = np.append(np.tile([1.0, -1.0], 50), 0.0)
    likelihood = {"linear": np.zeros(101), "splines": luck + ahead, "boosting": luck - 1.0}
    best, table = choose(likelihood, dict.fromkeys(likelihood, 3))
    assert best == chosen
    assert [row["difference_to_best"]["value"] for row in table] == pytest.approx([-ahead, 0.0, -1.0 - ahead])
