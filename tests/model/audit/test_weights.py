import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from model.audit.nonparametric import aalen_johansen, censoring_survival
from model.audit.weights import ipc_weights

# Whole months force ties, where conventions differ.
PATIENTS = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=40)


@given(patients=PATIENTS, horizon=st.integers(1, 8))
def test_the_followed_stand_for_the_censored(patients, horizon):
    # Whatever the ties and however often each patient counts: weights sum to n, and the weighted share of a cause's
    # events is its Aalen-Johansen estimate.
    months, cause, count = (np.array(column) for column in zip(*patients, strict=True))
    months, count = months.astype(float), count.astype(float)
    assume(count[months > horizon].sum() > 0)
    censoring = censoring_survival(months, cause, count)
    weight = count * ipc_weights(months, cause, horizon_months=horizon, censoring=censoring)
    assert weight.sum() == pytest.approx(count.sum())
    for k in (1, 2):
        share = weight[(cause == k) & (months <= horizon)].sum() / count.sum()
        assert share == pytest.approx(aalen_johansen(months, cause, of_cause=k, weight=count).at(horizon), abs=1e-12)


def test_weights_by_hand():
    # Censored at 1 after one event: G(1) = 3/4. The event at 1 counts once, who is followed longer counts 4/3.
    months, cause = np.array([1.0, 1.0, 2.0, 2.0, 3.0]), np.array([1, 0, 2, 1, 0])
    weight = ipc_weights(months, cause, horizon_months=2.0, censoring=censoring_survival(months, cause))
    assert weight == pytest.approx([1, 0, 4 / 3, 4 / 3, 4 / 3])
