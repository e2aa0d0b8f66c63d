"""Trap: lifelines' Aalen-Johansen moves tied times at random and reseeds numpy's global generator."""

import warnings

import numpy as np
import pytest
from lifelines import AalenJohansenFitter

from model.audit.nonparametric import aalen_johansen
from model.audit.run import run
from model.learning.fitting import fit_predictor
from model.tables.cohort import Cohort

# At 2 and at 3 both causes happen.
MONTHS = np.array([1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 4.0])
CAUSE = np.array([1, 1, 2, 0, 2, 1, 0])


@pytest.fixture
def bystander():
    """Numbers that somebody else draws from numpy's global generator: untouched, they go on as they would have."""
    np.random.seed(42)  # noqa: NPY002 -- the global generator is what this is about
    expected = np.random.random(3)  # noqa: NPY002
    np.random.seed(42)  # noqa: NPY002
    return lambda: np.random.random(3).tolist() == expected.tolist()  # noqa: NPY002


def by_lifelines(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitter = AalenJohansenFitter(seed=seed, calculate_variance=False).fit(MONTHS, CAUSE, 1)
    return float(fitter.predict(2.5))


def test_lifelines_answers_by_chance_and_disturbs_others(bystander):
    # The trap itself.
    assert len({by_lifelines(seed) for seed in range(5)}) > 1
    assert not bystander()


def test_our_aalen_johansen_takes_ties_as_they_are(bystander):
    # 1/7; then of six at risk one of each cause; then of three: 4/7 of all are still free.
    found = aalen_johansen(MONTHS, CAUSE, of_cause=1)
    assert found.value == pytest.approx([0, 1 / 7, 2 / 7, 2 / 7 + 4 / 7 / 3, 2 / 7 + 4 / 7 / 3])
    order = np.array([6, 2, 4, 0, 5, 1, 3])
    assert aalen_johansen(MONTHS[order], CAUSE[order], of_cause=1).value.tolist() == found.value.tolist()
    assert bystander()


def test_neither_training_nor_the_audit_touches_the_global_generator(cohort, predictor, bystander):
    histories, outcomes = (each.select(np.arange(120)) for each in cohort)
    fit_predictor(predictor.study, histories, outcomes, seed=1)
    people = Cohort(predictor.study, [str(i) for i in range(120)], [None] * 120, histories, outcomes, {})
    run(people, np.arange(120) % 2, [predictor, predictor], seed=1, jobs=1)
    assert bystander()
