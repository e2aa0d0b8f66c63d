import numpy as np
import pytest

from model.audit.risk_groups import risk_groups


def test_groups_expect_about_the_same_number_of_events(rng):
    predicted = rng.random(1000) ** 4
    group = risk_groups(predicted, 5)
    expected = np.bincount(group, predicted)
    assert expected == pytest.approx(np.full(5, predicted.sum() / 5), abs=predicted.max())
    assert predicted[group == 0].max() < predicted[group == 1].min()


def test_equal_predictions_stay_together():
    group = risk_groups(np.array([0.1, 0.5, 0.1, 0.1, 0.5, 0.1]), 3)
    assert group.tolist() == [0, 1, 0, 0, 1, 0]
    assert risk_groups(np.full(7, 0.2), 4).tolist() == [0] * 7
