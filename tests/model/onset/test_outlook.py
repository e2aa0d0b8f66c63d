"""Causes followed to their onset: a curve by hand, invariants, and markers that all causes explain together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.onset.grid import TimeGrid
from model.onset.growth import Growth
from model.onset.maturation import compete
from model.onset.observation import PacedLikelihood
from model.onset.outlook import Begun, Moment, begun_by_cause, outlook
from model.onset.presence import Readings

GRID = TimeGrid(np.array([0.0, 6.0, 12.0]), 60.0)  # onset bins of one month, risk steps of one month
STEP = np.diff(GRID.risk_month)
AT_ONCE = Growth(0.0, np.ones((1, 1)), np.ones(1))
TWO_PACES = Growth(6.0, np.array([[0.5, 2.0]]), np.array([0.25, 0.75]))  # delays of 12 and 3 months
NOW = 30
N_BINS = len(GRID.onset_edge) - 1
MOMENT = Moment(
    np.array([float(NOW)]),
    np.zeros((1, 0)),
    np.zeros((1, 3), dtype=np.int64),
    np.zeros(0, dtype=np.int64),
    GRID,
    Readings(np.zeros((1, 3)), np.array([-np.inf])),
)
HAZARDS = arrays(float, (3, 60), elements=st.floats(0.0, 0.3))
ODDS = arrays(float, 2, elements=st.floats(0.0, 50.0))
FACTORS = arrays(float, 2, elements=st.floats(0.01, 50.0))


def begun(growth, odds_in_bin, factor=1.0):
    """One patient in month 30; odds by (pace, bin), and by what markers multiply them."""
    width = np.clip(NOW - GRID.onset_edge[:-1], 0.0, 1.0)[None]
    odds = np.zeros((1, len(growth.share), N_BINS))
    for (pace, bin_), value in odds_in_bin.items():
        odds[0, pace, bin_] = value
    results = PacedLikelihood(width, np.ones_like(odds), np.ones(1), growth)
    return Begun(odds, odds * factor, results, growth.share[None])


def test_onsets_are_those_of_the_begun_and_of_the_not_yet_begun():
    # Odds 0.25 of having begun, half of it an onset already, half between months 37 and 38; beginnings at hazard 0.01,
    # onsets 3 or 12 months later.
    cause = begun(TWO_PACES, {(1, 20): 0.125, (0, 25): 0.125})
    (curve,), free = outlook([cause], [np.full((1, 60), 0.01)], MOMENT)
    assert curve[0, 0] == pytest.approx(0.1)
    assert curve[0, 8] == pytest.approx(0.8 * (0.25 + 0.75 * (1 - np.exp(-0.05))))
    assert curve[0, 30] == pytest.approx(0.8 * (0.25 + 0.75 * (1 - np.exp(-0.27)) + 0.25 * (1 - np.exp(-0.18))))
    assert free == pytest.approx(1.0 - curve)


@given(HAZARDS, ODDS, FACTORS)
def test_probabilities_stay_probabilities(hazard, odds, factor):
    # Two causes found by tests, one of them delayed, and an exact one.
    causes = [begun(AT_ONCE, {(0, 10): odds[0]}, factor[0]), begun(TWO_PACES, {(0, 25): odds[1]}, factor[1])]
    curves, free = outlook(causes, [hazard[[0]], hazard[[1]]], MOMENT)
    unseen, incidence = compete(np.concatenate(curves), free[0], hazard[2:], STEP)
    assert (np.diff(free) <= 1e-9).all()
    assert (np.diff(incidence, axis=-1) >= -1e-9).all()
    assert incidence[:, 0] == pytest.approx([*unseen, 0.0], abs=1e-12)
    assert incidence.min() >= -1e-12
    assert incidence.sum(axis=0).max() <= 1 + 1e-9


def test_where_markers_say_nothing_the_causes_are_independent():
    causes = [begun(AT_ONCE, {(0, 10): 0.5}), begun(TWO_PACES, {(0, 25): 0.2, (1, 3): 0.4})]
    curves, free = outlook(causes, [np.full((1, 60), 0.01), np.full((1, 60), 0.003)], MOMENT)
    assert free == pytest.approx((1.0 - curves[0]) * (1.0 - curves[1]))
    for cause, mass in zip(causes, begun_by_cause(causes), strict=True):
        assert mass == pytest.approx(cause.odds / (1.0 + cause.odds.sum()))


def test_a_high_marker_is_explained_once():
    # Two onsets that are there with odds 0.1 each, and a marker that is 20 times as likely with either or both:
    # nothing 1, one of them 2 each, both 0.2.
    causes = [begun(AT_ONCE, {(0, 10): 0.1}, 20.0) for _ in range(2)]
    curves, free = outlook(causes, [np.zeros((1, 60))] * 2, MOMENT)
    assert free[0, 0] == pytest.approx(1.0 / 5.2)
    assert [curve[0, 0] for curve in curves] == pytest.approx([2.2 / 5.2] * 2)
    assert [mass.sum() for mass in begun_by_cause(causes)] == pytest.approx([2.2 / 5.2] * 2)
