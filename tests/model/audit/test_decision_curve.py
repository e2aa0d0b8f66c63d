import numpy as np
import pytest

from model.audit.decision_curve import net_benefit, net_benefit_of_all
from model.audit.judged import judge
from model.audit.metrics import observed_incidence
from model.audit.resampling import patient_weights


def judged(months, cause, count=None, horizon=6.0):
    count = np.ones((1, len(months))) if count is None else count
    return judge(np.asarray(months, dtype=float), np.asarray(cause), count, n_causes=1, horizon_months=horizon)[0]


def test_net_benefit_by_hand():
    # Acted on: four, of whom the exits are 1 (event), 2 (death), 3 (censored), 9. Aalen-Johansen at 6: 1/4.
    # 4/5 x (1/4 - 3/4 x 0.2 / 0.8) = 4/5 x 1/16 = 1/20.
    predicted = np.array([0.2, 0.3, 0.4, 0.9, 0.1])
    assert net_benefit(predicted, judged([1, 2, 3, 9, 1], [1, 2, 0, 0, 1]), threshold=0.2) == pytest.approx(0.05)


def test_without_censoring_it_is_true_positives_less_false_ones_at_their_price(rng):
    months, cause, predicted = rng.uniform(1, 12, 300), rng.integers(1, 3, 300), rng.random(300)
    case, acted = (cause == 1) & (months <= 6.0), predicted >= 0.3
    expected = (np.sum(acted & case) - np.sum(acted & ~case) * 0.3 / 0.7) / 300
    assert net_benefit(predicted, judged(months, cause), threshold=0.3) == pytest.approx(expected)


def test_a_model_that_acts_on_everybody_is_the_policy_that_does_in_every_draw(rng):
    # Two roads to one number: Aalen-Johansen and the weighted share of events, on tied whole months.
    everyone = judged(rng.integers(1, 12, 200), rng.integers(0, 3, 200), patient_weights(200, seed=1))
    observed = observed_incidence(everyone.case, everyone.weight)
    found = net_benefit(np.full(200, 0.1), everyone, threshold=0.1)
    assert found == pytest.approx(net_benefit_of_all(observed, threshold=0.1))
    assert net_benefit(np.full(200, 0.1), everyone, threshold=0.11).tolist() == [0.0] * 201


def test_nothing_is_said_of_those_whose_last_was_lost_before_the_horizon():
    # Among the acted-on the last leaves, censored, at 5; in the second row of counts he is not drawn.
    months, cause, predicted = [1, 2, 5, 9], [1, 2, 0, 0], np.array([0.5, 0.5, 0.5, 0.1])
    count = np.array([[1.0, 1, 1, 1], [2.0, 1, 0, 1]])
    found = net_benefit(predicted, judged(months, cause, count), threshold=0.5)
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(3 / 4 * (2 / 3 - 1 / 3))
