import numpy as np
import pytest

from model.onset.incidence import cumulative_incidence


def test_constant_hazards_have_their_closed_form():
    # F_k(t) = h_k / h (1 - e^(-h t)).
    hazard = np.array([0.01, 0.03])[:, None] * np.ones(8)
    incidence = cumulative_incidence(hazard, np.full(8, 3.0))
    whole = 1 - np.exp(-0.04 * 3.0 * np.arange(9))
    assert incidence[0] == pytest.approx(0.25 * whole)
    assert incidence[1] == pytest.approx(0.75 * whole)
