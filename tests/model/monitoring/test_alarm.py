import math

import numpy as np
import pytest

from model.monitoring.alarm import FACTOR, QUARTERS_PER_FALSE_ALARM, charts

N_CHARTS = 10
N_QUARTERS = 20


def chart(observed, expected, awaiting=0):
    observed = np.array(observed, dtype=float)
    return charts(observed, np.full(len(observed), float(awaiting)), np.array(expected), n_charts=N_CHARTS)


def test_the_score_by_hand():
    # Factor 1.5: a quarter adds observed log 1.5 - expected / 2 to the one chart, expected / 3 - observed log 1.5 to
    # the other.
    more, fewer = chart([4, 0, 3], [2.0, 4.0, 2.0])
    gain = math.log(1.5)
    assert more.score == pytest.approx([4 * gain - 1, 0, 3 * gain - 1])
    assert fewer.score == pytest.approx([0, 4 / 3, 4 / 3 - 3 * gain + 2 / 3])
    assert more.limit == pytest.approx(math.log(QUARTERS_PER_FALSE_ALARM * N_CHARTS))


def test_an_alarm_lasts_as_long_as_the_score_is_at_the_limit():
    more, fewer = chart([2, 30, 30, 0, 60], [2.0, 2.0, 2.0, 60.0, 2.0])
    assert (more.first, more.since) == (1, 4)
    assert (fewer.first, fewer.since) == (3, None)
    assert chart([0], [1.0])[0].first is None


@pytest.mark.parametrize("expected", [0.3, 3.0, 30.0])
def test_a_right_model_is_alarmed_about_in_less_than_5_percent_of_5_years(expected):
    # Five events, charted both ways as in rectal NET; the clinic grows to three times its size.
    rng = np.random.default_rng(3)
    growth = np.linspace(0.5, 1.5, N_QUARTERS) * expected
    clinics = rng.poisson(growth, (1000, N_CHARTS // 2, N_QUARTERS))
    alarmed = sum(
        any(each.first is not None for event in clinic for each in chart(event, growth)) for clinic in clinics
    )
    assert alarmed / len(clinics) < 0.05
    assert expected < 30 or alarmed > 0  # the limit is not out of reach


@pytest.mark.parametrize(("times", "which", "enough"), [(2.0, 0, 40), (FACTOR, 0, 110), (0.5, 1, 80)])
def test_a_wrong_model_is_found_out_by_the_events_that_it_expects(times, which, enough):
    # How many events had to be expected until the alarm came, in nine clinics of ten.
    expected = np.full(200, 3.0)
    observed = np.random.default_rng(4).poisson(times * expected, (500, 200))
    first = [chart(clinic, expected)[which].first for clinic in observed]
    assert None not in first
    assert np.quantile(3.0 * (np.array(first) + 1), 0.9) <= enough


def test_unfinished_work_up_raises_no_alarm():
    # 20 expected, 5 found: too few. With 12 positive tests that wait for work-up nobody can say so.
    expected = np.full(8, 5.0)
    few = np.array([1.0, 0.0] * 4)
    assert chart(few, expected)[1].since is not None
    assert chart(few, expected, awaiting=3)[1].since is None
    assert chart(few, expected, awaiting=100)[0].score.max() == 0


def test_no_quarter_is_over_yet():
    assert chart([], [])[0].since is None
