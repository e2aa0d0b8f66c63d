import numpy as np
import pytest

from model.audit.detection import DetectionSteps
from model.audit.one_step import audit_one_step
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
