import numpy as np
import pytest

from model.audit.detection import DetectionSteps
from model.audit.groupings import Grouping
from model.audit.multiplicity import chance_of_count
from model.audit.out_of_fold import MODEL, LandmarkPredictions
from model.audit.resampling import patient_weights
from model.audit.subgroups import audit_subgroups
from tests.model.builders import outcomes, study_by_test

STUDY = study_by_test(until=6.0)


def audited(ended, steps, incidence, of_patient, *levels):
    """One grouping; predictions from month 0 for everybody, (n, 2 causes, 2 horizons)."""
    n = len(ended.cause)
    at_start = LandmarkPredictions(0.0, np.arange(n), {MODEL: incidence}, np.zeros_like(incidence))
    grouping = Grouping("centre", "Centre", levels, np.asarray(of_patient))
    count = patient_weights(n, seed=1)
    return audit_subgroups(STUDY, [grouping], steps={1: steps}, predictions=[at_start], outcomes=ended, count=count)


@pytest.fixture
def by_centre():
    """Three centres of 100 visited once, at 12: 40, 10 and 3 are found where 20, 10 and 3 are expected.

    At 24 months 15, 12 and 12 are dead where 15 are expected in each; the others are followed on.
    """
    place, number = np.repeat([0, 1, 2], 100), np.tile(np.arange(100), 3)
    found = number < np.array([40, 10, 3])[place]
    dead = ~found & (number >= 100 - np.array([15, 12, 12])[place])
    ended = outcomes(np.where(found, 12.0, np.where(dead, 20.0, 40.0)), np.where(found, 1, np.where(dead, 2, 0)))
    steps = [DetectionSteps(np.arange(300), np.full(300, 12.0), np.array([0.2, 0.1, 0.03])[place])]
    incidence = np.full((300, 2, 2), 0.15) * [0.5, 1.0]
    return audited(ended, steps, incidence, place, "a", "b", "c")


def test_found_by_tests_is_one_step_ahead_by_hand(by_centre):
    first, second, third = by_centre[:3]
    assert (first["event"], first["level"], first["n"], first["events"]) == ("recurrence", "a", 100, 40)
    assert (first["landmark"], first["horizon"]) == (None, None)
    assert first["expected"] == pytest.approx(20)
    assert first["ratio"]["value"] == pytest.approx(2)
    assert 1 < first["ratio"]["low"] < 2 < first["ratio"]["high"]
    assert second["ratio"]["value"] == pytest.approx(1)
    assert third["too_few"] == "too few events (3, 3.0 expected)"
    assert third["ratio"] is third["p_value"] is third["p_adjusted"] is None


def test_known_dates_are_judged_at_the_horizon_with_most_events(by_centre):
    # Nobody is censored by 24 months: Aalen-Johansen is the share, 15, 12 and 12 of 100, and 15 % was predicted.
    deaths = by_centre[3:]
    assert [row["events"] for row in deaths] == [15, 12, 12]
    assert {(row["landmark"], row["horizon"]) for row in deaths} == {(0.0, 24.0)}
    assert [row["ratio"]["value"] for row in deaths] == pytest.approx([1.0, 0.8, 0.8])
    assert [row["expected"] for row in deaths] == pytest.approx([15, 15, 15])


def test_each_is_judged_as_one_of_all_that_have_a_figure(by_centre):
    judged = [row for row in by_centre if row["too_few"] is None]
    assert len(judged) == 5
    least = min(judged, key=lambda row: row["p_value"])
    assert least["p_value"] == pytest.approx(chance_of_count(40, 20.0))
    assert least["p_adjusted"] == pytest.approx(5 * least["p_value"])
    assert all(row["p_adjusted"] > 0.5 for row in judged if row is not least)


def test_none_found_where_many_are_expected_is_a_finding():
    ended = outcomes(np.full(80, 30.0), np.zeros(80))
    steps = [DetectionSteps(np.arange(80), np.full(80, 12.0), np.repeat([0.5, 0.01], 40))]
    rows = audited(ended, steps, np.full((80, 2, 2), 0.1), np.repeat([0, 1], 40), "a", "b")
    assert rows[0]["events"] == 0
    # No event: the exact upper limit is -ln 0.025 = 3.69 events.
    assert rows[0]["ratio"] == pytest.approx({"value": 0, "low": 0, "high": -np.log(0.025) / 20})
    assert rows[0]["p_adjusted"] < 1e-6
    assert rows[1]["too_few"] == "too few events (0, 0.4 expected)"


def test_without_tests_or_followed_patients_nothing_is_said():
    ended = outcomes(np.repeat([9.0, 11.0], 40), np.repeat([1, 2], 40))
    none = [DetectionSteps(np.zeros(0, dtype=int), np.zeros(0), np.zeros(0))]
    rows = audited(ended, none, np.full((80, 2, 2), 0.3), np.tile([0, 1], 40), "a", "b")
    assert {row["too_few"] for row in rows} == {
        "no visit with a test that sees it",
        "too few still followed (0)",
    }
