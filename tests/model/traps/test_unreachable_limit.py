"""Trap: a limit that no schedule can keep, relaxed in silence."""

import numpy as np
import pytest

from model.learning.fitting import fit_predictor
from model.schedule.rule import plan
from tests.model.builders import exact_study, no_visits, outcomes, study_by_test


def planned(rng, hazard_early, hazard_late):
    """The plan at month 0 where the hazard changes at month 12; limit 5 %, interval 1 to 18 months."""
    early, late = rng.exponential(1 / hazard_early, 6000), 12 + rng.exponential(1 / hazard_late, 6000)
    leaves = np.minimum(np.where(early < 12, early, late), 60.0)
    study = exact_study().model_copy(update={"policy": study_by_test().policy})
    predictor, _ = fit_predictor(study, no_visits(np.zeros(6000)), outcomes(leaves, leaves < 60), seed=1)
    return plan(predictor, no_visits(np.zeros(1)), 0.0)


def test_a_limit_beyond_the_shortest_interval_is_answered_infeasible_with_the_nearest_plan(rng):
    # Within a month the risk is 1 - e^-0.1 = 9.5 %: no visit can come soon enough, and the plan owns up to it.
    made = planned(rng, 0.1, 0.1)
    assert not made.feasible
    assert made.interval_months == 1.0
    assert made.steps[0].unseen_risk == pytest.approx(0.095, rel=0.1)
    assert "5.0 % cannot be kept" in made.why[0]


def test_a_limit_that_only_later_visits_break_makes_the_plan_infeasible_too(rng):
    made = planned(rng, 0.003, 0.15)
    assert not made.feasible
    assert made.steps[0].unseen_risk <= 0.05 + 1e-9
    assert max(step.unseen_risk for step in made.steps) > 0.05
    assert np.diff([0.0, *(step.month for step in made.steps)]).min() >= 1.0 - 1e-9
