from dataclasses import replace

import numpy as np
import pytest

from synthetic_data.arrays import Component, stream
from synthetic_data.biology import DEFAULT_NATURE, uncertain_nature
from synthetic_data.parameters import LESION_SCALE
from synthetic_data.strata import STRATA, draw_sample, true_auc
from synthetic_data.targets import TARGETS, Check, as_table, check_targets


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
