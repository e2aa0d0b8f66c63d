import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from model.audit.baselines import _fit_cox, _incidence, everyone_alike, landmark_cox
from model.audit.nonparametric import aalen_johansen


def drawn(rng, n=3000):
    """Two causes with constant hazards; a binary feature doubles the first one; censoring at random and at 40."""
    x = (rng.random(n) < 0.5).astype(float)
    first, second = rng.exponential(1 / (0.01 * 2**x)), rng.exponential(1 / 0.008, n)
    censored = np.minimum(rng.exponential(100, n), 40.0)
    months = np.minimum(np.minimum(first, second), censored)
    return x, months, np.where(months == censored, 0, np.where(first < second, 1, 2))


def test_everyone_alike_is_aalen_johansen(rng):
    _, months, cause = drawn(rng, 200)
    alike = everyone_alike(months, cause, n_causes=2, horizon_months=(12.0, 24.0))
    assert alike.shape == (2, 2)
    assert alike[1, 0] == aalen_johansen(months, cause, of_cause=2).at(12.0)


def test_cox_finds_the_incidence_that_the_hazards_imply(rng):
    x, months, cause = drawn(rng)
    useless = np.full((len(x), 1), 3.0)
    new = np.array([[0.0, 3.0], [1.0, 3.0]])
    found = landmark_cox(np.column_stack([x, useless]), months, cause, new, n_causes=2, horizon_months=(12.0, 24.0))
    horizon = np.array([12.0, 24.0])
    for row, hazard in enumerate((0.01, 0.02)):
        total = hazard + 0.008
        first = hazard / total * -np.expm1(-total * horizon)
        assert found[row, 0] == pytest.approx(first, rel=0.12)
        assert found[row, 1] == pytest.approx(0.008 / hazard * first, rel=0.12)


def test_cox_without_a_feature_that_varies_gives_everyone_the_same(rng):
    # Breslow's estimate is Nelson-Aalen then, and the incidence Aalen-Johansen up to exp(-x) for 1 - x at each step.
    _, months, cause = drawn(rng, 500)
    found = landmark_cox(np.ones((500, 2)), months, cause, np.ones((3, 2)), n_causes=2, horizon_months=(12.0, 24.0))
    alike = everyone_alike(months, cause, n_causes=2, horizon_months=(12.0, 24.0))
    assert found == pytest.approx(np.broadcast_to(alike, found.shape), rel=2e-3)


def test_a_cause_that_nobody_had_is_not_predicted(rng):
    x, months, cause = drawn(rng, 200)
    found = landmark_cox(x[:, None], months, cause, np.zeros((1, 1)), n_causes=3, horizon_months=(12.0,))
    assert found[0, 2] == 0


def test_a_column_that_hardly_varies_at_the_landmark_gets_no_huge_effect(rng):
    # Nearly everybody has 0 and one patient 0.01, as a trend may look early on; a new patient may well have 3.
    x, months, cause = drawn(rng, 500)
    hardly = np.where(np.arange(500) == np.flatnonzero(cause == 1)[0], 0.01, 0.0)
    new = np.array([[0.0, 3.0], [0.0, 0.0]])
    found = landmark_cox(np.column_stack([x, hardly]), months, cause, new, n_causes=2, horizon_months=(24.0,))
    assert found[0, 0, 0] == pytest.approx(found[1, 0, 0], rel=0.2)


def test_leaving_between_two_events_is_leaving_at_the_earlier_one(rng):
    # What makes the fit fast changes nothing. The other road: lifelines on the dates as they are, patient by patient.
    x, months, cause = drawn(rng, 400)
    event, moment = cause == 1, np.unique(months[cause == 1])
    table = pd.DataFrame({"x": x, "months": months, "event": event})
    plain = CoxPHFitter(penalizer=1 / (400 * x.var(ddof=1))).fit(table, "months", "event", batch_mode=False)
    effect, rise = _fit_cox(x[:, None], months, event, moment)
    assert effect == pytest.approx(plain.params_.to_numpy(), rel=1e-5)
    hazard = plain.baseline_cumulative_hazard_.iloc[:, 0].loc[moment].to_numpy()
    assert np.cumsum(rise) == pytest.approx(hazard, rel=1e-5)


def test_incidence_of_all_causes_is_what_the_joint_hazard_leaves(rng):
    ratio, rise = rng.lognormal(size=(6, 2)), rng.random((2, 30)) / 50
    both = _incidence(ratio, rise, np.ones((30, 1)))
    assert both.sum(axis=(1, 2)) == pytest.approx(-np.expm1(-(ratio @ rise).sum(axis=1)))


def test_cox_does_not_depend_on_how_many_are_predicted_at_once(rng):
    x, months, cause = drawn(rng, 300)
    new = rng.random((1100, 1))
    choices = {"n_causes": 2, "horizon_months": (12.0, 24.0)}
    whole = landmark_cox(x[:, None], months, cause, new, **choices)
    parts = [landmark_cox(x[:, None], months, cause, part, **choices) for part in (new[:7], new[7:])]
    assert whole == pytest.approx(np.concatenate(parts), rel=1e-12)
