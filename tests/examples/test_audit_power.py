"""The verdict on predictors of which it is known whether they are right; the full table is in docs/audit.md."""

import numpy as np
import pytest

from examples.audit_power.__main__ import judge_all
from examples.audit_power.patients import DIED, FOUND, HORIZON, known
from examples.audit_power.predictors import PREDICTORS, times, too_extreme
from model.audit.nonparametric import aalen_johansen
from model.audit.out_of_fold import MODEL


@pytest.fixture(scope="module")
def told():
    return judge_all(1, 0, 3000)


def flagged(verdict):
    return {(flag["question"], flag["level"]) for flag in verdict["flags"]}


def test_who_is_right_is_not_flagged(told):
    assert flagged(told["right"]) == set()
    assert all(row["passed"] for row in told["right"]["gate"])


def test_who_is_wrong_is_flagged_for_what_is_wrong(told):
    high, extreme, one = (told[name] for name in list(PREDICTORS)[1:])
    assert ("overall", None) in flagged(high)
    assert ("slope", None) in flagged(extreme)
    assert ("subgroup", "centre 1") in flagged(one)
    assert not any(level and level.startswith("centre") for _, level in flagged(one) - {("subgroup", "centre 1")})


def test_the_true_chances_are_those_that_come_true():
    drawn = known(np.random.default_rng(3), 40_000)
    outcomes, steps = drawn.cohort.outcomes, drawn.steps
    expected = steps.probability.sum()
    assert abs((outcomes.cause == FOUND).sum() - expected) < 3 * np.sqrt(expected)
    predicted = drawn.at_start.incidence[MODEL][:, DIED - 1, 0].mean()
    dead = aalen_johansen(outcomes.exit_month, outcomes.cause, of_cause=DIED).at(HORIZON)
    assert abs(dead - predicted) < 3 * np.sqrt(predicted / 40_000)


def test_wrong_in_the_way_that_is_said():
    true = np.linspace(0.01, 0.6, 50)
    assert times(np.array([0.1]), 2.0) == pytest.approx([0.19])
    extreme = too_extreme(true, 0.6)
    assert extreme.mean() == pytest.approx(true.mean())
    logit = np.log(extreme / (1 - extreme)), np.log(true / (1 - true))
    assert np.polyfit(*logit, 1)[0] == pytest.approx(0.6)
