from dataclasses import replace

import numpy as np
import pytest

from model.audit.one_step import audit_one_step
from model.audit.out_of_fold import predict_at_landmark, predict_every_visit
from model.audit.resampling import patient_weights
from model.monitoring.looks import looks_for_any, looks_from_landmark, looks_one_step_ahead
from model.monitoring.quarters import month_of
from model.monitoring.watched import Watched
from model.types import POSITIVE
from tests.model.audit.known import constant_predictor, surveilled_with
from tests.model.builders import histories, study_by_test

DAYS = 30.4375
TODAY = np.datetime64("2030-01-01")
ORIGIN = np.array(["2024-02-01"], dtype="datetime64[D]")
STUDY = study_by_test()


def month(day):
    return float(month_of(ORIGIN[0], np.datetime64(day)))


def watched(days, scan, *, outcome=None, cause=0, today=TODAY, study=STUDY):
    """One patient, resected on ORIGIN, with scans on some days."""
    visits = np.array([[month(day) for day in days]])
    record = histories(np.zeros(1), visits, np.array([scan]))
    ended = np.array([np.nan if outcome is None else month(outcome)])
    return Watched.today(study, record, ORIGIN, ended, np.array([cause]), today=today)


@pytest.fixture(scope="module")
def followed():
    """Patients who follow the predictor's own hazards, entered one after the other over three years."""
    study = study_by_test(start=0.3, best=0.9, half_time=9.0, until=36.0)
    rng = np.random.default_rng(5)
    record, ended, _ = surveilled_with(rng, study, 1500, hazard=0.012, death=0.006, until=60.0)
    origin = np.datetime64("2015-01-01") + rng.integers(0, 1095, 1500)
    known = Watched.today(study, record, origin, ended.exit_month, ended.cause, today=np.datetime64("2030-01-01"))
    return constant_predictor(study, [0.012, 0.006]), known


def test_a_visit_and_a_stretch_of_follow_up_by_hand():
    # Recurrences begin at 0.01 a month and a perfect scan sees them; death comes at 0.005 a month. Scans half a year
    # and a year after day 0, recurrence found at the second.
    days = ["2024-08-01", "2025-02-01"]
    patient = watched(days, [0, 1], outcome="2025-02-01", cause=1)
    found, died = looks_one_step_ahead(constant_predictor(STUDY, [0.01, 0.005]), patient)
    first, second = (month(day) for day in days)
    assert found.month == pytest.approx([first, second])
    # Within a month's bin beginnings are taken to be evenly spread: hence the tolerance.
    assert found.expected == pytest.approx(-np.expm1([-0.01 * first, -0.01 * (second - first)]), rel=1e-4)
    assert found.found.tolist() == [False, True]
    assert not found.beside.any()
    # The year is cut where quarters begin, and where landmarks (months 6 and 12) refresh the hazard.
    assert died.expected.sum() == pytest.approx(0.005 * second)
    assert not died.found.any()
    cuts = np.append(died.month[1:], second)
    begins = [month(day) for day in ("2024-04-01", "2024-07-01", "2024-10-01", "2025-01-01")]
    assert cuts == pytest.approx(sorted([6.0, 12.0, *begins, second]))
    assert died.expected == pytest.approx(0.005 * np.diff(died.month, append=second))


def test_death_happens_in_the_stretch_that_ends_with_it():
    patient = watched([], [], outcome="2024-11-20", cause=2)
    _, died = looks_one_step_ahead(constant_predictor(STUDY, [0.01, 0.005]), patient)
    assert died.found.sum() == 1
    assert patient.day(died.patient[died.found], died.month[died.found]) == np.datetime64("2024-10-01")


def test_who_has_no_outcome_is_followed_until_today():
    patient = watched(["2024-08-01"], [0], today=np.datetime64("2025-08-01"))
    _, died = looks_one_step_ahead(constant_predictor(STUDY, [0.01, 0.005]), patient)
    assert died.expected.sum() == pytest.approx(0.005 * month("2025-08-01"))


def test_a_positive_test_without_an_outcome_awaits_work_up_and_ends_what_can_be_judged():
    patient = watched(["2024-08-01", "2024-10-01", "2025-02-01"], [0, 1, 0])
    found, _ = looks_one_step_ahead(constant_predictor(STUDY, [0.01, 0.005]), patient)
    assert found.month == pytest.approx([month("2024-08-01"), month("2024-10-01")])
    assert found.awaiting.tolist() == [False, True]
    assert not found.found.any()
    # Told afterwards: the outcome came three weeks later, and is counted at the scan that found it.
    patient = watched(["2024-08-01", "2024-10-01"], [0, 1], outcome="2024-10-22", cause=1)
    found, _ = looks_one_step_ahead(constant_predictor(STUDY, [0.01, 0.005]), patient)
    assert found.found.tolist() == [False, True]
    assert not found.awaiting.any()


