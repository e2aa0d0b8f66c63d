import numpy as np
import pytest

from examples.truth.missing import LEAST, _nothing_goes_together, log_likelihood
from model.onset.missing import JointNormal


def test_log_likelihood_by_hand():
    risk = np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0.0, 0.5, 0.0]])
    happened = np.array([[False, True, False], [False, False, False], [True, False, False]])
    assert log_likelihood(risk, happened) == pytest.approx(np.log([0.2, 0.4, LEAST]))


def test_under_the_first_rule_a_blank_takes_the_training_mean_whatever_else_is_known():
    scores = np.array([[1.0, 3.0], [2.0, 5.0], [np.nan, 1.0], [3.0, np.nan]])
    normal = _nothing_goes_together(JointNormal, scores)
    completed = normal.complete(np.array([[np.nan, 100.0], [-100.0, np.nan], [7.0, 8.0]]))
    assert completed == pytest.approx(np.array([[2.0, 100.0], [-100.0, 3.0], [7.0, 8.0]]))
