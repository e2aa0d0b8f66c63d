import dataclasses

import numpy as np
import pytest

from model.errors import NotSupportedError
from model.learning.fitting import fit_predictor
from model.schedule.figures import Figures
from model.schedule.front import bands, front
from model.schedule.planner import Patients, plan
from model.schedule.policy import parse_policy
from tests.model.builders import exact_study, growing, histories, no_visits, outcomes, study_by_test, surveilled

LIMITS = "shortest_interval_months = 3.0\nuntil_months = 60.0\nat_least_ahead_months = 24.0\n"


def policy(text):
    return parse_policy(LIMITS + text, file="p.toml")


PRICE = policy('rule = "price"\nprice = 3.0\n')


@pytest.fixture(scope="module")
def predictor():
    rng = np.random.default_rng(3)
    cohort, ended, _ = surveilled(rng, 1500, hazard=0.005, every=12.0, sensitivity=0.7, until=60.0)
    study = study_by_test(start=0.5, best=0.9, half_time=12.0)
    study = study.model_copy(update={"event": (growing(study.event[0], lead=6.0), study.event[1])})
    return fit_predictor(study, cohort, ended, seed=1)[0]


@pytest.fixture(scope="module")
def patients():
    """Three patients, seen clean at 12 months, as of then and 6 and 20 months later."""
    month = np.tile([6.0, 12.0], (3, 1))
    return Patients(histories(np.zeros(3), month, np.zeros((3, 2), dtype=int)), np.array([12.0, 18.0, 20.0]))


def only(found):
    ((who, made),) = found
    assert who.tolist() == list(range(len(who)))
    return made


def dates(made, index):
    """Months since the origin of a patient's visits."""
    return made.as_of_month[index] + made.slot_month[made.done[index].any(axis=1)]


def test_a_dearer_month_means_earlier_and_more_visits(predictor, patients):
    cheap, dear = (
        only(plan(predictor, patients, policy(f'rule = "price"\nprice = {price}\n'))) for price in (2.0, 20.0)
    )
    assert (dear.first_month < cheap.first_month).all()
    assert (dear.figures.undetected_months < cheap.figures.undetected_months).all()
    assert (dear.figures.cost > cheap.figures.cost).all()
    assert cheap.broken == dear.broken == ("", "", "")


def test_the_search_s_coarse_grid_and_the_figures_fine_one_tell_the_same(predictor, patients):
    made = only(plan(predictor, patients, PRICE))
    ((_, points),) = front(predictor, patients, PRICE, prices=(3.0,))
    ((month, done, figures),) = points
    assert (month == made.slot_month).all()
    assert (done == made.done).all()
    assert figures.cost == pytest.approx(made.figures.cost)


def test_a_front_goes_from_few_visits_to_early_detection(predictor, patients):
    ((_, points),) = front(predictor, patients, PRICE, prices=(1.0, 3.0, 10.0, 30.0))
    cost = np.array([figures.cost for _, _, figures in points])
    undetected = np.array([figures.undetected_months for _, _, figures in points])
    assert (np.diff(cost, axis=0) >= -1e-9).all()
    assert (np.diff(undetected, axis=0) <= 1e-9).all()
    assert (cost[0] < cost[-1]).all()


def test_the_first_visit_lies_within_its_window_and_moving_it_to_the_end_loses_what_was_said(predictor, patients):
    narrow, wide = (
        only(plan(predictor, patients, policy(f'rule = "price"\nprice = 3.0\nwindow_loss = {loss}\n')))
        for loss in (0.01, 0.2)
    )
    for made in (narrow, wide):
        assert (made.earliest_month <= made.first_month).all()
        assert (made.first_month <= made.latest_month).all()
    assert (wide.latest_month - wide.earliest_month > narrow.latest_month - narrow.earliest_month).all()


def test_a_window_never_begins_before_now(predictor, patients):
    wide = policy('rule = "price"\nprice = 20.0\nwindow_loss = 1000.0\n')
    made = only(plan(predictor, patients, wide))
    assert made.earliest_month.min() == 0.0
    assert (made.latest_month <= made.slot_month[-1]).all()


def test_an_interval_counts_from_the_last_visit_and_who_is_overdue_comes_at_once(predictor, patients):
    made = only(plan(predictor, patients, policy('rule = "price"\nprice = 0.001\nlongest_interval_months = 9.0\n')))
    assert dates(made, 0)[0] == pytest.approx(21.0)
    assert dates(made, 1)[0] == pytest.approx(21.0)
    assert dates(made, 2)[0] == pytest.approx(20.0)
    assert all(np.diff(dates(made, who)).max() <= 9.0 for who in range(3))


