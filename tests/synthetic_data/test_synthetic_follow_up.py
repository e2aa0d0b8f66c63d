from dataclasses import replace

import numpy as np
import pytest

from synthetic_data.arrays import Component, stream
from synthetic_data.follow_up import PERFECT, REAL_WORLD, draw_follow_up
from synthetic_data.parameters import FOLLOW_UP_MONTHS

NO_CUT = replace(REAL_WORLD, data_cut=None)


def draw(patients, adherence):
    return draw_follow_up(patients, adherence, stream(1, 0, Component.FOLLOW_UP))


def test_worse_pathology_raises_the_share_of_visits_kept_by_a_third(patients):
    plain, informative = (draw(patients, replace(NO_CUT, high_risk_factor=f)).attendance for f in (1.0, 1.3))
    high = patients.high_risk
    assert np.array_equal(plain[~high], informative[~high])
    assert informative[high] == pytest.approx(np.minimum(1.3 * plain[high], 1.0))
    assert plain.mean() == pytest.approx(6.0 / 8.0, abs=0.01)


def test_a_quarter_leave_within_two_years_and_four_percent_a_year_of_the_others(patients):
    end = draw(patients, replace(NO_CUT, early_leavers_small=None)).end_month
    # 0.25 + 0.75 (1 - exp(-0.08)) by two years, 0.75 exp(-0.40) still there after ten
    assert np.mean(end <= 24.0) == pytest.approx(0.3077, abs=0.02)
    assert np.mean(end > 120.0) == pytest.approx(0.5027, abs=0.02)


def test_a_third_of_the_small_tumours_never_return(patients):
    end, small = draw(patients, NO_CUT).end_month, patients.size_mm < 10.0
    assert np.mean(end[small] <= 3.0) == pytest.approx(0.35, abs=0.03)
    assert np.mean(end[~small] <= 3.0) < 0.06


def test_nothing_is_known_after_the_data_cut(patients):
    days = (np.datetime64("2024-12-31") - np.datetime64("1970-01-01")).astype(int) - patients.origin_day
    assert np.all(draw(patients, REAL_WORLD).end_month <= days / (365.25 / 12.0))


def test_perfect_adherence_keeps_everybody_to_the_end(patients):
    perfect = draw(patients, PERFECT)
    assert np.all(perfect.attendance == 1.0)
    assert np.all(perfect.end_month == FOLLOW_UP_MONTHS)
