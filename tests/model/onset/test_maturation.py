import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.onset.grid import TimeGrid
from model.onset.growth import Growth
from model.onset.incidence import cumulative_incidence
from model.onset.maturation import delayed, forecast_onsets, onsets_of_the_begun

GRID = TimeGrid(np.array([0.0, 6.0, 12.0]), 60.0)  # onset bins of one month, risk steps of one month
STEP = np.diff(GRID.risk_month)
AT_ONCE = Growth(0.0, np.ones(1), np.ones(1))
TWO_PACES = Growth(6.0, np.array([0.5, 2.0]), np.array([0.25, 0.75]))  # delays of 12 and 3 months
HAZARDS = arrays(float, (2, 3, 60), elements=st.floats(0.0, 0.3))
ODDS = arrays(float, (2, 3), elements=st.floats(0.0, 50.0))


def test_without_a_lead_a_beginning_is_an_onset():
    assert delayed(GRID, AT_ONCE) == pytest.approx(np.eye(61))
    begun, width = np.full((1, 1, 72), 0.01), np.full((1, 72), 1.0)
    past = onsets_of_the_begun(begun, width, np.array([72.0]), GRID, AT_ONCE)
    assert past == pytest.approx(np.full((1, 61), 0.72))


def test_what_will_begin_is_an_onset_one_delay_later():
    # All begins at once, at month 10: a quarter is an onset 12 months later, the rest 3 months later.
    cumulative = (GRID.risk_month >= 10).astype(float)
    onset = delayed(GRID, TWO_PACES) @ cumulative
    assert onset[[9, 12, 13, 21, 22, 60]] == pytest.approx([0.0, 0.0, 0.75, 0.75, 1.0, 1.0])


def test_what_has_begun_is_an_onset_one_delay_later():
    # Begun between 7 and 8, seen from month 8: the fast are onsets between 10 and 11, the slow between 19 and 20.
    begun = np.zeros((1, 2, 72))
    begun[0, :, 7] = [0.1, 0.3]
    width = np.clip(8.0 - GRID.onset_edge[:-1], 0.0, 1.0)[None]
    past = onsets_of_the_begun(begun, width, np.array([8.0]), GRID, TWO_PACES)[0]
    # Risk months count from 8: month 2 is 10, month 3 is 11, months 11 and 12 are 19 and 20.
    assert past[[0, 2, 3, 11, 12, 60]] == pytest.approx([0.0, 0.0, 0.3, 0.3, 0.4, 0.4])


def test_a_bin_that_is_cut_now_is_full_now():
    begun = np.zeros((1, 1, 72))
    begun[0, 0, 7] = 0.2
    width = np.clip(7.4 - GRID.onset_edge[:-1], 0.0, 1.0)[None]
    past = onsets_of_the_begun(begun, width, np.array([7.4]), GRID, AT_ONCE)
    assert past[0, 0] == pytest.approx(0.2)


@given(HAZARDS, ODDS)
def test_probabilities_stay_probabilities(hazard, odds):
    # Two causes found by tests, one of them delayed, and an exact one.
    odds = odds * [1.0, 1.0, 0.0]
    matured = odds[..., None] * np.linspace(0.2, 1.0, 61)
    delay = np.stack([delayed(GRID, AT_ONCE), delayed(GRID, TWO_PACES), np.zeros((61, 61))])
    unseen, incidence = forecast_onsets(hazard, matured, odds, delay, STEP)
    assert (np.diff(incidence, axis=-1) >= -1e-9).all()
    assert incidence[..., 0] == pytest.approx(unseen, abs=1e-12)
    assert incidence.min() >= -1e-12
    assert incidence.sum(axis=1).max() <= 1 + 1e-9


def test_without_lead_and_past_it_is_the_plain_incidence(rng):
    # Two roads: onsets as hazards of their own, or the competing causes' incidence as it always was.
    hazard = rng.uniform(0.0, 0.05, (4, 3, 60))
    delay = np.stack([np.eye(61), np.eye(61), np.zeros((61, 61))])
    nothing = np.zeros((4, 3, 61))
    _, incidence = forecast_onsets(hazard, nothing, np.zeros((4, 3)), delay, STEP)
    assert incidence == pytest.approx(cumulative_incidence(hazard, STEP), abs=1e-9)


def test_an_exact_cause_takes_nobody_who_is_past_onset():
    # Present now with probability 0.2 (odds 0.25); death at hazard 0.01 acts on the other 0.8.
    hazard = np.stack([np.zeros(60), np.full(60, 0.01)])[None]
    matured = np.stack([np.full(61, 0.25), np.zeros(61)])[None]
    delay = np.stack([np.eye(61), np.zeros((61, 61))])
    unseen, incidence = forecast_onsets(hazard, matured, np.array([[0.25, 0.0]]), delay, STEP)
    assert unseen == pytest.approx(np.array([[0.2, 0.0]]))
    assert incidence[0, 1, -1] == pytest.approx(0.8 * (1 - np.exp(-0.6)))
