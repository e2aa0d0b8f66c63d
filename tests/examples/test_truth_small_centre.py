from dataclasses import replace

import numpy as np
import pytest

from examples.truth.cohorts import FRESH_SEED, draw, study_of
from examples.truth.small_centre import alike_risk, log_likelihood, replicate

STUDY = study_of("default")


def test_log_likelihood_by_hand():
    risk, happened = np.array([0.5, 0.2, 0.9]), np.array([True, False, True])
    assert log_likelihood(risk, happened) == pytest.approx((np.log(0.5) + np.log(0.8) + np.log(0.9)) / 3)


def test_where_nothing_was_found_everybody_alike_is_half_a_patient():
    small = draw("small-centre", STUDY, patients=60, seed=1000)
    outcomes = replace(small.cohort.outcomes, cause=np.zeros(60, dtype=np.int64))
    nothing = replace(small, cohort=replace(small.cohort, outcomes=outcomes))
    assert alike_risk(nothing, 0.0).tolist() == [0.5 / 60] * 2
    # One of all 60 within two years, before anybody leaves: one in sixty.
    outcomes = replace(outcomes, exit_month=np.full(60, 100.0))
    outcomes.exit_month[0], outcomes.cause[0] = 10.0, 2
    assert alike_risk(replace(small, cohort=replace(small.cohort, outcomes=outcomes)), 0.0) == pytest.approx(1 / 60)


def test_a_replicate_judges_three_rivals_on_the_same_patients():
    fresh = draw("default", STUDY, patients=500, seed=FRESH_SEED)
    one = replicate(STUDY, "small-centre", fresh, seed=1000)
    assert one.landmarks >= 1
    assert one.events >= 1
    # Worse than knowing nothing at all would be log 1/2.
    assert all(np.log(0.5) < score < 0.0 for score in (one.model, one.alike, one.prior))
    assert one.alike not in (one.model, one.prior)
    assert (one.model == one.prior) == (one.learner == "published")
