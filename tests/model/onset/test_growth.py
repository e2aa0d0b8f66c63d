import numpy as np
import pytest

from model.onset.growth import Growth, growth_of, seen_by_pace, sensitivity_at
from model.study.entries import Sensitivity
from tests.model.builders import growing, no_growth, study_by_test

SEES = Sensitivity(start=0.4, max=0.8, half_time=10.0, first=0.1)


def study_of(lead=12.0, spread=0.7):
    study = study_by_test()
    event = growing(study.event[0], lead=lead, pace_log_sd=spread)
    return study.model_copy(update={"event": (event, *study.event[1:])})


def test_before_onset_it_is_seen_less_and_before_its_beginning_never():
    # Halfway through the lead it is the geometric mean of 0.1 and 0.4.
    months = np.array([-12.1, -12.0, -6.0, -1e-9, 0.0, 10.0])
    seen = sensitivity_at(SEES, months, months_per_unit=1.0, lead_months=12.0)
    assert seen == pytest.approx([0.0, 0.1, 0.2, 0.4, 0.4, 0.6])


def test_a_shape_above_one_waits_and_then_hurries():
    # With shape 2, (u / 10)^2 half-times have passed: a quarter of one at 5, one at 10, four at 20.
    late = SEES.model_copy(update={"shape": 2.0})
    seen = sensitivity_at(late, np.array([0.0, 5.0, 10.0, 20.0]), months_per_unit=1.0)
    assert seen == pytest.approx(0.8 - 0.4 * np.array([1.0, 2**-0.25, 0.5, 2**-4]))


def test_without_a_half_time_the_most_is_reached_at_once():
    at_once = SEES.model_copy(update={"half_time": 0.0, "shape": 2.0})
    seen = sensitivity_at(at_once, np.array([-1e-9, 1e-9, 5.0]), months_per_unit=1.0)
    assert seen == pytest.approx([0.0, 0.8, 0.8])


def test_paces_stand_for_their_log_normal():
    # Who grows e^0.3 times faster is spread around that; who lacks a baseline is spread more widely: 0.7^2 + 0.51 = 1.
    growth = growth_of(study_of(), 1, np.array([0.0, 0.3, 0.3]), np.array([0.0, 0.0, 0.51]))
    log_pace = np.log(growth.pace)
    assert growth.share.sum() == pytest.approx(1.0)
    assert log_pace @ growth.share == pytest.approx([0.0, 0.3, 0.3])
    spread = np.sqrt((log_pace - [[0.0], [0.3], [0.3]]) ** 2 @ growth.share)
    assert spread == pytest.approx([0.7, 0.7, 1.0], rel=0.02)


def test_twice_the_pace_is_half_the_time():
    twice = Growth(12.0, np.array([[1.0, 2.0]]), np.array([0.5, 0.5]))
    seen = seen_by_pace(SEES, twice, np.array([[20.0, 10.0]]), months_per_unit=1.0)
    assert seen[0, 0, 0] == pytest.approx(seen[0, 1, 1])
    assert twice.delay_months == pytest.approx(np.array([[12.0, 6.0]]))


def test_a_study_without_growth_has_one_pace_and_no_delay():
    growth = no_growth(study_by_test(), 1, n=3)
    assert growth.share.tolist() == [1.0]
    assert growth.delay_months.tolist() == [[0.0]] * 3


def test_the_same_paces_weighed_anew_stand_for_another_middle():
    # Points for log paces around 0 with sd 1; a middle of 0.4 with sd 0.7 is within them, a sharper one is blurred to
    # the points' spacing of half an sd.
    growth = growth_of(study_of(), 1, np.zeros(1), np.array([0.51]))
    log_pace = np.log(growth.pace[0])
    for log_sd, spread in ((0.7, 0.7), (0.1, 0.5)):
        share = growth.share_given(np.array([[0.4]]), log_sd)[0, 0]
        assert share.sum() == pytest.approx(1.0)
        assert share @ log_pace == pytest.approx(0.4, abs=0.01)
        assert np.sqrt(share @ (log_pace - 0.4) ** 2) == pytest.approx(spread, rel=0.02)
