import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from model.audit.calibration import climb, intercept_and_slope
from model.audit.nonparametric import censoring_survival
from model.audit.resampling import patient_weights
from model.audit.smooth_calibration import smooth_calibration
from model.audit.weights import ipc_weights
from tests.model.audit.threecity import predicted_and_happened, reference


def judged(predicted, months, cause, count, horizon):
    """All five numbers under each row of counts."""
    censoring = censoring_survival(months, cause, count)
    weight = count * ipc_weights(months, cause, horizon_months=horizon, censoring=censoring)
    intercept, slope = intercept_and_slope(predicted, (cause == 1) & (months <= horizon), weight)
    curve = smooth_calibration(predicted, months, cause, count, of_cause=1, horizon_months=horizon, censoring=censoring)
    return {"intercept": intercept, "slope": slope, "ici": curve.ici, "e50": curve.e50, "e90": curve.e90}


@pytest.mark.parametrize("figure", ["intercept", "slope", "ici", "e50", "e90"])
def test_published_predictions_are_calibrated_as_in_other_software(figure):
    predicted, months, cause = predicted_and_happened()
    assert judged(predicted, months, cause, np.ones((2, 2000)), 60.0)[figure][0] == reference(figure)


def test_one_newton_step_is_nearly_what_fitting_the_drawn_patients_gives():
    # Twelve draws: their spread by one step and by fitting anew must agree far better than they spread.
    predicted, months, cause = predicted_and_happened()
    count = patient_weights(2000, seed=3)[:13]
    quick = judged(predicted, months, cause, count, 60.0)
    drawn = [np.repeat(np.arange(2000), each.astype(int)) for each in count[1:]]
    anew = [judged(predicted[who], months[who], cause[who], np.ones((2, len(who))), 60.0) for who in drawn]
    for figure, values in quick.items():
        fitted = np.array([each[figure][0] for each in anew])
        assert np.abs(values[1:] - fitted).mean() < 0.35 * fitted.std(), figure


def test_predictions_that_are_right_have_intercept_zero_slope_one_and_no_distance(rng):
    n = 20000
    predicted = rng.beta(1.0, 6.0, n)
    months = -np.log(rng.random(n)) / (-np.log1p(-predicted) / 24.0)
    cause, months = np.where(months < 24.5, 1, 0), np.minimum(months, 24.5)
    found = {key: value[0] for key, value in judged(predicted, months, cause, np.ones((2, n)), 24.0).items()}
    assert found["intercept"] == pytest.approx(0, abs=0.06)
    assert found["slope"] == pytest.approx(1, abs=0.05)
    assert found["ici"] < 0.006


def test_predictions_twice_as_extreme_have_half_the_slope(rng):
    right = rng.beta(2.0, 6.0, 4000)
    logit = np.log(right / (1 - right))
    case, weight = rng.random(4000) < right, np.ones((2, 4000))
    _, slope = intercept_and_slope(right, case, weight)
    _, halved = intercept_and_slope(1 / (1 + np.exp(-2 * logit)), case, weight)
    assert halved == pytest.approx(slope / 2)
    # The other road to the slope.
    other = LogisticRegression(C=np.inf, tol=1e-10).fit(logit[:, None], case)
    assert slope[0] == pytest.approx(other.coef_[0, 0], rel=1e-4)


@pytest.mark.parametrize("predicted", [np.repeat([0.0, 0.3], 30), np.repeat([1.0, 0.3], 30)])
def test_what_cannot_be_fitted_is_no_number(predicted, rng):
    found = judged(predicted, rng.uniform(1, 30, 60), rng.integers(0, 3, 60), np.ones((3, 60)), 12.0)
    assert all(np.isnan(value).all() and len(value) == 3 for value in found.values())


def test_one_prediction_for_everyone_has_an_intercept_and_nothing_else(rng):
    # 12 of 60 where 6 were predicted: logit 0.2 - logit 0.1 = ln(9 / 4).
    months, cause = np.where(np.arange(60) < 12, 6.0, 20.0), (np.arange(60) < 12).astype(int)
    found = judged(np.full(60, 0.1), months, cause, np.ones((2, 60)), 12.0)
    assert found.pop("intercept") == pytest.approx(np.log(9 / 4))
    assert all(np.isnan(value).all() for value in found.values())


def test_nobody_climbs_a_hill_without_a_top():
    # 1 - exp(-x) only rises, with Newton steps of 1 for ever; a parabola is climbed at once.
    assert climb(np.zeros(1), lambda x: (float(1 - np.exp(-x[0])), np.ones((1, 1)))) is None
    assert climb(np.zeros(1), lambda x: (float(-((x[0] - 0.5) ** 2)), (0.5 - x)[None])) == pytest.approx([0.5])
