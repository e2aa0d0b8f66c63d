"""Trap: censoring coded as a competing event, so that whoever is lost counts as saved."""

import numpy as np
import pytest

from model.audit.baselines import everyone_alike, landmark_cox
from model.learning.fitting import fit_predictor
from model.tables.cohort import read_cohort
from tests.model.builders import exact_study, no_visits, outcomes
from tests.model.tables import SMALL, write_tables

TRUE_RISK = 1 - np.exp(-12 * 0.03)


@pytest.fixture(scope="module")
def heavily_censored():
    """Deaths at hazard 0.03 a month; half of all are lost before they die."""
    rng = np.random.default_rng(4)
    dies, lost = rng.exponential(1 / 0.03, 6000), rng.exponential(1 / 0.03, 6000)
    return outcomes(np.minimum(dies, lost), dies < lost)


def test_censoring_coded_as_a_cause_hides_a_fifth_of_the_risk(heavily_censored):
    # The trap itself.
    ended = heavily_censored
    coded = np.where(ended.cause == 0, 2, 1)
    alike = everyone_alike(ended.exit_month, coded, n_causes=2, horizon_months=(12.0,))
    assert alike[0, 0] < 0.87 * TRUE_RISK


def test_loss_to_follow_up_takes_nothing_from_any_model(heavily_censored, rng):
    ended = heavily_censored
    months, cause = ended.exit_month, ended.cause
    predictor, _ = fit_predictor(exact_study(), no_visits(np.zeros(6000)), ended, seed=1)
    ours = predictor.predict(no_visits(np.zeros(1)), np.zeros(1)).at(12.0)[0, 0]
    alike = everyone_alike(months, cause, n_causes=1, horizon_months=(12.0,))[0, 0]
    x = rng.standard_normal((6000, 1))
    cox = landmark_cox(x, months, cause, np.zeros((1, 1)), n_causes=1, horizon_months=(12.0,))[0, 0, 0]
    assert [ours, alike, cox] == pytest.approx([TRUE_RISK] * 3, rel=0.05)


def test_none_is_read_as_no_cause_and_has_no_incidence(tmp_path):
    # A, B and C of the tables: none, recurrence, death. That no event may be called "none" is tested with study files.
    cohort = read_cohort(write_tables(tmp_path / "three"), SMALL)
    assert cohort.outcomes.cause.tolist() == [0, 1, 2]
    assert SMALL.event_names == ("recurrence", "death")
