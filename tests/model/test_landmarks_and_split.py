import numpy as np
import pytest

from model.landmarks import MIN_LATER_EVENTS, at_risk, supported_until
from model.learning.split import patient_folds
from model.types import Outcomes
from tests.model.tables import SMALL


def outcomes(exit_month, cause):
    return Outcomes(np.asarray(exit_month, float), np.asarray(cause), np.full(len(cause), np.nan))


def test_the_landmarks_of_a_study():
    assert SMALL.landmark_months == (0.0, 6.0, 12.0, 18.0, 24.0)


@pytest.mark.parametrize(
    ("late_recurrences", "expected"),
    [
        (MIN_LATER_EVENTS, 12.0),  # ten after month 12, none after 18
        (MIN_LATER_EVENTS - 1, 6.0),  # only nine after 12, but one more between 6 and 12
    ],
)
def test_answers_end_where_fewer_than_ten_recurrences_follow(late_recurrences, expected):
    month = [13.0] * late_recurrences + [7.0] + [3.0] * 20 + [100.0] * 50
    cause = [1] * late_recurrences + [1] + [1] * 20 + [2] * 25 + [0] * 25  # neither deaths nor the unhurt count
    assert supported_until(SMALL, outcomes(month, cause)) == expected


def test_an_event_at_the_landmark_itself_is_not_after_it():
    assert supported_until(SMALL, outcomes([6.0] * 10, [1] * 10)) == 0.0
    assert supported_until(SMALL, outcomes([np.nextafter(6.0, 7.0)] * 10, [1] * 10)) == 6.0


def test_too_few_events_leave_the_start_alone():
    assert supported_until(SMALL, outcomes([50.0] * 9, [1] * 9)) == 0.0


def test_at_risk_means_followed_past_the_landmark():
    rows = at_risk(np.array([0.0, 6.0, 12.0]), np.array([6.0, 12.5, 3.0]))
    assert rows.patient.tolist() == [0, 1, 1, 1, 2]
    assert rows.landmark.tolist() == [0, 0, 1, 2, 0]
    assert rows.landmark_month.tolist() == [0.0, 0.0, 6.0, 12.0, 0.0]
    later = rows.select(rows.landmark_month > 0)
    assert later.patient.tolist() == [1, 1]


def test_folds_spread_every_cause_evenly(rng):
    cause = rng.choice(4, size=503, p=[0.85, 0.07, 0.05, 0.03])
    fold = patient_folds(cause, n_folds=5, rng=rng)
    assert sorted(set(fold.tolist())) == [0, 1, 2, 3, 4]
    for k in range(4):
        size = np.bincount(fold[cause == k], minlength=5)
        assert size.max() - size.min() <= 1
    size = np.bincount(fold)
    assert size.max() - size.min() <= 1


def test_folds_come_from_the_generator_alone():
    cause = np.repeat([0, 1], [90, 10])
    first, again, other = (patient_folds(cause, n_folds=5, rng=np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_fold_does_not_follow_the_order_of_the_file():
    fold = patient_folds(np.zeros(500, dtype=np.int64), n_folds=5, rng=np.random.default_rng(0))
    assert abs(np.corrcoef(fold[:-1], fold[1:])[0, 1]) < 0.15
