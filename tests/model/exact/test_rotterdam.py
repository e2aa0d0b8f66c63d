import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from sklearn.linear_model import PoissonRegressor

from model.features import at_landmark
from model.learning.fitting import fit_predictor
from tests.model.exact.rotterdam import COEFFICIENTS, DEATH, RECURRENCE, closed, read, vague_study

CAUSES = pytest.mark.parametrize("cause", [RECURRENCE, DEATH])


@pytest.fixture(scope="module")
def design():
    """Covariates, (n, 10), and the outcomes up to the horizon."""
    histories, outcomes = read()
    n = len(histories)
    features = at_landmark(vague_study(), histories, np.arange(n), np.zeros(n))
    return features[:, : len(COEFFICIENTS)], closed(outcomes)


@pytest.fixture(scope="module")
def cox(design):
    """Log hazard ratios and their standard errors by lifelines, by cause."""
    features, ended = design
    found = {}
    for cause in (RECURRENCE, DEATH):
        table = pd.DataFrame(features, columns=COEFFICIENTS).assign(months=ended.exit_month, event=ended.cause == cause)
        fit = CoxPHFitter().fit(table, "months", "event", fit_options={"precision": 1e-9})
        found[cause] = fit.params_.to_numpy(), fit.standard_errors_.to_numpy()
    return found


def effects(predictor, cause):
    """Log hazard ratios per unit of the covariates."""
    kept = slice(len(COEFFICIENTS))
    return predictor.causes[cause - 1].hazard.best.steady[kept] / predictor.scaling.scale[kept]


def agree(ours, theirs, error):
    """Within two percent; of an effect that is 0 but for chance, within two percent of its standard error."""
    return (np.abs(ours - theirs) <= 0.02 * np.maximum(np.abs(theirs), error)).all()


@pytest.fixture(scope="module")
def ours():
    return fit_predictor(vague_study(), *read(), seed=1)[0]


def test_the_cohort_is_the_published_one(design):
    features, ended = design
    _, whole = read()
    assert features.shape == (2982, 10)
    assert np.bincount(whole.cause).tolist() == [1312, 1518, 152]
    assert np.bincount(ended.cause).tolist()[1:] == [1477, 135]


@CAUSES
def test_every_effect_is_that_of_cox_within_two_percent(ours, cox, cause):
    theirs, _ = cox[cause]
    assert effects(ours, cause) == pytest.approx(theirs, rel=0.02)


@CAUSES
def test_what_the_steps_cost_is_less_than_a_fortieth_of_a_standard_error(ours, cox, cause):
    # A hazard that is constant within two months is not quite Cox's, whoever fits it: see the next test.
    theirs, error = cox[cause]
    assert (np.abs(effects(ours, cause) - theirs) <= error / 40).all()


@CAUSES
def test_the_steps_give_what_a_piecewise_exponential_fit_of_them_gives(ours, design, cause):
    # Another road: split the rows at the edges, and let scikit-learn fit rates with one level per bin.
    features, ended = design
    start, end = ours.grid.hazard_edge[:-1], ours.grid.hazard_edge[1:]
    passed = ended.exit_month[:, None]
    events = (ended.cause == cause)[:, None] & (passed > start) & (passed <= end)
    patient, level = np.nonzero(passed > start)
    months = np.minimum(passed, end)[patient, level] - start[level]
    split = np.column_stack([np.eye(len(start))[level], ((features - features.mean(0)) / features.std(0))[patient]])
    peer = PoissonRegressor(alpha=0, fit_intercept=False, solver="newton-cholesky", tol=1e-9)
    peer.fit(split, events[patient, level] / months, sample_weight=months)
    information = (split * (months * peer.predict(split))[:, None]).T @ split
    theirs, error = (
        each[len(start) :] / features.std(0) for each in (peer.coef_, np.linalg.inv(information).diagonal() ** 0.5)
    )
    assert agree(effects(ours, cause), theirs, error)
