"""Trap: lifelines' Cox baseline ignores late entry, and a landmark supermodel built on it understates every risk."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from model.audit.baselines import landmark_cox
from model.landmarks import LandmarkRows, at_risk
from model.learning.fitting import fit_predictor
from model.onset.expectation import exact_rows
from model.onset.grid import TimeGrid
from tests.model.builders import exact_study, no_visits, outcomes

HAZARD = 0.1


@pytest.fixture(scope="module")
def late():
    """Lives of constant hazard 0.1, seen only from a uniform entry on: (entry, exit), those who got that far."""
    rng = np.random.default_rng(1)
    entry, leaves = rng.uniform(0, 10, 6000), rng.exponential(1 / HAZARD, 6000)
    kept = leaves > entry
    return entry[kept], np.minimum(leaves[kept], 40.0)


def cumulative_by_lifelines(entry, leaves, month):
    """Baseline cumulative hazard at a month on the clock that entry is on."""
    table = pd.DataFrame({"x": np.arange(len(entry)) % 7.0, "entry": entry, "exit": leaves, "event": leaves < 40})
    curve = CoxPHFitter().fit(table, "exit", "event", entry_col="entry").baseline_cumulative_hazard_.iloc[:, 0]
    return curve[curve.index <= month].iloc[-1]


def test_lifelines_halves_the_hazard_of_late_entrants(late):
    # The trap itself, so that the tests below are known to be able to fail.
    assert cumulative_by_lifelines(*late, 10.0) == pytest.approx(0.54, abs=0.03)


def test_our_rows_of_the_same_late_entrants_give_the_hazard_they_were_drawn_with(late):
    # Events over months at risk in each bin past entry; over ten months they add up to 1.
    entry, leaves = late
    everyone = np.arange(len(entry))
    grid = TimeGrid.of(exact_study(), until=0.0)
    rows = LandmarkRows(everyone, np.zeros_like(everyone), entry)
    events, exposure = exact_rows(rows, grid, exit_month=leaves, happened=leaves < 40)
    rate = events.sum(axis=0) / exposure.sum(axis=0)
    width = np.diff(np.minimum(grid.hazard_edge, 10.0))
    assert rate @ width == pytest.approx(1.0, rel=0.03)


def test_a_supermodel_of_landmarks_keeps_the_hazard_where_lifelines_loses_it():
    rng = np.random.default_rng(2)
    leaves = np.minimum(rng.exponential(1 / HAZARD, 3000), 40.0)
    rows = at_risk(np.array([0.0, 6.0, 12.0, 18.0, 24.0]), leaves)
    stacked = cumulative_by_lifelines(rows.landmark_month, leaves[rows.patient], 10.0)
    assert stacked < 0.85  # each landmark's rows count as if they had been at risk since month 0
    nobody_special = no_visits(np.zeros(3000))
    predictor, _ = fit_predictor(exact_study(), nobody_special, outcomes(leaves, leaves < 40), seed=1)
    for landmark in (0.0, 12.0):
        risk = predictor.predict(nobody_special.select(np.arange(1)), np.array([landmark])).at(10.0)[0, 0]
        assert -np.log1p(-risk) == pytest.approx(1.0, rel=0.08)


def test_the_cox_baseline_of_the_audit_starts_every_row_at_0():
    rng = np.random.default_rng(3)
    months = np.minimum(rng.exponential(1 / HAZARD, 4000), 40.0)
    x = rng.standard_normal((4000, 1))
    choices = {"n_causes": 1, "horizon_months": (10.0,)}
    risk = landmark_cox(x, months, (months < 40).astype(int), np.zeros((1, 1)), **choices)[0, 0, 0]
    assert -np.log1p(-risk) == pytest.approx(1.0, rel=0.05)
