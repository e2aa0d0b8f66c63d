import numpy as np
import pytest

from model.audit.detection import DetectionSteps, detection_steps, onset_seen_from, onset_seen_from_each_landmark
from tests.model.audit.known import constant_predictor, surveilled_with
from tests.model.builders import histories, study_by_test

HAZARD, DEATH = 0.012, 0.006


@pytest.fixture(scope="module")
def followed():
    study = study_by_test(start=0.3, best=0.9, half_time=9.0, until=36.0)
    history, ended, onset = surveilled_with(
        np.random.default_rng(11), study, 6000, hazard=HAZARD, death=DEATH, until=60.0
    )
    return constant_predictor(study, [HAZARD, DEATH]), history, ended, onset


def test_one_visit_by_hand():
    # Perfect test, hazard 0.01 per month: at 12 it finds what began before, 1 - exp(-0.12); at 18 what came since.
    predictor = constant_predictor(study_by_test(), [0.01, 1e-9])
    patient = histories(np.zeros(1), np.array([[12.0, 18.0]]), np.array([[0, 0]]))
    onset = onset_seen_from(predictor, patient, 0.0)
    steps = detection_steps(predictor.study, patient, np.array([20.0]), onset)[1]
    assert steps.month.tolist() == [12.0, 18.0]
    assert steps.probability == pytest.approx([-np.expm1(-0.12), -np.expm1(-0.06)])


def test_a_missed_lesion_is_still_there_at_the_next_visit():
    # Sensitivity 1/2 throughout. Began before 12: q = 1 - exp(-0.12). Found at 12: q / 2. Missed, then found at once:
    # (q / 2 x 1 / 2) / (1 - q / 2).
    predictor = constant_predictor(study_by_test(start=0.5, best=0.5), [0.01, 1e-9])
    patient = histories(np.zeros(1), np.array([[12.0, 12.0 + 1e-9]]), np.array([[0, 0]]))
    onset = onset_seen_from(predictor, patient, 0.0)
    steps = detection_steps(predictor.study, patient, np.array([20.0]), onset)[1]
    q = -np.expm1(-0.12)
    assert steps.probability == pytest.approx([q / 2, (q / 4) / (1 - q / 2)], rel=1e-6)


@pytest.mark.parametrize("landmark", [0.0, 12.0, 24.0])
def test_expected_detections_are_the_observed_ones_if_the_hazards_are_right(followed, landmark):
    predictor, history, ended, _ = followed
    at_risk = np.flatnonzero(ended.exit_month > landmark)
    history, exit_month, cause = history.select(at_risk), ended.exit_month[at_risk], ended.cause[at_risk]
    seen_from = onset_seen_from(predictor, history, landmark)
    steps = detection_steps(predictor.study, history, exit_month, seen_from)[1]
    within = steps.month <= landmark + 24.0
    expected = steps.probability[within].sum()
    observed = ((cause == 1) & (exit_month <= landmark + 24.0)).sum()
    # Observed minus expected has variance of about the expected number.
    assert abs(observed - expected) < 3 * np.sqrt(expected)
    # The predicted onsets are no measure of the detections: half of them are found later or never.
    incidence = predictor.predict(history, np.full(len(at_risk), landmark)).at(24.0)[:, 0].sum()
    assert incidence - observed > 10 * np.sqrt(expected)


def test_one_step_ahead_expects_what_is_found_overall_and_by_size(followed):
    predictor, history, ended, _ = followed
    whole = onset_seen_from_each_landmark(predictor, history, ended.exit_month)
    steps = detection_steps(predictor.study, history, ended.exit_month, whole)[1]
    found = (ended.cause[steps.patient] == 1) & (steps.month == ended.exit_month[steps.patient])
    assert found.sum() == (ended.cause == 1).sum()
    group = np.searchsorted(np.quantile(steps.probability, [0.25, 0.5, 0.75]), steps.probability)
    expected, observed = np.bincount(group, steps.probability), np.bincount(group, found)
    assert (np.abs(observed - expected) < 3.5 * np.sqrt(expected)).all()
    assert expected[3] > 2 * expected[0]


def test_what_comes_after_the_landmark_does_not_change_how_the_onset_is_seen_from_it(followed):
    predictor, history, ended, _ = followed
    few = history.select(np.flatnonzero(ended.exit_month > 24.0)[:50])
    whole, known = (onset_seen_from(predictor, each, 12.0)[1] for each in (few, few.until(np.full(50, 12.0))))
    assert (few.visit_month > 12.0).sum() > (few.visit_month > 1e9).sum()
    assert (whole.mass == known.mass).all()


def test_seen_from_a_landmark_the_masses_are_the_delivered_unseen_risk(followed):
    # Two roads: the forecast's unseen share of the only cause found by tests, and the mass before the landmark.
    predictor, history, ended, _ = followed
    few = history.select(np.flatnonzero(ended.exit_month > 24.0)[:50])
    onset = onset_seen_from(predictor, few, 24.0)[1]
    before = onset.mass[..., onset.start < 24.0].sum(axis=(1, 2))
    whole = onset.mass.sum(axis=(1, 2)) + onset.never
    assert before / whole == pytest.approx(predictor.predict(few, np.full(50, 24.0)).unseen[:, 0])


def test_without_visits_nothing_is_expected():
    predictor = constant_predictor(study_by_test(), [0.01, 0.01])
    unseen = histories(np.zeros(3), np.zeros((3, 0)), np.zeros((3, 0)))
    onset = onset_seen_from(predictor, unseen, 0.0)
    assert len(detection_steps(predictor.study, unseen, np.full(3, 30.0), onset)[1].probability) == 0


def test_patients_taken_together_or_one_by_one_have_the_same_steps(followed):
    # Bins that begin after the last visit of a group are left out: who else is in it must not matter.
    predictor, history, ended, _ = followed
    groups = [np.arange(30), *np.arange(30)[:, None]]
    found = []
    for who in groups:
        here, exit_month = history.select(who), ended.exit_month[who]
        onset = onset_seen_from_each_landmark(predictor, here, exit_month)
        found.append(detection_steps(predictor.study, here, exit_month, onset)[1].of_patients(who))
    whole, single = found[0], DetectionSteps.join(found[1:])
    by_patient = np.lexsort((whole.month, whole.patient))
    assert whole.patient[by_patient].tolist() == single.patient.tolist()
    assert whole.probability[by_patient] == pytest.approx(single.probability, rel=1e-12)
