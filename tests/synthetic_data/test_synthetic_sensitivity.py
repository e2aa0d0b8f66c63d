"""Growth and sensitivity by time: what the default study file holds follows from the synthetic biology."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

import synthetic_data
from synthetic_data.detection import ONSET_DIAMETER_MM, sensitivity
from synthetic_data.parameters import (
    CAUSES,
    DAYS_PER_MONTH,
    DOUBLING_DAYS,
    DOUBLING_KI67_POWER,
    DOUBLING_LOG_SD,
    FIRST_SIZE_MM,
    SIZE_CURVES,
    SSTR_AVID_SHARE,
    SYMPTOM_SIZE_MM,
)
from synthetic_data.sensitivity_fit import after_onset, as_toml, fit, growth_of, main

CURVE = {(c.test, c.cause): c for c in SIZE_CURVES}
FIGURES = ("start", "max", "half_time", "shape", "first")
each_curve = pytest.mark.parametrize("curve", SIZE_CURVES, ids=lambda c: f"{c.test}-{c.cause}")


@pytest.fixture(scope="module")
def growths():
    return {cause: growth_of(cause) for cause in CAUSES}


def test_lead_by_hand(growths):
    # 600 days are 19.71 months to double; nodal onset at 5.78 mm: 3 x 19.71 x log2(5.776 / 3).
    assert growths["nodal"].usual_doubling_months == pytest.approx(19.713, abs=1e-3)
    assert growths["nodal"].lead_months == pytest.approx(55.9, abs=0.05)
    assert {growth.pace_log_sd for growth in growths.values()} == {0.5}


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
        at_symptoms = np.array([growths[cause].months_to(SYMPTOM_SIZE_MM)])
        fitted = np.array([figures.start, figures.max, figures.half_time_months, figures.shape])
        assert after_onset(fitted, at_symptoms)[0] == pytest.approx(0.97 * SSTR_AVID_SHARE, abs=0.005)
        assert figures.max <= SSTR_AVID_SHARE
    # 0.97 x 0.85 / (1 + (5 / 3)^3)
    assert fit(CURVE["sstr_pet", "nodal"], growths["nodal"]).first == pytest.approx(0.1465, abs=0.005)


@each_curve
@pytest.mark.parametrize("ki67", [1.0, 4.0])
@pytest.mark.parametrize("months", [6.0, 24.0, 60.0])
def test_averaged_over_lesions_it_is_what_tests_find_that_long_after_the_beginning(curve, ki67, months, growths):
    # Lesions as the synthetic biology grows them, by size; and as a study file says it, by time at the usual pace.
    chance = (np.arange(400) + 0.5) / 400
    spread = norm.ppf(chance)
    doubling_months = DOUBLING_DAYS / DAYS_PER_MONTH * ki67**DOUBLING_KI67_POWER * np.exp(DOUBLING_LOG_SD * spread)
    by_size = sensitivity(curve, FIRST_SIZE_MM * np.exp2(months / (3.0 * doubling_months)))
    growth, figures = growths[curve.cause], fit(curve, growths[curve.cause])
    pace = np.exp(0.5 * np.log(ki67) - growth.pace_log_sd * spread)
    since = pace * months - growth.lead_months
    fitted = np.array([figures.start, figures.max, figures.half_time_months, figures.shape])
    before = figures.start * (figures.first / figures.start) ** (np.maximum(-since, 0.0) / growth.lead_months)
    by_time = np.where(since < 0.0, before, after_onset(fitted, np.maximum(since, 0.0)))
    assert by_time.mean() == pytest.approx(by_size.mean(), abs=0.03)


def test_the_default_study_holds_exactly_these_figures(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    assert text == as_toml()
    fitted = tomllib.loads(text)
    path = Path(synthetic_data.__file__).parents[1] / "model/studies/rnet.toml"
    study = tomllib.loads(path.read_text(encoding="utf-8"))
    growing = ("name", "lead", "pace_log_sd", "pace")
    held = [{key: event[key] for key in growing} for event in study["event"] if event["role"] == "target"]
    assert held == fitted["event"]
    assert {
        (test["name"], cause): {key: sees[key] for key in FIGURES}
        for test in study["test"]
        for cause, sees in test["sees"].items()
    } == {(test["name"], cause): sees for test in fitted["test"] for cause, sees in test["sees"].items()}
    assert {(test["name"], cause) for test in fitted["test"] for cause in test["sees"]} == set(CURVE)
