"""The engine as a policy: it plans from what was recorded, within its limits, and knows nothing of the truth."""

from dataclasses import replace

import numpy as np
import pytest

from model.schedule.figures import figures
from model.schedule.policy import Policy
from model.schedule.prospect import STEP_MONTH
from model.simulate.course import follow, no_visits
from model.simulate.engine import Engine, Planner
from model.simulate.fresh import FRESH_SEED, draw_fresh
from model.simulate.oracles import TrueHazardPlans, true_prospects
from synthetic_data.cohort import draw_world
from synthetic_data.strata import STRATA
from synthetic_data.truth import true_incidence

HORIZON = 60
FREE = Policy(rule="price", price=1.0, until_months=float(HORIZON))


@pytest.fixture(scope="module")
def fresh(trained):
    study = trained.cohort.study
    return next(draw_fresh(study, stratum="middle", nature="default", patients=60, seed=2, horizon_month=HORIZON))


def planner(trained, price, **limits):
    return Planner(trained.cohort.study, FREE.model_copy(update=limits), price)


def engine(trained, price, *, replans=False, **limits):
    return Engine("engine", trained.predictor, planner(trained, price, **limits), replans)


def test_where_delay_costs_nothing_nobody_is_called_and_where_it_is_dear_many_are(trained, fresh):
    cheap, dear = (follow(fresh, engine(trained, price), trained.cohort.study) for price in (1e-6, 50.0))
    assert not cheap.visits.any()
    assert dear.visits.mean() > 3
    assert np.all(dear.visits * 3 <= HORIZON)


def test_the_same_record_gets_the_same_first_visit_whatever_is_true(trained, fresh):
    study = trained.cohort.study
    never = replace(fresh, onset_month=np.full(60, np.inf), finds=np.zeros_like(fresh.finds))
    rows, start = np.arange(60), np.zeros(60)
    records = [
        engine(trained, 20.0).start(truth.baseline).next_visits(no_visits(truth.baseline, study), rows, start)
        for truth in (fresh, never)
    ]
    assert np.array_equal(records[0].month, records[1].month)
    assert np.array_equal(records[0].test, records[1].test)
    planned = np.isfinite(records[0].month)
    assert planned.any()
    assert np.all(records[0].month[planned] % STEP_MONTH == 0)
    assert np.all(records[0].test[planned].any(axis=1))


def test_a_longest_interval_is_kept_by_everybody_who_stays(trained, fresh):
    study = trained.cohort.study
    course = follow(fresh, engine(trained, 0.5, replans=True, longest_interval_months=24.0), study)
    stayed = np.isinf(course.found_month) & (fresh.last_month == HORIZON)
    assert stayed.any()
    assert course.visits[stayed].min() >= 2


def test_the_true_hazards_onsets_are_those_of_the_generators_own_integration(trained, fresh):
    """Two roads: the planner's bins of onset, causes competing, against the generator's cumulative incidence."""
    world = draw_world(STRATA["middle"], seed=FRESH_SEED + 2, block=0, patients=60)
    truth = true_incidence(world.patients, until_month=HORIZON)
    for who, prospect in true_prospects(fresh, trained.cohort.study):
        nothing = np.zeros((len(who), prospect.n_slots, len(trained.cohort.study.test)), dtype=bool)
        onset = figures(trained.cohort.study, prospect, nothing).onset_probability
        theirs = truth.incidence[who, :, HORIZON].sum(axis=1)
        assert np.allclose(onset, theirs, rtol=0.03, atol=1e-3)


def test_an_oracle_of_true_hazards_spends_more_on_those_at_higher_risk(trained, fresh):
    oracle = TrueHazardPlans("oracle", planner(trained, 10.0)).seeing(fresh)
    planned = np.isfinite(oracle.given.month).sum(axis=1)
    risk = fresh.hazards.sum
    assert planned[risk > np.quantile(risk, 0.8)].mean() > planned[risk < np.quantile(risk, 0.5)].mean()
    assert np.all(np.diff(oracle.given.month[planned > 1, :2], axis=1) >= STEP_MONTH)
