"""Causes weighed together: every combination counted out, and what the fit of markers makes of it."""

from itertools import product

import numpy as np
import pytest

from model.onset.together import StagesOfAll, Together, onsets_together


def counted_out(none, there, told):
    """Return the weight of all that may be, and of what includes each cause, by enumeration."""
    total, included = 0.0, np.zeros(len(none))
    for begun in (np.array(each, dtype=bool) for each in product([False, True], repeat=len(none))):
        weight = none[~begun].prod()
        if begun.any():
            others = [there[begun & (np.arange(len(none)) != one)].prod() for one in np.flatnonzero(begun)]
            weight *= np.mean(told[begun] * others)
        total += weight
        included += weight * begun
    return total, included


@pytest.mark.parametrize("n_causes", [1, 2, 3, 4, 5])
def test_every_combination_counts(rng, n_causes):
    none, there, told = rng.random((3, 6, n_causes))
    found = Together.of(none, there, told)
    for row in range(6):
        total, included = counted_out(none[row], there[row], told[row])
        assert found.total[row] == pytest.approx(total)
        assert found.chance(there, told)[row] == pytest.approx(included / total)


def test_causes_of_which_markers_say_nothing_are_independent(rng):
    none, there = rng.random((2, 3, 2, 4))
    found = Together.of(none, there, there)
    assert found.total == pytest.approx((none + there).prod(axis=-1))
    assert found.chance(there, there) == pytest.approx(there / (none + there))


def stages_of_three(rng, n=20):
    return StagesOfAll.of([rng.random((n, 4)) for _ in range(3)])


def test_what_markers_speak_of_is_told_apart_without_loss(rng):
    # A cause is spoken of less often than it is there, and everything adds up.
    every = stages_of_three(rng)
    told = every.told_apart()
    assert told.shape == (20, 10)
    assert told.sum(axis=1) == pytest.approx(np.ones(20))
    spoken = told[:, 1:].reshape(20, 3, 3)
    assert (spoken < every.stage).all()
    assert spoken / every.stage == pytest.approx((spoken.sum(axis=2) / every.stage.sum(axis=2))[..., None] + 0 * spoken)


def test_markers_that_say_nothing_move_nothing(rng):
    assert stages_of_three(rng).none_moved(np.zeros((20, 9))) == pytest.approx(np.ones((20, 3)))


def test_what_speaks_for_one_cause_speaks_against_the_others(rng):
    log_factor = np.zeros((20, 9))
    log_factor[:, :3] = 2.0
    moved = stages_of_three(rng).none_moved(log_factor)
    assert (moved[:, 0] < 1.0).all()
    assert (moved[:, 1:] > 1.0).all()


def test_what_was_found_is_not_gone():
    found = StagesOfAll.of([np.array([[0.0, 0.1, 0.2, 0.7]]), np.array([[0.9, 0.1, 0.0, 0.0]])])
    assert found.none_moved(np.full((1, 6), 1.0))[0, 0] == 0.0


def test_followed_over_months_it_is_the_weight_of_what_is_left(rng):
    # Two roads: the compiled loop, and the weights of what has no onset yet over those of now.
    there, told = rng.random((2, 5, 3))
    still, still_told = (each[..., None] * np.linspace(0.9, 0.1, 7) for each in (there, told))
    later = rng.random((5, 3, 1)) * np.linspace(0.0, 0.5, 7)
    months_last = (np.moveaxis(each, 1, 0) for each in (there[..., None] - still, told[..., None] - still_told, later))
    curve, free = onsets_together(*months_last, there, told)
    now = Together.of(np.ones((5, 3)), there, told)
    for month in range(7):
        left = Together.of(1.0 - later[..., month], still[..., month], still_told[..., month])
        assert free[:, month] == pytest.approx(left.total / now.total)
        begun = now.chance(there - still[..., month], told - still_told[..., month])
        to_come = (1.0 - now.chance(there, told)) * later[..., month]
        assert curve[..., month] == pytest.approx((begun + to_come).T)
