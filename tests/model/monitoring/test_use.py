import numpy as np
import pytest

from model.monitoring.quarters import Calendar, first_day
from model.monitoring.use import Use, add_up_use, against_training, use_in_training
from model.monitoring.watched import Watched
from model.saved.at_visits import PERIODS, visit_facts
from model.types import NEGATIVE, NOT_DONE, POSITIVE, Histories
from tests.model.tables import SMALL

# SMALL has the marker cga and the tests ct and mri.
TODAY = first_day(204) - 1  # 2020 is quarters 200 to 203


def use(visits, recorded):
    """One quarter: visits by period, and at how many of them one thing was recorded."""
    return Use(np.array([visits]), np.array([recorded])[:, :, None])


def histories(months, marker, ct, mri):
    """Patients with one visit each, none where the month is infinite."""
    n = len(months)
    test = np.stack([ct, mri], axis=-1).astype(np.int8)[:, None]
    return Histories(np.zeros((n, 6)), np.array(months)[:, None], np.array(marker).reshape(n, 1, 1), test)


THREE = histories([3.0, 12.0, np.inf], [80.0, np.nan, np.nan], [NEGATIVE, NOT_DONE, NOT_DONE], [NOT_DONE, POSITIVE, -1])


def test_facts_count_visits_and_what_was_recorded_at_them_by_period():
    assert PERIODS == (0.0, 12.0, 24.0, 60.0)
    assert visit_facts(SMALL, THREE) == {
        "from_month": [0.0, 12.0, 24.0, 60.0],
        "visits": [1, 1, 0, 0],  # month 12 begins the second period
        "recorded": {"cga": [1, 0, 0, 0], "ct": [1, 0, 0, 0], "mri": [0, 1, 0, 0]},
    }


def test_the_store_and_the_facts_count_alike():
    open_ended = np.full(3, np.nan), np.zeros(3, dtype=np.int64)
    origin = np.repeat(first_day(200) + 31, 3)
    found = add_up_use(Watched.today(SMALL, THREE, origin, *open_ended, today=TODAY), Calendar(200, TODAY))
    told = use_in_training(SMALL, {"at_visits": visit_facts(SMALL, THREE)})
    # The visit at month 12 lies in 2021: ahead of today, so it waits.
    assert (found.visits.sum(axis=0) == [1, 0, 0, 0]).all()
    assert (found.recorded.sum(axis=0)[0] == told.recorded[0, 0]).all()
    assert found.visits[1, 0] == 1  # 3 months after the first of February


def test_shares_by_hand():
    # Here mostly late visits: at those, training recorded it at 1 in 4, early at 4 in 5.
    here, trained = use([10, 30, 0, 5], [8, 9, 0, 5]), use([100, 100, 50, 0], [80, 25, 50, 0])
    share, trained_share, p = against_training(here, trained, least=10)
    assert share == pytest.approx(17 / 40)  # without the last period, in which training has no visit
    assert trained_share == pytest.approx((10 * 0.8 + 30 * 0.25) / 40)
    # Mantel and Haenszel's test by its formula: 17 recorded, for 10 * 88 / 110 + 30 * 34 / 130.
    expected = 10 * 88 / 110 + 30 * 34 / 130
    variance = 10 * 100 * 88 * 22 / (110**2 * 109) + 30 * 100 * 34 * 96 / (130**2 * 129)
    z = (abs(17 - expected) - 0.5) / np.sqrt(variance)
    assert p == pytest.approx(np.array([[2 * _upper_tail(z)]]))


def _upper_tail(z):
    t = np.linspace(z, z + 12, 200_001)
    return np.trapezoid(np.exp(-(t**2) / 2), t) / np.sqrt(2 * np.pi)


def test_a_clinic_that_tests_as_training_did_but_later_is_no_different():
    here, trained = use([5, 0, 100, 200], [4, 0, 30, 20]), use([4000, 2000, 3000, 1000], [3200, 1400, 900, 100])
    share, trained_share, p = against_training(here, trained, least=10)
    assert share == trained_share == pytest.approx(54 / 305)  # over all its visits, training recorded it at 56 %
    assert p == 1.0


@pytest.mark.parametrize("visits", [[9, 0, 0, 0], [0, 0, 0, 40], [0, 0, 0, 0]])
def test_nothing_is_said_of_few_visits_or_of_none_to_compare(visits):
    trained = use([100, 100, 100, 0], [50, 50, 50, 0])
    assert np.isnan(against_training(use(visits, visits), trained, least=10)).all()


@pytest.mark.parametrize("of_all", [0, 1])
def test_what_is_always_or_never_done_cannot_differ(of_all):
    here, trained = use([20, 0, 0, 0], [20 * of_all, 0, 0, 0]), use([100, 0, 0, 0], [100 * of_all, 0, 0, 0])
    share, trained_share, p = against_training(here, trained, least=10)
    assert (share[0, 0], trained_share[0, 0]) == (of_all, of_all)
    assert np.isnan(p)  # not even by chance: no comparison was made


def test_of_what_is_done_alike_one_comparison_in_twenty_differs_at_most():
    rng = np.random.default_rng(1)
    n, trained_n, often = np.array([15, 20, 20, 5]), np.array([400, 300, 500, 100]), np.array([0.8, 0.6, 0.3, 0.1])
    p = np.array(
        [
            against_training(use(n, rng.binomial(n, often)), use(trained_n, rng.binomial(trained_n, often)), least=10)[
                2
            ][0, 0]
            for _ in range(2000)
        ]
    )
    assert np.mean(p < 0.05) < 0.05
    assert np.mean(p < 0.005) < 0.005


def test_a_model_that_does_not_tell_is_not_compared():
    assert use_in_training(SMALL, {"patients": 600}) is None
    told = visit_facts(SMALL, THREE)
    assert use_in_training(SMALL, {"at_visits": told | {"from_month": [0.0, 6.0, 24.0, 60.0]}}) is None
