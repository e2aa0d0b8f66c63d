"""Trap: an unknown value dropped inside a sum or an integral, so that too little is taken for the whole."""

import numpy as np
import pytest

from model.audit.metrics import brier_score, observed_over_expected
from model.learning.fitting import fit_predictor
from model.onset.incidence import cumulative_incidence
from tests.model.builders import exact_study, no_visits, outcomes


def test_an_unknown_hazard_leaves_everything_after_it_unknown():
    # Skipped, the integral would be a third too small and look like any other number.
    hazard = np.full((2, 6), 0.02)
    hazard[0, 2] = np.nan
    incidence = cumulative_incidence(hazard, np.full(6, 2.0))
    assert np.isfinite(incidence[:, :3]).all()
    assert np.isnan(incidence[:, 3:]).all()


def test_a_prediction_that_is_missing_is_no_score_rather_than_a_score_of_the_rest():
    case, weight = np.array([True, False, False]), np.ones(3)
    predicted = np.array([0.9, np.nan, 0.1])
    assert np.isnan(brier_score(predicted, case, weight))
    assert np.isnan(observed_over_expected(predicted, np.asarray(1 / 3), np.ones(3)))


def test_patients_of_whom_nothing_is_known_count_with_all_their_months_and_events(rng):
    # Half of the patients have a blank. Left out, or their months left out, the hazard would not be 0.02 for both.
    leaves = np.minimum(rng.exponential(50.0, 6000), 60.0)
    x = np.where(np.arange(6000) % 2 == 0, rng.standard_normal(6000), np.nan)
    predictor, fits = fit_predictor(exact_study(until=6.0), no_visits(x), outcomes(leaves, leaves < 60), seed=1)
    assert fits[0].n_events == (leaves <= 30).sum()  # the last landmark, 6, and its horizon, 24
    risk = predictor.predict(no_visits(np.array([0.0, np.nan])), np.zeros(2)).at(24.0)[:, 0]
    assert -np.log1p(-risk) == pytest.approx([0.48, 0.48], rel=0.06)


def test_a_patient_of_whom_nothing_is_known_has_an_answer(predictor, cohort):
    histories, _ = cohort
    one = histories.select(np.array([3]))
    one.baseline[:] = np.nan
    one.marker[:] = np.nan
    forecast = predictor.predict(one, np.array([6.0]))
    assert np.isfinite(forecast.incidence).all()
    assert (forecast.at(12.0) > 0).all()
