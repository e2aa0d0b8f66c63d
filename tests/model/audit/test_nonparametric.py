import numpy as np
import pytest

from model.audit.nonparametric import aalen_johansen, censoring_survival

# Five patients: at 1 one event of cause 1 and one censored; at 2 one event of each cause; the last censored at 3.
MONTHS = np.array([1.0, 1.0, 2.0, 2.0, 3.0])
CAUSE = np.array([1, 0, 2, 1, 0])


def test_aalen_johansen_by_hand_with_ties():
    # At 1: 1 of 5. At 2 three are left: 0.8 x 1/3 for each cause.
    first, second = (aalen_johansen(MONTHS, CAUSE, of_cause=k) for k in (1, 2))
    assert first.at(np.array([0.5, 1.0, 1.5, 2.0, 9.0])) == pytest.approx([0, 0.2, 0.2, 0.2 + 0.8 / 3, 0.2 + 0.8 / 3])
    assert second.at(np.array([1.0, 2.0])) == pytest.approx([0, 0.8 / 3])


def test_who_has_an_event_is_not_at_risk_of_being_censored_at_that_moment():
    # At 1 the one with the event has gone first, so 1 of 4 is censored, not 1 of 5.
    censoring = censoring_survival(MONTHS, CAUSE)
    assert censoring.just_before(np.array([1.0, 2.0, 3.0])) == pytest.approx([1.0, 0.75, 0.75])
    assert censoring.at(np.array([1.0, 2.0, 3.0])) == pytest.approx([0.75, 0.75, 0.0])


def test_a_weight_of_two_is_a_patient_seen_twice(rng):
    months, cause = rng.integers(1, 12, 60).astype(float), rng.integers(0, 3, 60)
    count = rng.integers(0, 4, (5, 60)).astype(float)
    moments = np.arange(0.5, 13)
    weighted = aalen_johansen(months, cause, of_cause=1, weight=count).at(moments)
    censored = censoring_survival(months, cause, count).at(moments)
    for draw in range(5):
        again = np.repeat(np.arange(60), count[draw].astype(int))
        assert weighted[draw] == pytest.approx(aalen_johansen(months[again], cause[again], of_cause=1).at(moments))
        assert censored[draw] == pytest.approx(censoring_survival(months[again], cause[again]).at(moments))


def test_incidences_and_survival_sum_to_one(rng):
    months, cause = rng.integers(1, 12, 200).astype(float), rng.integers(0, 4, 200)
    by_cause = sum(aalen_johansen(months, cause, of_cause=k).at(8.0) for k in (1, 2, 3))
    any_cause = aalen_johansen(months, (cause > 0).astype(int), of_cause=1).at(8.0)
    assert by_cause == pytest.approx(any_cause, abs=1e-12)