def test_an_event_where_no_test_was_done_is_found_beside_and_an_outcome_ahead_of_today_is_none_yet():
    patient = watched(["2024-08-01"], [0], outcome="2024-10-22", cause=1)
    found, _ = looks_one_step_ahead(constant_predictor(STUDY, [0.01, 0.005]), patient)
    assert found.beside.tolist() == [False, True]
    assert found.expected[1] == 0
    patient = watched(["2024-08-01"], [0], outcome="2024-10-22", cause=1, today=np.datetime64("2024-10-21"))
    assert patient.ended.cause.tolist() == [0]
    assert patient.ended.exit_month == pytest.approx([month("2024-10-21")])


def test_all_looks_together_are_the_audit_s_row_for_all_visits(followed):
    # Two roads: the audit's one-step-ahead table, and the sum over the monitored quarters.
    predictor, known = followed
    everyone = np.arange(len(known))
    steps = predict_every_visit(predictor, known.histories, known.ended, everyone)
    row = audit_one_step("recurrence", 1, [steps[1]], known.ended, patient_weights(len(known), seed=1))[0]
    found, _ = looks_one_step_ahead(predictor, known)
    assert row["n"] == found.visit.sum()
    assert row["observed"] == found.found.sum() + found.beside.sum()
    assert row["expected"] == pytest.approx(found.expected.sum())


@pytest.mark.parametrize("landmark", [0.0, 24.0])
def test_within_a_horizon_the_audit_expects_as_many(followed, landmark):
    predictor, known = followed
    some = np.arange(len(known)) < 1000  # the audit's baselines want others to learn from
    audited = predict_at_landmark(predictor, known.histories, known.ended, some, landmark)
    found, died = looks_from_landmark(predictor, known, landmark, among=some)
    for place, horizon in enumerate(predictor.study.horizon_months):
        end = np.full(len(known), landmark + horizon)
        inside = found.within(end)
        assert inside.expected.sum() == pytest.approx(audited.expected_detections[:, 0, place].sum())
        # Death: the hazard times the months at risk within the horizon, and those who died in them.
        at_risk = some & (known.ended.exit_month > landmark)
        months = np.clip(known.ended.exit_month - landmark, 0, horizon)[at_risk]
        assert died.within(end).expected.sum() == pytest.approx(0.006 * months.sum())
        dead = at_risk & (known.ended.cause == 2) & (known.ended.exit_month <= landmark + horizon)
        assert died.within(end).found.sum() == dead.sum()


def test_what_is_observed_is_what_is_expected_if_the_model_is_right(followed):
    predictor, known = followed
    for looks in looks_one_step_ahead(predictor, known):
        observed, expected = looks.found.sum(), looks.expected.sum()
        assert abs(observed - expected) < 3 * np.sqrt(expected)


def test_recorded_later_than_today_changes_nothing(followed):
    # As of an earlier day: cutting the records off by hand, or telling only what day it is.
    predictor, known = followed
    today = np.datetime64("2017-06-30")
    now = month_of(known.origin_day, today)
    here = np.flatnonzero(now > 0)
    ended = known.ended
    told = Watched.today(
        predictor.study, known.histories, known.origin_day, ended.exit_month, ended.cause, today=today
    ).select(here)
    over = ended.exit_month <= now
    cut = Watched.today(
        predictor.study,
        known.histories.until(now),
        known.origin_day,
        np.where(over, ended.exit_month, np.nan),
        np.where(over, ended.cause, 0),
        today=today,
    ).select(here)
    for one, other in zip(looks_one_step_ahead(predictor, told), looks_one_step_ahead(predictor, cut), strict=True):
        assert one.expected.sum() == pytest.approx(other.expected.sum(), rel=1e-12)
        assert one.found.sum() == other.found.sum()
        assert len(one) == len(other)


def test_a_visit_counts_once_for_any_event():
    study = STUDY
    predictor = constant_predictor(study, [0.01, 0.005])
    found, died = looks_one_step_ahead(predictor, watched(["2024-08-01", "2025-02-01"], [0, 0]))
    twice = looks_for_any((1, 2), [found, replace(found, expected=found.expected / 2)])
    assert twice.visit.sum() == 2
    assert twice.expected.sum() == pytest.approx(1.5 * found.expected.sum())
    assert len(looks_for_any((1, 2), [found, died])) == len(found) + len(died)


def test_without_patients_or_visits_nothing_is_expected_of_tests():
    predictor = constant_predictor(STUDY, [0.01, 0.005])
    patient = watched([], [])
    for who in (np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64)):
        found, _ = looks_one_step_ahead(predictor, patient.select(who))
        assert len(found) == 0
    assert POSITIVE not in patient.histories.test
