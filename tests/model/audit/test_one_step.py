import numpy as np
import pytest

from model.audit.detection import DetectionSteps
from model.audit.one_step import audit_one_step, one_step_calibration
from model.audit.resampling import patient_weights
from tests.model.builders import outcomes


def steps(patient, month, probability):
    return DetectionSteps(np.array(patient), np.array(month, dtype=float), np.array(probability, dtype=float))


def test_an_event_counts_at_its_visit_or_in_a_row_of_its_own():
    # Twelve patients with a visit at 6 and one at 12. Ten are found at their second visit; one is found at 12 without a
    # test of ours there; one goes on event-free.
    two_visits = steps(np.repeat(np.arange(12), 2), np.tile([6.0, 12.0], 12), np.tile([0.1, 0.4], 12))
    both = np.ones(24, dtype=bool)
    both[21] = False  # patient 10 had no test at 12
    tested = DetectionSteps(two_visits.patient[both], two_visits.month[both], two_visits.probability[both])
    ended = outcomes(np.full(12, 12.0), np.array([1] * 11 + [0]))
    whole, apart, *tenths = audit_one_step("found", 1, [tested], ended, patient_weights(12, seed=1))
    assert (whole["n"], whole["observed"]) == (23, 11)
    assert whole["expected"] == pytest.approx(12 * 0.1 + 11 * 0.4)
    assert whole["ratio"]["value"] == pytest.approx(11 / 5.6)
    assert (apart["level"], apart["observed"], apart["expected"]) == ("found without a test", 1, 0)
    assert apart["ratio"] is None
    low, high = tenths
    assert (low["n"], low["observed"], low["ratio"]) == (12, 0, None)  # too few for a ratio
    assert (high["n"], high["observed"]) == (11, 10)
    assert high["ratio"]["value"] == pytest.approx(10 / 4.4)


def test_folds_only_divide_the_work():
    ended = outcomes(np.full(40, 12.0), np.array([1, 0] * 20))
    chance = np.linspace(0.1, 0.6, 40)
    parts = [
        steps(np.arange(0, 40, 2), [12.0] * 20, chance[::2]),
        steps(np.arange(1, 40, 2), [12.0] * 20, chance[1::2]),
    ]
    count = patient_weights(40, seed=1)
    once = audit_one_step("found", 1, [steps(np.arange(40), [12.0] * 40, chance)], ended, count)
    assert [row["n"] for row in once[1:]] == [4] * 10
    apart = audit_one_step("found", 1, parts, ended, count)
    assert [row["observed"] for row in apart] == [row["observed"] for row in once]
    assert apart[0]["expected"] == pytest.approx(once[0]["expected"])


def test_slope_and_intercept_by_hand():
    # Chances 0.2 and 0.5; 0.1 and 0.4 are found. Two points make a line: its slope is the ratio of the logits'
    # distances, ln(6) / ln(4). A chance of 0 has no place on it.
    chance = np.array([0.2] * 100 + [0.5] * 100 + [0.0] * 50)
    found = np.array([1] * 10 + [0] * 90 + [1] * 40 + [0] * 60 + [0] * 50)
    told = steps(np.arange(250), np.full(250, 12.0), chance)
    ended = outcomes(np.where(found, 12.0, 20.0), found)
    row = one_step_calibration("found", 1, [told], ended, patient_weights(250, seed=1))
    assert (row["n"], row["observed"], row["too_few"]) == (200, 50, None)
    assert row["slope"]["value"] == pytest.approx(np.log(6) / np.log(4))
    assert row["slope"]["low"] < row["slope"]["value"] < row["slope"]["high"]
    assert row["intercept"]["high"] < 0


def test_a_right_chance_has_slope_one_and_its_interval_holds_it_as_often_as_it_says(rng):
    held = []
    for seed in range(20):
        chance = np.exp(rng.normal(-2.5, 0.8, 1000)).clip(max=0.9)
        found = rng.random(1000) < chance
        ended = outcomes(np.where(found, 12.0, 20.0), found)
        row = one_step_calibration(
            "found", 1, [steps(np.arange(1000), np.full(1000, 12.0), chance)], ended, patient_weights(1000, seed=seed)
        )
        held.append(row["slope"]["low"] <= 1 <= row["slope"]["high"])
    assert sum(held) >= 16  # binomial with 95 %: fewer in one of 400 runs


def test_too_few_found_have_no_slope():
    ended = outcomes(np.full(40, 12.0), np.repeat([1, 0], [9, 31]))
    row = one_step_calibration("found", 1, [steps(np.arange(40), [12.0] * 40, [0.2] * 40)], ended, np.ones((2, 40)))
    assert (row["slope"], row["too_few"]) == (None, "too few events (9)")
