import numpy as np
import pytest

from model.onset.grid import TimeGrid
from model.onset.growth import Growth
from model.onset.incidence import cumulative_incidence
from model.onset.maturation import begins_by, compete, onsets_of_the_begun, onsets_to_come

GRID = TimeGrid(np.array([0.0, 6.0, 12.0]), 60.0)  # onset bins of one month, risk steps of one month
STEP = np.diff(GRID.risk_month)
AT_ONCE = Growth(0.0, np.ones((1, 1)), np.ones(1))
TWO_PACES = Growth(6.0, np.array([[0.5, 2.0]]), np.array([0.25, 0.75]))  # delays of 12 and 3 months


def test_without_a_lead_a_beginning_is_an_onset(rng):
    begins = np.sort(rng.random((1, 61)))
    assert onsets_to_come(begins, GRID, AT_ONCE, AT_ONCE.share[None]) == pytest.approx(begins)
    begun, width = np.full((1, 1, 72), 0.01), np.full((1, 72), 1.0)
    past = onsets_of_the_begun(begun, width, np.array([72.0]), GRID, AT_ONCE)
    assert past == pytest.approx(np.full((1, 61), 0.72))


def test_what_will_begin_is_an_onset_one_delay_later():
    # All begins at once, at month 10: a quarter is an onset 12 months later, the rest 3 months later.
    begins = (GRID.risk_month >= 10).astype(float)[None]
    onset = onsets_to_come(begins, GRID, TWO_PACES, TWO_PACES.share[None])[0]
    assert onset[[9, 12, 13, 21, 22, 60]] == pytest.approx([0.0, 0.0, 0.75, 0.75, 1.0, 1.0])


def test_a_delay_between_two_months_lies_between_their_values():
    # A delay of 2.25 months: at month 5 those count who began by 2.75.
    quarter = Growth(2.25, np.ones((1, 1)), np.ones(1))
    onset = onsets_to_come(GRID.risk_month[None] ** 2, GRID, quarter, quarter.share[None])[0]
    assert onset[[2, 3, 5]] == pytest.approx([0.0, 0.75, 0.25 * 4 + 0.75 * 9])


def test_each_patient_has_an_own_delay_and_each_draw_own_shares(rng):
    both = Growth(6.0, np.array([[0.5, 2.0], [1.0, 6.0]]), np.array([0.25, 0.75]))
    begins, share = np.sort(rng.random((3, 2, 61))), rng.dirichlet([1.0, 1.0], (3, 2))
    begins[..., 0] = 0.0
    together = onsets_to_come(begins, GRID, both, share)
    for draw in range(3):
        for who in range(2):
            own = both.select(np.array([who]))
            alone = onsets_to_come(begins[draw, [who]], GRID, own, share[draw, [who]])
            assert together[draw, who] == pytest.approx(alone[0])


def test_what_has_begun_is_an_onset_one_delay_later():
    # Begun between 7 and 8, seen from month 8: the fast are onsets between 10 and 11, the slow between 19 and 20.
    begun = np.zeros((1, 2, 72))
    begun[0, :, 7] = [0.1, 0.3]
    width = np.clip(8.0 - GRID.onset_edge[:-1], 0.0, 1.0)[None]
    past = onsets_of_the_begun(begun, width, np.array([8.0]), GRID, TWO_PACES)[0]
    # Risk months count from 8: month 2 is 10, month 3 is 11, months 11 and 12 are 19 and 20.
    assert past[[0, 2, 3, 11, 12, 60]] == pytest.approx([0.0, 0.0, 0.3, 0.3, 0.4, 0.4])


def test_a_bin_that_is_cut_now_is_full_now():
    begun = np.zeros((1, 1, 72))
    begun[0, 0, 7] = 0.2
    width = np.clip(7.4 - GRID.onset_edge[:-1], 0.0, 1.0)[None]
    past = onsets_of_the_begun(begun, width, np.array([7.4]), GRID, AT_ONCE)
    assert past[0, 0] == pytest.approx(0.2)


def free_of(*curves):
    """P(none by then) of independent causes."""
    return np.prod([1.0 - each for each in curves], axis=0)


def test_hazards_add_up_to_what_begins():
    hazard = np.full((1, 60), 0.02)
    assert begins_by(hazard, GRID)[0] == pytest.approx(-np.expm1(-0.02 * GRID.risk_month))


def test_without_lead_and_past_it_is_the_plain_incidence(rng):
    # Two roads: onsets as hazards of their own, or the competing causes' incidence as it always was.
    hazard = rng.uniform(0.0, 0.05, (4, 3, 60))
    curves = np.moveaxis(begins_by(hazard[:, :2], GRID), 1, 0)
    unseen, incidence = compete(np.stack(curves, axis=1), free_of(*curves), hazard[:, 2:], STEP)
    assert (unseen == 0.0).all()
    assert incidence == pytest.approx(cumulative_incidence(hazard, STEP), abs=1e-9)


def test_an_exact_cause_takes_nobody_who_is_past_onset():
    # Present now with probability 0.2; death at hazard 0.01 acts on the other 0.8.
    unseen, incidence = compete(np.full((1, 61), 0.2), np.full(61, 0.8), np.full((1, 60), 0.01), STEP)
    assert unseen == pytest.approx([0.2])
    assert incidence[1, -1] == pytest.approx(0.8 * (1 - np.exp(-0.6)))


def there_at_once(*chance, free):
    curve = np.array(chance)[:, None] * np.ones(61)
    return compete(curve, np.full(61, free), np.zeros((0, 60)), STEP)


def test_of_two_that_may_be_there_one_came_first():
    # P(neither) = 0.8 x 0.5; equal chances share the rest evenly, and the sum is never more than that.
    unseen, _ = there_at_once(0.2, 0.5, free=0.8 * 0.5)
    assert unseen.sum() == pytest.approx(1 - 0.8 * 0.5)
    alike, _ = there_at_once(0.3, 0.3, free=0.49)
    assert alike == pytest.approx(np.full(2, (1 - 0.49) / 2))
    alone, _ = there_at_once(0.2, 0.0, free=0.8)
    assert alone == pytest.approx([0.2, 0.0])


def test_where_only_one_of_two_can_be_there_their_chances_add_up():
    unseen, incidence = there_at_once(0.3, 0.3, free=0.4)
    assert unseen == pytest.approx([0.3, 0.3])
    assert incidence[:, -1] == pytest.approx([0.3, 0.3])
