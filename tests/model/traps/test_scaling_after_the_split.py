"""Trap: scaling, or anything else, learned from the patients on whom the model is judged."""

from dataclasses import replace

import numpy as np
import pytest

from model.audit.out_of_fold import predict_at_landmark
from model.learning.fitting import fit_predictor, fit_without_folds

HELD_OUT = np.arange(400) % 2 == 0


def distorted(histories, who):
    """Other values for these patients, far from everybody's."""
    baseline, marker = histories.baseline.copy(), histories.marker.copy()
    baseline[who, :3] = baseline[who, :3] * 5 + 20
    marker[who] *= 30
    return replace(histories, baseline=baseline, marker=marker)


@pytest.fixture(scope="module")
def folds(cohort, predictor):
    """Predictors without the even and without the odd patients: as they are, and with the even ones distorted."""
    histories, ended = cohort
    fold = np.where(HELD_OUT, 0, 1)
    tables = (histories, distorted(histories, HELD_OUT))
    return [fit_without_folds(predictor.study, each, ended, fold, seed=1, jobs=1) for each in tables]


def test_the_held_out_leave_no_trace_in_the_model_that_is_judged_on_them(cohort, folds):
    histories, _ = cohort
    (without_even, without_odd), (again, changed) = folds
    now = np.zeros(400)
    assert (without_even.scores(histories, now) == again.scores(histories, now)).all()
    assert (without_even.predict(histories, now).incidence == again.predict(histories, now).incidence).all()
    assert not np.isclose(without_odd.scores(histories, now), changed.scores(histories, now)).all()


def test_a_fold_is_scaled_as_its_training_patients_alone_would_be(cohort, folds):
    histories, ended = cohort
    (without_even, _), _ = folds
    alone, _ = fit_predictor(without_even.study, histories.select(~HELD_OUT), ended.select(~HELD_OUT), seed=1)
    at_zero = alone.scores(histories.select(~HELD_OUT), np.zeros(200))
    assert (without_even.scores(histories.select(~HELD_OUT), np.zeros(200)) == at_zero).all()


def test_no_rival_in_the_audit_learns_from_those_it_is_judged_on(cohort, folds):
    # Other values and other outcomes of everybody held out but one leave that one's predictions as they were.
    histories, ended = cohort
    (without_even, _), _ = folds
    here = np.flatnonzero(HELD_OUT & (ended.exit_month > 12.0))
    others = np.setdiff1d(np.flatnonzero(HELD_OUT), here[:1])
    other_cause = ended.cause.copy()
    other_cause[others] = 2
    first, second = (
        predict_at_landmark(without_even, each, outcome, HELD_OUT, 12.0)
        for each, outcome in ((histories, ended), (distorted(histories, others), replace(ended, cause=other_cause)))
    )
    assert first.patient[0] == second.patient[0] == here[0]
    assert len(first.incidence) >= 3
    for name, incidence in first.incidence.items():
        assert incidence[0] == pytest.approx(second.incidence[name][0], abs=1e-12)
