"""Means, errors and comparisons at equal undetected time or equal burden, worked out by hand."""

import numpy as np
import pytest

from model.simulate.calendars import for_everybody
from model.simulate.course import Course
from model.simulate.groups import GroupChoice, plain_calendars
from model.simulate.oracles import Clairvoyant
from model.simulate.picture import burden_against_delay
from model.simulate.run import Entry, report, run_policies
from model.simulate.summary import Outcome, Patients, compare, rows_of
from tests.model.simulate.known import STUDY, plan, truth_of


def outcome(name, kind, undetected, burden, price=None):
    undetected, burden = np.array(undetected, dtype=float), np.array(burden, dtype=float)
    n = len(burden)
    tests = np.column_stack([burden / 2, np.zeros(n)])
    found = np.where(undetected > 0, 10.0, np.inf)
    return Outcome(name, kind, Course(undetected, burden, burden / 2, tests, found, undetected > 8), price)


PATIENTS = Patients(np.array([True, False, True, False]), np.full(4, 24.0))


def test_rows_tell_those_who_recur_from_those_who_never_do():
    rows = rows_of(outcome("x", "guideline", [4, 0, 10, 0], [2, 4, 2, 8]), PATIENTS, STUDY)
    everybody, recurring, never = rows
    assert [row["n"] for row in rows] == [4, 2, 2]
    assert (everybody["undetected_months"], recurring["undetected_months"], never["undetected_months"]) == (3.5, 7, 0)
    assert (everybody["burden"], recurring["burden"], never["burden"]) == (4, 2, 6)
    assert recurring["undetected_months_se"] == pytest.approx(np.std([4, 10], ddof=1) / np.sqrt(2))
    assert recurring["share_over_6_months"] == 0.5
    assert recurring["found_by_symptoms"] == 0.5
    assert recurring["undetected_90th_percentile"] == pytest.approx(9.4)
    assert everybody["visits_per_year"] == pytest.approx(8 / ((10 + 24 + 10 + 24) / 12))


def test_a_guideline_is_held_against_the_line_between_two_points_of_a_curve():
    guideline = outcome("G", "guideline", [4, 4, 4, 4], [8, 8, 8, 8])
    curve = [outcome("a", "engine", [2] * 4, [6] * 4, 9.0), outcome("b", "engine", [6] * 4, [2] * 4, 1.0)]
    (row,) = compare([guideline], {"engine": curve}, PATIENTS, seed=1)
    assert row["less_burden"] == {"value": 0.5, "low": 0.5, "high": 0.5}
    assert row["less_undetected"] is None


def test_at_equal_burden_the_undetected_time_is_compared():
    guideline = outcome("G", "guideline", [8, 0, 8, 0], [4, 4, 4, 4])
    curve = [outcome("a", "engine", [2, 0, 2, 0], [6] * 4, 9.0), outcome("b", "engine", [6, 0, 6, 0], [2] * 4, 1.0)]
    (row,) = compare([guideline], {"engine": curve}, PATIENTS, seed=1)
    assert row["less_undetected"]["value"] == pytest.approx(0.5)
    assert row["late"]["curve"]["burden"] == 2
    assert row["late"]["guideline"]["undetected_90th_percentile"] == 8


def test_the_same_policy_saves_nothing_in_any_draw():
    rng = np.random.default_rng(0)
    undetected, burden = rng.exponential(3, 4), rng.exponential(5, 4)
    curve = [
        outcome("a", "engine", undetected, burden, 2.0),
        outcome("b", "engine", undetected + 1, burden / 2, 1.0),
        outcome("c", "engine", undetected / 2, burden + 2, 3.0),
    ]
    (row,) = compare([outcome("G", "guideline", undetected, burden)], {"engine": curve}, PATIENTS, seed=1)
    for figure in (row["less_burden"], row["less_undetected"]):
        assert [figure[key] for key in ("value", "low", "high")] == pytest.approx([0, 0, 0], abs=1e-12)


def test_the_calendar_of_a_group_is_that_of_least_burden_plus_price_times_undetected_months():
    sample = [truth_of(onset=[7, 7, np.inf, np.inf])]
    calendars = (plan([], 0), plan([12], 0), plan([7, 12], 0))
    choice = GroupChoice.learn(sample, calendars, lambda truth: 1.0 * np.isfinite(truth.onset_month), STUDY, n_groups=2)
    assert choice.undetected.tolist() == [[0, 0, 0], [17, 5, 0]]
    assert choice.burden.tolist() == [[0, 2, 4], [0, 2, 2]]
    assert choice.at(0.1).tolist() == [0, 0]
    assert choice.at(1.0).tolist() == [0, 2]
    assert choice.of(np.array([1, 0]), 1.0).tolist() == [2, 0]


def test_plain_calendars_hold_no_visit_every_test_alone_and_no_test_that_adds_no_cause():
    calendars = plain_calendars(STUDY, 24)
    assert len(calendars[0].month) == 0
    assert {tuple(each.test[0]) for each in calendars[1:]} == {(True, False), (False, True)}
    assert max(each.month.max() for each in calendars[1:]) <= 24


def test_policies_are_run_over_blocks_and_reported_with_a_figure():
    blocks = [truth_of(onset=[7, np.inf]), truth_of(onset=[9, 30])]
    line_up = [
        Entry("guideline", for_everybody("G", plan([6, 12, 18], 0))),
        Entry("engine", for_everybody("often", plan([8, 10, 12], 0)), 9.0),
        Entry("engine", for_everybody("never", plan([], 0)), 1.0),
        Entry("clairvoyant", Clairvoyant(STUDY)),
    ]
    told = []
    outcomes, patients = run_policies(blocks, line_up, STUDY, tell=told.append)
    assert patients.recurs.tolist() == [True, False, True, False]
    assert [o.course.undetected_months.mean() for o in outcomes] == [2.0, 0.5, 8.0, 0.0]
    assert outcomes[-1].course.burden.tolist() == [2, 0, 2, 0]
    document = report(outcomes, patients, STUDY, seed=1)
    assert len(document["policies"]) == 12
    assert document["against_guidelines"][0]["less_burden"]["value"] == pytest.approx(1 - 4.5 * (6 / 7.5) / 5)
    picture = burden_against_delay(outcomes, title="x")
    assert picture == burden_against_delay(outcomes, title="x")
    assert "clairvoyant" in picture
    assert len(told) == 8
