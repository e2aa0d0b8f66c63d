import numpy as np
import pytest

from model.landmarks import at_risk
from model.onset.expectation import Placement, exact_rows, expected_rows
from model.onset.grid import TimeGrid
from model.onset.observation import averaged_likelihood, ending_of
from model.onset.posterior import onset_posterior
from tests.model.builders import exact_study, histories, no_growth, outcomes, study_by_test


def test_every_event_and_every_month_counts_once():
    # A month of follow-up is predicted from several landmarks; divided by their number it must count once.
    grid = TimeGrid.of(exact_study(horizon=60.0), until=24.0)
    exit_month, happened = np.array([3.0, 10.0, 23.9, 40.0]), np.array([True, False, True, True])
    rows = at_risk(grid.landmark_month, exit_month)
    events, exposure = exact_rows(rows, grid, exit_month=exit_month, happened=happened)
    shared = grid.coverage[rows.landmark]
    assert (events / shared).sum() == pytest.approx(3.0)
    assert (exposure / shared).sum() == pytest.approx(exit_month.sum())


def test_an_exact_time_is_one_event_in_its_bin():
    grid = TimeGrid.of(exact_study(), until=0.0)
    rows = at_risk(grid.landmark_month, np.array([2.0]))
    events, exposure = exact_rows(rows, grid, exit_month=np.array([2.0]), happened=np.array([True]))
    # Edges 0, 0.4, 0.8, ... of a 24-month horizon: the event ends the fifth bin, after 0.4 months at risk in each.
    assert events[0, :6] == pytest.approx([0.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    assert exposure[0, :6] == pytest.approx([0.4, 0.4, 0.4, 0.4, 0.4, 0.0])


def test_a_short_interval_is_an_exact_time():
    # Two roads: the onset known to lie within one bin by tests, or known exactly.
    grid, results = found([8.0, 8.01], [0, 1], until=0.0)
    posterior = onset_posterior(np.full((1, results.width.shape[1]), 0.01), results)
    rows = at_risk(grid.landmark_month, np.array([8.01]))
    events, exposure = expected_rows(Placement.of(rows, grid, results.width), posterior, results)
    known_events, known_exposure = exact_rows(rows, grid, exit_month=np.array([8.01]), happened=np.array([True]))
    assert events == pytest.approx(known_events)
    assert exposure == pytest.approx(known_exposure, abs=0.02)


def test_a_landmark_counts_by_the_chance_that_the_onset_came_after_it():
    # The onset lies in (0, 12], uniform for a tiny hazard: half of it after the landmark at 6.
    grid, results = found([12.0], [1], until=6.0)
    posterior = onset_posterior(np.full((1, results.width.shape[1]), 1e-9), results)
    rows = at_risk(grid.landmark_month, np.array([12.0]))
    events, exposure = expected_rows(Placement.of(rows, grid, results.width), posterior, results)
    assert events.sum(axis=1) == pytest.approx([1.0, 0.5])
    # Months at risk of a uniform onset: 12 / 2 from the start; from 6 on, half the patient for 6 / 2 months.
    assert exposure.sum(axis=1) == pytest.approx([6.0, 1.5], abs=1e-6)


def found(visits, scan, *, until):
    """One patient of a perfect scan, found at the last visit: the grid and what the results say."""
    study = study_by_test()
    grid = TimeGrid.of(study, until=until)
    one = histories(np.zeros(1), np.array([visits]), np.array([scan]))
    ending = ending_of(study, one, outcomes(np.array(visits[-1:]), np.array([1])), grid, cause=1)
    return grid, averaged_likelihood(study, one, grid, no_growth(study, 1), ending, cause=1)
