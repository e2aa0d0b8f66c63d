from dataclasses import replace

import numpy as np
import pytest

from synthetic_data.arrays import Component, stream
from synthetic_data.baseline import RADICAL
from synthetic_data.biology import DEFAULT_NATURE, Lesions, death_hazard_at_resection, draw_lesions, log_hazard_ratio
from synthetic_data.parameters import LESION_SCALE
from synthetic_data.variants import VARIANTS

LOCAL, NODAL, DISTANT = range(3)


def draw(patients, nature=DEFAULT_NATURE, seed=1):
    return draw_lesions(patients, nature, stream(seed, 0, Component.LESIONS), stream(seed, 0, Component.DEATH))


def test_a_lesion_doubles_its_diameter_in_three_volume_doublings():
    lesion = Lesions(np.array([[10.0]]), np.array([[4.0]]), np.array([999.0]))
    assert lesion.diameter_mm(np.array([10.0]))[0, 0] == 3.0
    assert lesion.diameter_mm(np.array([22.0]))[0, 0] == pytest.approx(6.0)
    assert lesion.month_of(6.0)[0, 0] == pytest.approx(22.0)
    assert lesion.diameter_mm(np.array([9.9]))[0, 0] == 0.0


def test_the_reference_patient_has_log_hazard_ratio_zero(reference):
    assert np.all(log_hazard_ratio(reference) == 0.0)


def test_each_covariate_enters_as_the_facts_sheet_says(reference):
    everybody = np.ones_like(reference.r1)
    worse = replace(reference, size_mm=reference.size_mm + 10.0, ki67_percent=np.e * reference.ki67_percent)
    assert log_hazard_ratio(worse)[0] == pytest.approx([0.95, 2.10, 2.40])
    marked = replace(reference, r1=everybody, lvi=everybody, depression=everybody, depth=everybody.astype(int))
    assert np.exp(log_hazard_ratio(marked)[0]) == pytest.approx([5.0, 2.0 * 2.5 * 1.4, 1.8 * 2.5 * 1.3])
    radical = replace(reference, technique=np.full_like(reference.technique, RADICAL))
    assert np.exp(log_hazard_ratio(radical)[0]) == pytest.approx([0.3, 0.35, 1.0])


def test_at_ten_years_the_reference_cumulative_hazard_is_c(reference):
    # 20 x 5,000 reference patients: P(lesion within 10 years) = 1 - exp(-c)
    seen = np.mean([np.mean(draw(reference, seed=s).lesion_month <= 120.0, axis=0) for s in range(20)], axis=0)
    expected = -np.expm1(-LESION_SCALE)
    assert np.abs(seen - expected).max() < 4.0 * np.sqrt(expected.max() / 100_000)


def test_a_quarter_of_ten_year_lesions_arise_in_the_first_year(reference):
    # Front-loaded: (1 / 10)^0.6 = 0.251 of the cumulative hazard
    arisen = np.concatenate([draw(reference, seed=s).lesion_month.ravel() for s in range(20)])
    assert np.mean(arisen[arisen <= 120.0] <= 12.0) == pytest.approx(0.251, abs=0.02)


def test_ki67_of_four_halves_the_doubling_time(reference):
    fast = replace(reference, ki67_percent=4.0 * reference.ki67_percent)
    assert draw(fast).doubling_months == pytest.approx(0.5 * draw(reference).doubling_months)


def test_a_man_of_fifty_five_dies_at_the_gompertz_rate(reference):
    man = replace(reference, age_years=np.full(5000, 55.0), male=np.ones(5000, dtype=bool))
    # 0.75 exp(-10.06 + 4.95 + 0.35) per year = 0.642 % a year
    assert 12.0 * death_hazard_at_resection(man)[0] == pytest.approx(0.00642, rel=1e-3)


def test_nobody_dies_of_a_tumour_before_distant_onset(patients):
    lesions = draw(patients)
    harmless = draw(patients, replace(DEFAULT_NATURE, scale=1e-12 * LESION_SCALE))
    hastened = lesions.death_month < harmless.death_month
    assert hastened.any()
    assert np.all(lesions.death_month[hastened] > lesions.onset_month[hastened, DISTANT])


def test_halving_the_hazard_delays_each_lesion_of_the_same_patient(patients):
    # H(t) ~ t^0.6, so half the hazard multiplies each lesion time by 2^(1 / 0.6)
    half = draw(patients, VARIANTS["half-hazard"].nature)
    assert half.lesion_month == pytest.approx(2.0 ** (1.0 / 0.6) * draw(patients).lesion_month)


def test_in_the_null_variant_covariates_change_nothing(patients):
    nature = VARIANTS["null"].nature
    assert np.all(log_hazard_ratio(patients, nature) == 0.0)
    assert np.ptp(death_hazard_at_resection(patients, nature)) == 0.0


def test_a_shared_frailty_ties_nodes_and_distant_but_not_local(reference):
    nature = replace(DEFAULT_NATURE, frailty_sd=2.0)
    moments = np.log(np.concatenate([draw(reference, nature, seed=s).lesion_month for s in range(4)]))
    correlation = np.corrcoef(moments.T)
    assert correlation[NODAL, DISTANT] > 0.5
    assert abs(correlation[LOCAL, NODAL]) < 0.05
