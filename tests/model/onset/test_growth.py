import numpy as np
import pytest

from model.onset.growth import Growth, growth_of, seen_by_pace, sensitivity_at
from model.study import Event, Sensitivity
from tests.model.builders import study_by_test

SEES = Sensitivity(start=0.4, max=0.8, half_time=10.0, first=0.1)


def growing(lead=12.0, spread=0.7):
    study = study_by_test()
    event = Event(name="recurrence", role="target", observed="test", lead=lead, pace_log_sd=spread)
    return study.model_copy(update={"event": (event, *study.event[1:])})


def test_before_onset_it_is_seen_less_and_before_its_beginning_never():
    # Halfway through the lead it is the geometric mean of 0.1 and 0.4.
    months = np.array([-12.1, -12.0, -6.0, -1e-9, 0.0, 10.0])
    seen = sensitivity_at(SEES, months, months_per_unit=1.0, lead_months=12.0)
    assert seen == pytest.approx([0.0, 0.1, 0.2, 0.4, 0.4, 0.6])


def test_paces_stand_for_their_log_normal():
    growth = growth_of(growing(), 1)
    assert growth.share.sum() == pytest.approx(1.0)
    assert np.exp(growth.share @ np.log(growth.pace)) == pytest.approx(1.0)
    assert np.sqrt(growth.share @ np.log(growth.pace) ** 2) == pytest.approx(0.7, rel=0.1)


def test_twice_the_pace_is_half_the_time():
    twice = Growth(12.0, np.array([1.0, 2.0]), np.array([0.5, 0.5]))
    seen = seen_by_pace(SEES, twice, np.array([[20.0, 10.0]]), months_per_unit=1.0)
    assert seen[0, 0, 0] == pytest.approx(seen[0, 1, 1])
    assert twice.delay_months == pytest.approx([12.0, 6.0])


def test_a_study_without_growth_has_one_pace_and_no_delay():
    growth = growth_of(study_by_test(), 1)
    assert growth.delay_months == pytest.approx([0.0])
