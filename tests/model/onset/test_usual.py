"""What a marker usually is: a known line found again, patients counted once, and nothing where nothing is known."""

import numpy as np
import pytest

from model.onset.usual import IMAGINED, UsualMarkers


def test_what_baselines_do_to_a_marker_is_taken_off(rng):
    baselines = rng.normal(size=(5000, 2))
    noise = rng.normal(scale=0.5, size=(5000, 2))
    last = 0.3 + baselines @ np.array([[0.8, 0.0], [0.0, -0.6]]) + noise
    usual = UsualMarkers.learn(last, baselines, np.arange(5000))
    assert usual.effect == pytest.approx(np.array([[0.3, 0.8, 0.0], [0.3, 0.0, -0.6]]), abs=0.03)
    assert usual.sd == pytest.approx([0.5, 0.5], rel=0.03)
    assert usual.beyond(last, baselines) == pytest.approx(noise / 0.5, abs=0.2)


def test_a_patient_with_many_readings_counts_once(rng):
    baselines, last = rng.normal(size=(60, 1)), rng.normal(size=(60, 1))
    once = UsualMarkers.learn(last, baselines, np.arange(60))
    row = np.repeat(np.arange(60), rng.integers(1, 9, 60))
    often = UsualMarkers.learn(last[row], baselines[row], row)
    assert often.effect == pytest.approx(once.effect)
    assert often.sd == pytest.approx(once.sd)


def test_few_patients_are_held_by_imagined_ones_by_hand():
    # Scores -1 and 1, values -1 and 1: 2 of 2 + 20 of the slope 1 is left.
    usual = UsualMarkers.learn(np.array([[-1.0], [1.0]]), np.array([[-1.0], [1.0]]), np.arange(2))
    assert usual.effect[0] == pytest.approx([0.0, 2 / (2 + IMAGINED)])


def test_a_marker_that_nobody_had_is_as_it_is():
    last = np.full((4, 1), np.nan)
    usual = UsualMarkers.learn(last, np.ones((4, 1)), np.arange(4))
    assert usual.beyond(np.array([[2.0]]), np.ones((1, 1))) == pytest.approx(np.array([[2.0]]))
