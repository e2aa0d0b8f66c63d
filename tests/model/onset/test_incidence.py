import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.onset.incidence import cumulative_incidence, share_unseen, with_unseen

HAZARDS = arrays(float, (2, 3, 5), elements=st.floats(0.0, 2.0))
ODDS = arrays(float, (2, 3), elements=st.floats(0.0, 50.0))


def test_constant_hazards_have_their_closed_form():
    # F_k(t) = h_k / h (1 - e^(-h t)).
    hazard = np.array([0.01, 0.03])[:, None] * np.ones(8)
    incidence = cumulative_incidence(hazard, np.full(8, 3.0))
    whole = 1 - np.exp(-0.04 * 3.0 * np.arange(9))
    assert incidence[0] == pytest.approx(0.25 * whole)
    assert incidence[1] == pytest.approx(0.75 * whole)


@given(HAZARDS, ODDS)
def test_probabilities_stay_probabilities(hazard, odds):
    step = np.array([1.0, 2.0, 1.0, 4.0, 0.5])
    unseen = share_unseen(odds)
    incidence = with_unseen(cumulative_incidence(hazard, step), unseen)
    alive = (1 - unseen.sum(axis=1)) * np.exp(-(hazard.sum(axis=1) @ step))
    assert incidence[..., -1].sum(axis=1) + alive == pytest.approx(1.0, abs=1e-9)
    assert (np.diff(incidence, axis=-1) >= -1e-12).all()
    assert incidence[..., 0] == pytest.approx(unseen)
    assert incidence.min() >= 0
    assert incidence.max() <= 1 + 1e-9


def test_one_cause_present_is_its_odds_alone():
    assert share_unseen(np.array([[0.25, 0.0]])) == pytest.approx(np.array([[0.2, 0.0]]))
