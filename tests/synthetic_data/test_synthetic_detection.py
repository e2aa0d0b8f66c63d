import numpy as np
import pytest

from synthetic_data.detection import ONSET_DIAMETER_MM, onset_diameter_mm, sensitivity
from synthetic_data.parameters import CAUSES, SIZE_CURVES
from synthetic_data.variants import VARIANTS

CURVE = {(c.test, c.cause): c for c in SIZE_CURVES}


def test_ct_finds_17_percent_of_nodes_of_4_3_mm():
    # 0.90 / (1 + (9 / 4.3)^2) = 0.167; published 21 %
    assert sensitivity(CURVE["ct", "nodal"], np.array([4.3]))[0] == pytest.approx(0.167, abs=5e-4)


@pytest.mark.parametrize("curve", SIZE_CURVES, ids=lambda c: f"{c.test}-{c.cause}")
def test_a_test_finds_nothing_where_nothing_is_and_half_its_ceiling_at_d50(curve):
    avid = np.array([True, True, True])
    found = sensitivity(curve, np.array([0.0, curve.d50_mm, 1e6]), avid)
    assert found == pytest.approx([0.0, curve.max / 2.0, curve.max])


def test_sstr_pet_is_blind_in_a_patient_who_is_not_avid():
    pet = CURVE["sstr_pet", "nodal"]
    assert list(sensitivity(pet, np.array([30.0, 30.0]), np.array([False, True])) > 0.0) == [False, True]


def test_at_onset_the_best_test_has_even_odds():
    for cause, onset in zip(CAUSES, ONSET_DIAMETER_MM, strict=True):
        best = max(sensitivity(c, np.array([onset]))[0] for c in SIZE_CURVES if c.cause == cause)
        assert best == pytest.approx(0.5)


def test_onset_diameters_by_hand():
    # EUS 3 x 0.84^(-1/3); PET nodes 5 x (2 x 0.97 x 0.85 - 1)^(-1/3); liver MRI 6 x 0.94^(-1/3)
    assert pytest.approx([3.179, 5.775, 6.125], abs=1e-3) == ONSET_DIAMETER_MM


def test_poor_tests_see_less_at_every_size():
    sizes = np.linspace(1.0, 35.0, 50)
    for poor, usual in zip(VARIANTS["poor-tests"].curves, SIZE_CURVES, strict=True):
        assert np.all(sensitivity(poor, sizes) < 0.7001 * sensitivity(usual, sizes))
    assert np.all(onset_diameter_mm(VARIANTS["poor-tests"].curves) > ONSET_DIAMETER_MM)
