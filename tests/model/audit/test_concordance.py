import numpy as np
import pytest

from model.audit import concordance as module
from model.audit.concordance import Pairs
from model.audit.nonparametric import censoring_survival
from tests.model.audit.threecity import predicted_and_happened, reference


def pair_by_pair(predicted, months, cause, count, horizon):
    """Every pair on its own, by the definition."""
    uncensored = censoring_survival(months, cause, count)
    won = met = 0.0
    for i in np.flatnonzero((cause == 1) & (months <= horizon)):
        for j in range(len(months)):
            if months[j] > months[i]:
                weight = 1 / (uncensored.just_before(months[i]) * uncensored.at(months[i]))
            elif cause[j] == 2:
                weight = 1 / (uncensored.just_before(months[i]) * uncensored.just_before(months[j]))
            else:
                continue
            pair = count[i] * count[j] * weight
            met += pair
            won += pair * ((predicted[i] > predicted[j]) + 0.5 * (predicted[i] == predicted[j]))
    return won / met


def test_by_hand():
    # Nobody is censored. The case at 1 (risk .5) meets all three others: beats .2, ties .5, loses to .9. The case at 3
    # (.9) meets the one beyond it (.5) and the one who died at 2 (.2), and beats both: (1 + .5 + 2) / 5.
    months, cause = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 2, 1, 2])
    predicted, once = np.array([0.5, 0.2, 0.9, 0.5]), np.ones((1, 4))
    pairs = Pairs(months, cause, once, 1, 3.0, censoring_survival(months, cause, once))
    assert pairs.concordance(predicted) == pytest.approx([3.5 / 5])


def test_it_is_what_counting_every_pair_gives(rng, monkeypatch):
    monkeypatch.setattr(module, "CASES_AT_ONCE", 7)
    n = 90
    months, cause = rng.integers(1, 9, n).astype(float), rng.integers(0, 3, n)
    predicted = rng.integers(0, 12, n) / 12.0
    count = np.concatenate([np.ones((1, n)), rng.multinomial(n, np.full(n, 1 / n), size=3).astype(float)])
    pairs = Pairs(months, cause, count, 1, 6.0, censoring_survival(months, cause, count))
    found = pairs.concordance(predicted)
    assert found == pytest.approx([pair_by_pair(predicted, months, cause, each, 6.0) for each in count], rel=1e-9)


def test_order_by_the_true_moment_is_perfect_and_no_case_has_no_concordance(rng):
    months, once = rng.permutation(np.arange(1.0, 41.0)), np.ones((1, 40))
    cause = np.ones(40, dtype=int)
    pairs = Pairs(months, cause, once, 1, 30.0, censoring_survival(months, cause, once))
    assert pairs.concordance(-months) == pytest.approx([1])
    nobody = Pairs(months, 0 * cause, once, 1, 30.0, pairs.censoring)
    assert np.isnan(nobody.concordance(months))


def test_published_predictions_score_as_in_other_software():
    predicted, months, cause = predicted_and_happened()
    once = np.ones((1, len(months)))
    pairs = Pairs(months, cause, once, 1, 60.0, censoring_survival(months, cause, once))
    assert pairs.concordance(predicted) == [reference("concordance")]