def test_visits_that_must_be_are_there(predictor, patients):
    made = only(plan(predictor, patients, policy('rule = "price"\nprice = 0.001\nmust_visit_months = [30.0, 48.0]\n')))
    assert dates(made, 0).tolist() == [30.0, 48.0]
    assert dates(made, 1).tolist() == [30.0, 48.0]


def test_a_target_delay_is_met_at_least_burden_and_one_out_of_reach_is_said(predictor, patients):
    made = only(plan(predictor, patients, policy('rule = "target-delay"\ndelay_months = 9.0\n')))
    ((_, points),) = front(predictor, patients, PRICE, prices=tuple(made.price * 0.9))
    cheaper = [points[who][2].delay_months[who] for who in range(3)]
    assert (made.figures.delay_months <= 9.0 * 1.02).all()
    assert (np.array(cheaper) > 9.0 * 0.98).all()
    assert made.broken == ("", "", "")
    ((_, points),) = front(predictor, patients, PRICE, prices=(1000.0,))
    impossible = only(plan(predictor, patients, policy('rule = "target-delay"\ndelay_months = 0.1\n')))
    assert all(text.startswith("delay_months: even at the highest price") for text in impossible.broken)
    assert impossible.figures.delay_months == pytest.approx(points[0][2].delay_months, rel=0.02)


def test_a_new_plan_keeps_near_the_former_date_unless_that_loses_much(predictor, patients):
    free = only(plan(predictor, patients, PRICE))
    earlier = np.round(patients.as_of_month + free.first_month - 9.0, 6)
    former = dataclasses.replace(patients, former_month=earlier)
    keep = 'rule = "price"\nprice = 3.0\nmost_shift_months = 3.0\n'
    kept = only(plan(predictor, former, policy(keep + "shift_gain = 100.0\n")))
    moved = only(plan(predictor, former, policy(keep + "shift_gain = 0.0\n")))
    assert kept.first_month - (earlier - patients.as_of_month) == pytest.approx(3.0)
    assert (moved.done == free.done).all()
    nothing = dataclasses.replace(patients, former_month=np.full(3, np.nan))
    assert (only(plan(predictor, nothing, PRICE)).done == free.done).all()


def test_the_cautious_plan_sees_patients_no_later(predictor, patients):
    usual, cautious = (
        only(plan(predictor, patients, policy(f'rule = "price"\nprice = 3.0\ncautious = {flag}\n')))
        for flag in ("false", "true")
    )
    assert (cautious.first_month <= usual.first_month).all()
    assert (cautious.figures.undetected_months < usual.figures.undetected_months).all()


def test_bands_hold_the_figures(predictor, patients):
    made = only(plan(predictor, patients, PRICE))
    low, high = bands(predictor, patients, PRICE, made)
    for field in dataclasses.fields(Figures):
        ends = getattr(low, field.name), getattr(made.figures, field.name), getattr(high, field.name)
        assert (ends[0] <= ends[2]).all()
        if field.name in ("undetected_months", "delay_months", "onset_probability", "cost"):
            assert (ends[0] < ends[1]).all()
            assert (ends[1] < ends[2]).all()


def test_the_plan_is_the_same_whoever_else_is_asked_about(predictor, patients):
    together = only(plan(predictor, patients, PRICE))
    alone = only(plan(predictor, Patients(patients.histories.select(np.array([1])), np.array([18.0])), PRICE))
    assert dates(alone, 0).tolist() == dates(together, 1).tolist()
    assert alone.figures.undetected_months[0] == pytest.approx(together.figures.undetected_months[1], rel=1e-6)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('rule = "max-unseen-risk"\n', "does not weigh delay against burden"),
        ('rule = "match-guideline"\nguideline = "x"\n', "has no price yet"),
    ],
)
def test_a_policy_without_a_price_has_no_plan(predictor, patients, text, why):
    with pytest.raises(NotSupportedError, match=why):
        list(plan(predictor, patients, policy(text)))


def test_what_no_test_finds_is_not_planned_for(rng):
    ended = outcomes(rng.exponential(20.0, 200), np.ones(200))
    predictor, _ = fit_predictor(exact_study(), no_visits(np.zeros(200)), ended, seed=1)
    with pytest.raises(NotSupportedError, match="no test at hand"):
        list(plan(predictor, Patients(no_visits(np.zeros(1)), np.zeros(1)), PRICE))
