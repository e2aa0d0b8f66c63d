"""Trap: weighing an event at t by 1/G(t), which counts those censored at t as lost to an event they had outlived."""

import numpy as np
import pytest

from model.audit.nonparametric import aalen_johansen, censoring_survival
from model.audit.weights import ipc_weights


def test_an_event_is_weighed_by_who_is_uncensored_just_before_it(rng):
    # Whole months, so that events and censorings tie. With 1/G(t-) the weights sum to everybody and give back
    # Aalen-Johansen; with 1/G(t) they sum to more.
    months, cause = rng.integers(1, 12, 300).astype(float), rng.integers(0, 3, 300)
    censoring = censoring_survival(months, cause)
    weight = ipc_weights(months, cause, horizon_months=8.0, censoring=censoring)
    event = (cause > 0) & (months <= 8)
    assert weight[event] == pytest.approx(1 / censoring.just_before(months[event]))
    assert weight.sum() == pytest.approx(300)
    assert weight[event & (cause == 1)].sum() / 300 == pytest.approx(aalen_johansen(months, cause, of_cause=1).at(8.0))
    wrong = np.where(event, 1 / censoring.at(np.where(event, months, 0.0)), weight)
    assert wrong.sum() > 301
