import numpy as np
import pytest

from model.audit.metrics import (
    brier_of_everyone_alike,
    brier_score,
    cumulative_dynamic_auc,
    observed_incidence,
    observed_over_expected,
    scaled_brier,
)
from model.audit.nonparametric import censoring_survival
from model.audit.weights import ipc_weights
from tests.model.audit.threecity import predicted_and_happened, reference


def test_brier_score_by_hand_with_ties():
    # Weights at 2 months (see test_weights): 1, 0, 4/3, 4/3, 4/3. Cases of cause 1: the first and the fourth.
    # 1 x 0.8^2 + 4/3 x (0.1^2 + 0.5^2 + 0.3^2) = 0.64 + 4/3 x 0.35; over five patients.
    months, cause = np.array([1.0, 1.0, 2.0, 2.0, 3.0]), np.array([1, 0, 2, 1, 0])
    weight = ipc_weights(months, cause, horizon_months=2.0, censoring=censoring_survival(months, cause))
    case = (cause == 1) & (months <= 2.0)
    predicted = np.array([0.2, 0.9, 0.1, 0.5, 0.3])
    assert brier_score(predicted, case, weight) == pytest.approx((0.64 + 4 / 3 * 0.35) / 5)
    # One number for everyone: Aalen-Johansen is 0.2 + 0.8 / 3 = 7/15, so 7/15 x 8/15.
    assert brier_of_everyone_alike(case, weight) == pytest.approx(56 / 225)


def test_one_number_for_everyone_scores_as_the_formula_says(rng):
    months, cause = rng.integers(1, 12, 300).astype(float), rng.integers(0, 3, 300)
    weight = ipc_weights(months, cause, horizon_months=6.0, censoring=censoring_survival(months, cause))
    case = (cause == 1) & (months <= 6.0)
    alike = np.full(300, observed_incidence(case, weight))
    assert brier_of_everyone_alike(case, weight) == pytest.approx(brier_score(alike, case, weight))
    assert scaled_brier(brier_score(alike, case, weight), brier_of_everyone_alike(case, weight)) == pytest.approx(0)
    assert observed_over_expected(alike, observed_incidence(case, weight), np.ones(300)) == pytest.approx(1)


def test_auc_is_what_counting_every_pair_gives(rng):
    case, weight = rng.random(120) < 0.3, rng.random((3, 120)) * (rng.random(120) < 0.8)
    predicted = rng.integers(0, 15, 120) / 15.0  # many ties
    beats = (predicted[:, None] > predicted) + 0.5 * (predicted[:, None] == predicted)
    for draw in weight:
        pair = np.outer(draw * case, draw * ~case)
        expected = (pair * beats).sum() / pair.sum()
        assert cumulative_dynamic_auc(predicted, case, draw) == pytest.approx(expected)
    assert cumulative_dynamic_auc(predicted, case, weight).shape == (3,)


def test_no_case_has_no_auc():
    assert np.isnan(cumulative_dynamic_auc(np.array([0.1, 0.2]), np.array([False, False]), np.ones(2)))


@pytest.mark.parametrize("metric", ["brier", "brier_null", "ipa", "auc", "observed", "expected", "oe"])
def test_published_predictions_score_as_in_other_software(metric):
    predicted, months, cause = predicted_and_happened()
    weight = ipc_weights(months, cause, horizon_months=60.0, censoring=censoring_survival(months, cause))
    case = (cause == 1) & (months <= 60.0)
    brier, brier_null = brier_score(predicted, case, weight), brier_of_everyone_alike(case, weight)
    found = {
        "brier": brier,
        "brier_null": brier_null,
        "ipa": scaled_brier(brier, brier_null),
        "auc": cumulative_dynamic_auc(predicted, case, weight),
        "observed": observed_incidence(case, weight),
        "expected": predicted.mean(),
        "oe": observed_over_expected(predicted, observed_incidence(case, weight), np.ones(2000)),
    }
    assert found[metric] == reference(metric)
    assert (len(case), case.sum(), ((cause == 0) & (months <= 60.0)).sum()) == (2000, 150, 650)
