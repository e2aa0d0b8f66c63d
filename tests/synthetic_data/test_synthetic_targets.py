from dataclasses import replace

import numpy as np
import pytest

from synthetic_data.arrays import Component, stream
from synthetic_data.biology import DEFAULT_NATURE, uncertain_nature
from synthetic_data.detection import ONSET_DIAMETER_MM, sensitivity
from synthetic_data.parameters import CAUSES, FIRST_SIZE_MM, LESION_SCALE, SIZE_CURVES
from synthetic_data.sensitivity_fit import FIT_MONTHS, as_toml, averaged_sensitivity, fit
from synthetic_data.strata import STRATA, draw_sample, true_auc
from synthetic_data.targets import TARGETS, Check, as_table, check_targets

CURVE = {(c.test, c.cause): c for c in SIZE_CURVES}


def test_all_eighteen_targets_are_met_with_20000_patients_per_stratum():
    checks = list(check_targets(seed=2, patients=20_000))
    assert [c.target.number for c in checks if not c.passed] == []
    assert {t.number for t in TARGETS} == set(range(1, 19))
    assert "18 targets; all within their bands." in as_table(checks)


def test_a_target_outside_its_band_is_said():
    missed = Check(replace(TARGETS[0], low=50.0, high=60.0), value=1.0, standard_error=0.1)
    assert not missed.passed
    assert "FAIL" in as_table([missed])
    assert "outside their band: 1." in as_table([missed])


def test_the_auc_is_the_share_of_concordant_pairs():
    sample = draw_sample(STRATA["middle"], patients=400, seed=1)
    case, other = sample.true_hazard[sample.found_month <= 60.0], sample.true_hazard[sample.found_month > 60.0]
    pairs = np.mean((case[:, None] > other) + 0.5 * (case[:, None] == other))
    assert true_auc(sample) == pytest.approx(pairs)


def test_literature_uncertainty_is_log_normal_with_sd_one_half():
    drawn = [uncertain_nature(DEFAULT_NATURE, stream(s, 0, Component.LITERATURE)).scale for s in range(500)]
    logs = np.log(drawn / LESION_SCALE)
    assert logs.std() == pytest.approx(0.5, abs=0.04)
    assert abs(logs.mean()) < 0.06


@pytest.mark.parametrize("curve", SIZE_CURVES, ids=lambda c: f"{c.test}-{c.cause}")
@pytest.mark.parametrize("since", ["onset", "lesion"])
def test_the_fitted_curve_stays_close_to_the_averaged_sensitivity(curve, since):
    start_mm = float(ONSET_DIAMETER_MM[CAUSES.index(curve.cause)]) if since == "onset" else FIRST_SIZE_MM
    figures = fit(curve, start_mm)
    assert figures.rms_error < 0.01
    assert 0.0 <= figures.start < figures.max <= curve.max
    assert averaged_sensitivity(curve, start_mm)[0] == pytest.approx(sensitivity(curve, np.array([start_mm]))[0])


def test_slow_lesions_alone_are_found_later(monkeypatch):
    # After one doubling time a lesion measures 2^(1/3) times as much: by hand for EUS, 0.92 / (1 + (3 / 4.005)^3)
    monkeypatch.setattr(
        "synthetic_data.sensitivity_fit.doubling_months_of_lesions", lambda _: (np.array([24.0]), np.ones(1))
    )
    seen = averaged_sensitivity(CURVE["eus", "local"], float(ONSET_DIAMETER_MM[0]))
    assert seen[FIT_MONTHS == 24.0] == pytest.approx([0.6477], abs=1e-3)


def test_the_fit_prints_one_table_per_test_and_cause():
    text = as_toml()
    assert text.count("[test.sees.") == len(SIZE_CURVES)
    assert text.count("half_time = ") == len(SIZE_CURVES)
