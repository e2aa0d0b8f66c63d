import dataclasses

import numpy as np
import pytest

from model.errors import NotSupportedError
from model.learning.fitting import fit_predictor
from model.schedule.rule import plan
from model.schedule.tests import available, cheapest_set
from tests.model.builders import (
    exact_study,
    histories,
    no_visits,
    outcomes,
    study_by_test,
    surveilled,
)


@pytest.fixture(scope="module")
def perfect():
    rng = np.random.default_rng(3)
    cohort, ended, _ = surveilled(rng, 4000, hazard=0.005, every=12.0, sensitivity=1.0, until=60.0)
    return fit_predictor(study_by_test(), cohort, ended, seed=1)[0]


def clean_at(month):
    return histories(np.zeros(1), np.array([[month]]), np.array([[0]]))


def test_the_interval_is_where_the_unseen_risk_meets_the_limit(perfect):
    # After a perfect clean scan the unseen risk at t is 1 - e^(-ht): the limit of 5 % is met at -ln(0.95) / h.
    made = plan(perfect, clean_at(12.0), 12.0)
    assert made.feasible
    assert made.interval_months == pytest.approx(-np.log(0.95) / 0.005, rel=0.15)
    assert made.steps[0].unseen_risk == pytest.approx(0.05, abs=0.001)


def test_every_step_keeps_the_limit_and_the_bounds(perfect):
    made = plan(perfect, clean_at(12.0), 12.0)
    months = np.array([12.0, *(step.month for step in made.steps)])
    assert ((np.diff(months) >= 1.0) & (np.diff(months) <= 18.0)).all()
    assert all(step.unseen_risk <= 0.05 + 1e-9 for step in made.steps)
    assert made.visits == len(made.steps)
    assert made.earliest_month <= made.steps[0].month <= made.latest_month


def with_policy(predictor, **policy):
    """The same model under other bounds."""
    study = predictor.study
    changed = study.policy.model_copy(update=policy)
    return dataclasses.replace(predictor, study=study.model_copy(update={"policy": changed}))


def test_a_limit_that_breaks_at_once_is_said_first(perfect):
    made = plan(with_policy(perfect, unseen_risk_limit=0.01, shortest_interval=6.0), clean_at(12.0), 12.0)
    assert not made.feasible
    assert made.interval_months == 6.0
    assert made.why[0].startswith("The limit of 1.0 % cannot be kept: even after the shortest interval of 6 months")
    assert len(made.why) == 1


def test_a_limit_that_breaks_later_names_the_first_visit_that_breaks_it(perfect):
    # The poor look leaves most of what is there: unseen risk grows from visit to visit until 5 months are too long.
    made = plan(with_policy(perfect, shortest_interval=5.0), clean_at(12.0), 12.0, tier="primary")
    broken = [number for number, step in enumerate(made.steps, 1) if step.unseen_risk > 0.05 + 1e-9]
    assert not made.feasible
    assert broken[0] > 1
    first = made.steps[broken[0] - 1]
    assert made.why[0].startswith("After ")
    assert made.why[1].startswith(f"At visit {broken[0]}, {first.month - 12:.1f} months from now, the limit of 5.0 % ")
    assert f"the risk of an unseen event is {100 * first.unseen_risk:.1f} %" in made.why[1]
    assert len(made.why) == 2


def test_the_end_of_the_forecast_is_not_taken_for_the_limit(perfect):
    made = plan(with_policy(perfect, unseen_risk_limit=0.5, longest_interval=60.0), clean_at(12.0), 12.0)
    assert made.interval_months == 24.0
    assert made.why[0].startswith("The longest interval of 24 months is reached")


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_no_plan_is_made_of_what_is_no_number(perfect, value):
    with np.errstate(all="ignore"), pytest.raises(NotSupportedError, match="no finite number"):
        plan(perfect, histories(np.array([value]), np.array([[12.0]]), np.array([[0]])), 12.0)


def test_higher_risk_never_means_a_later_visit(rng):
    x = rng.standard_normal(3000)
    exit_month = rng.exponential(1 / (0.01 * np.exp(0.8 * x)))
    ended = outcomes(np.minimum(exit_month, 60.0), exit_month < 60.0)
    study = exact_study().model_copy(update={"policy": study_by_test().policy})
    predictor, _ = fit_predictor(study, no_visits(x), ended, seed=1)
    waits = [plan(predictor, no_visits(np.array([value])), 0.0).interval_months for value in np.linspace(-2, 2, 9)]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] > waits[-1]


def test_without_a_policy_there_is_no_plan(rng):
    ended = outcomes(rng.exponential(20.0, 200), np.ones(200))
    predictor, _ = fit_predictor(exact_study(), no_visits(np.zeros(200)), ended, seed=1)
    with pytest.raises(NotSupportedError, match="policy"):
        plan(predictor, no_visits(np.zeros(1)), 0.0)


def test_the_cheapest_tests_that_see_every_target_are_chosen():
    study = study_by_test()
    assert [test.name for test in cheapest_set(study.test, {"recurrence"})] == ["look"]
    assert [test.name for test in available(study, "primary")] == ["look"]
    assert cheapest_set((), {"recurrence"}) == ()
