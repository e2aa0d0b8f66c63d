"""Trap: the clock restarted at the last visit, so that every clean visit makes a patient look freshly operated."""

from dataclasses import replace

import numpy as np
import pytest

from model.learning.fitting import fit_predictor
from model.types import Histories
from tests.model.builders import exact_study, outcomes


def visited(month):
    """One patient of `exact_study` with one visit at which nothing was measured."""
    return Histories(np.zeros((1, 1)), np.array([[month]]), np.zeros((1, 1, 0)), np.zeros((1, 1, 0), np.int8))


@pytest.fixture(scope="module")
def falling():
    """Hazard 0.15 / (1 + t / 3) a month, t months after the resection; a visit every other month."""
    rng = np.random.default_rng(6)
    leaves = np.minimum(3 * np.expm1(rng.exponential(1 / 0.45, 8000)), 60.0)
    visit = np.broadcast_to(np.arange(2.0, 61.0, 2.0), (8000, 30))
    visit = np.where(visit < leaves[:, None], visit, np.inf)
    nothing = Histories(np.zeros((8000, 1)), visit, np.zeros((8000, 30, 0)), np.zeros((8000, 30, 0), np.int8))
    return fit_predictor(exact_study(), nothing, outcomes(leaves, leaves < 60), seed=1)[0]


def test_two_years_after_the_resection_the_hazard_is_that_of_the_third_year(falling):
    # Over six months from 24 on: 0.45 log(11 / 9) = 0.09, whenever the last visit was. On a clock that starts at the
    # last visit it would be 0.45 log(3) = 0.49, as after a resection. The model's clock has another form.
    for last in (2.0, 23.9):
        risk = falling.predict(visited(last), np.array([24.0])).at(6.0)[0, 0]
        assert -np.log1p(-risk) == pytest.approx(0.45 * np.log(11 / 9), rel=0.25)
    at_start = falling.predict(visited(60.0), np.zeros(1)).at(6.0)[0, 0]
    assert -np.log1p(-at_start) == pytest.approx(0.45 * np.log(3), rel=0.1)


def test_a_visit_at_which_nothing_was_measured_moves_nothing(falling):
    one, other = (falling.predict(visited(last), np.array([12.0])) for last in (0.5, 12.0))
    assert (one.incidence == other.incidence).all()


def test_a_forecast_counts_from_the_moment_that_was_asked_about(predictor, cohort):
    # A clean visit one day earlier or later is nearly the same knowledge, at the same moment, on the same clock.
    histories, ended = cohort
    one = histories.select(np.flatnonzero(ended.exit_month > 24.0)[:1])
    shifted = replace(one, visit_month=one.visit_month + 1 / 30)
    before, after = (predictor.predict(each, np.array([20.0])).at(12.0) for each in (one, shifted))
    assert before == pytest.approx(after, rel=0.02)
