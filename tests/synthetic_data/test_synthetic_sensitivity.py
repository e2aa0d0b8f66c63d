"""Growth and sensitivity by time: what the default study file holds follows from the synthetic biology."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

import synthetic_data
from synthetic_data.detection import ONSET_DIAMETER_MM, sensitivity
from synthetic_data.parameters import CAUSES, FIRST_SIZE_MM, SIZE_CURVES, SSTR_AVID_SHARE, SYMPTOM_SIZE_MM
from synthetic_data.sensitivity_fit import after_onset, as_toml, doubling_months_of_lesions, fit, growth_of, main

CURVE = {(c.test, c.cause): c for c in SIZE_CURVES}
FIGURES = ("start", "max", "half_time", "first")
each_curve = pytest.mark.parametrize("curve", SIZE_CURVES, ids=lambda c: f"{c.test}-{c.cause}")


@pytest.fixture(scope="module")
def growths():
    return {cause: growth_of(cause) for cause in CAUSES}


def test_usual_pace_spread_and_lead_by_hand(monkeypatch):
    # Three of four lesions double in 10 months, one in 40: mean ln = ln 10 + ln 4 / 4, sd = ln 4 sqrt(3 / 16).
    two_kinds = (np.array([10.0, 40.0]), np.array([3.0, 1.0]))
    monkeypatch.setattr("synthetic_data.sensitivity_fit.doubling_months_of_lesions", lambda _: two_kinds)
    growth = growth_of("nodal")
    assert growth.usual_doubling_months == pytest.approx(14.142, abs=1e-3)
    assert growth.pace_log_sd == pytest.approx(0.6003, abs=1e-4)
    # 3 x 14.142 x log2(5.776 / 3)
    assert growth.lead_months == pytest.approx(40.10, abs=0.1)


def test_a_lesion_of_the_usual_pace_grows_from_3_mm_through_onset_to_symptoms(growths):
    for cause, growth in growths.items():
        months = np.array([-growth.lead_months, 0.0, growth.months_to(SYMPTOM_SIZE_MM)])
        onset = ONSET_DIAMETER_MM[CAUSES.index(cause)]
        assert growth.diameter_mm(months) == pytest.approx([FIRST_SIZE_MM, onset, SYMPTOM_SIZE_MM])


@each_curve
def test_the_fitted_curve_stays_close_to_sensitivity_by_size(curve, growths):
    figures = fit(curve, growths[curve.cause])
    assert figures.rms_error < 0.03
    assert figures.largest_error_before < 0.1
    assert 0.0 < figures.first <= figures.start < figures.max <= 1.0


def test_receptor_pet_never_sees_more_than_the_avid_share(growths):
    for cause in ("nodal", "distant"):
        figures = fit(CURVE["sstr_pet", cause], growths[cause])
        assert figures.max <= 0.97 * SSTR_AVID_SHARE
    # 0.97 x 0.85 / (1 + (5 / 3)^3)
    assert fit(CURVE["sstr_pet", "nodal"], growths["nodal"]).first == pytest.approx(0.1465, abs=0.005)


@each_curve
@pytest.mark.parametrize("months", [6.0, 24.0, 60.0])
def test_averaged_over_paces_it_is_what_tests_find_that_long_after_the_beginning(curve, months, growths):
    growth = growths[curve.cause]
    doubling_months, weight = doubling_months_of_lesions(curve.cause)
    by_size = sensitivity(curve, FIRST_SIZE_MM * np.exp2(months / (3.0 * doubling_months)))
    figures = fit(curve, growth)
    # As the study file says it, with the log-normal pace instead of the lesions themselves.
    chance = (np.arange(400) + 0.5) / 400
    pace = np.exp(growth.pace_log_sd * np.quantile(np.random.default_rng(1).standard_normal(200_000), chance))
    since = pace * months - growth.lead_months
    after = after_onset(np.array([figures.start, figures.max, figures.half_time_months]), np.maximum(since, 0.0))
    before = figures.start * (figures.first / figures.start) ** (np.maximum(-since, 0.0) / growth.lead_months)
    by_time = np.where(since < 0.0, before, after)
    assert by_time.mean() == pytest.approx(np.average(by_size, weights=weight), abs=0.04)


def test_the_default_study_holds_exactly_these_figures(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    assert text == as_toml()
    fitted = tomllib.loads(text)
    path = Path(synthetic_data.__file__).parents[1] / "model/studies/rnet.toml"
    study = tomllib.loads(path.read_text(encoding="utf-8"))
    held = [{key: e[key] for key in ("name", "lead", "pace_log_sd")} for e in study["event"] if e["role"] == "target"]
    assert held == fitted["event"]
    assert {
        (test["name"], cause): {key: sees[key] for key in FIGURES}
        for test in study["test"]
        for cause, sees in test["sees"].items()
    } == {(test["name"], cause): sees for test in fitted["test"] for cause, sees in test["sees"].items()}
    assert {(test["name"], cause) for test in fitted["test"] for cause in test["sees"]} == set(CURVE)
