import numpy as np
import pytest

from model.audit.baselines import everyone_alike, landmark_cox
from model.audit.out_of_fold import LandmarkPredictions, predict_at_landmark, predict_every_visit
from tests.model.audit.known import constant_predictor, surveilled_with
from tests.model.builders import study_by_test

LANDMARK = 12.0


@pytest.fixture(scope="module")
def halves():
    rng = np.random.default_rng(8)
    study = study_by_test(start=0.3, best=0.9, half_time=9.0, until=18.0)
    history, ended, _ = surveilled_with(rng, study, 300, hazard=0.012, death=0.006, until=48.0)
    history.baseline[:, 0] = rng.normal(size=300)
    return constant_predictor(study, [0.012, 0.006]), history, ended, rng.random(300) < 0.5


def test_baselines_learn_from_the_others_at_risk_and_from_nobody_else(halves):
    predictor, history, ended, out = halves
    found = predict_at_landmark(predictor, history, ended, out, LANDMARK)
    here = ended.exit_month > LANDMARK
    judged, learned = np.flatnonzero(here & out), np.flatnonzero(here & ~out)
    assert found.patient.tolist() == judged.tolist()
    months, cause = ended.exit_month[learned] - LANDMARK, ended.cause[learned]
    choices = {"n_causes": 2, "horizon_months": (12.0, 24.0)}
    alike = everyone_alike(months, cause, **choices)
    assert (found.incidence["aalen_johansen"] == alike).all()
    scores = [predictor.scores(history.select(who), np.full(len(who), LANDMARK)) for who in (learned, judged)]
    assert found.incidence["landmark_cox"] == pytest.approx(
        landmark_cox(scores[0], months, cause, scores[1], **choices)
    )


def test_joined_folds_are_everyone_at_risk_in_order(halves):
    predictor, history, ended, out = halves
    parts = [predict_at_landmark(predictor, history, ended, side, LANDMARK) for side in (out, ~out)]
    whole = LandmarkPredictions.join(parts)
    assert whole.patient.tolist() == np.flatnonzero(ended.exit_month > LANDMARK).tolist()
    for part in parts:
        place = np.searchsorted(whole.patient, part.patient)
        assert (whole.incidence["model"][place] == part.incidence["model"]).all()
        assert (whole.expected_detections[place] == part.expected_detections).all()


def test_visits_are_numbered_by_the_patients_of_the_cohort(halves):
    predictor, history, ended, out = halves
    steps = predict_every_visit(predictor, history, ended, np.flatnonzero(out))[1]
    assert set(steps.patient) <= set(np.flatnonzero(out))
    assert (np.abs(history.visit_month[steps.patient] - steps.month[:, None]).min(axis=1) == 0).all()
