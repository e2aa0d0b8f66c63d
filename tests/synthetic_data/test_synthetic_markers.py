from dataclasses import replace

import numpy as np
import pytest

from synthetic_data.arrays import BLOCK, stream
from synthetic_data.biology import Lesions
from synthetic_data.markers import MarkerBiology, draw_markers, log_cga_rise, personal_log_cga
from synthetic_data.parameters import CAUSES, FIRST_SIZE_MM
from synthetic_data.variants import VARIANTS

ROWS = np.arange(BLOCK)
ALWAYS = MarkerBiology(measured_share=np.ones(3))


def lesions_of(size_mm, cause, n=BLOCK):
    """Patients whose one lesion measures size_mm at month 50; it doubles its volume every 5 months."""
    born = np.full((n, 3), np.inf)
    born[:, CAUSES.index(cause)] = 50.0 - 15.0 * np.log2(size_mm / FIRST_SIZE_MM)
    return Lesions(born, np.full((n, 3), 5.0), np.full(n, np.inf))


@pytest.mark.parametrize(("cause", "rise"), [("local", 0.0), ("nodal", 0.25), ("distant", 0.50)])
def test_a_lesion_of_12_mm_raises_ln_cga_by_one_doubling_in_a_secretor_only(cause, rise):
    # log2(1 + (12 / 12)^3) = 1
    of = lesions_of(12.0, cause, n=2)
    assert log_cga_rise(of, np.array([1.0, 0.0]), np.full(2, 50.0), ALWAYS) == pytest.approx([rise, 0.0])


def test_a_third_of_patients_secrete(patients):
    values = [
        draw_markers(
            ROWS,
            np.full(BLOCK, 50.0),
            personal=np.zeros(BLOCK),
            patients=patients,
            lesions=lesions,
            biology=ALWAYS,
            rng=stream(1, 0, 5),
        )[:, 0]
        for lesions in (lesions_of(30.0, "distant"), lesions_of(0.5, "distant"))
    ]
    assert np.mean(values[0] > values[1]) == pytest.approx(0.35, abs=0.03)


def test_the_liquid_biopsy_rises_nine_months_before_onset(patients):
    onset = lesions_of(6.0, "nodal").onset_month.min()
    scores = [
        draw_markers(
            ROWS,
            np.full(BLOCK, onset + since),
            personal=np.zeros(BLOCK),
            patients=patients,
            lesions=lesions_of(6.0, "nodal"),
            biology=ALWAYS,
            rng=stream(1, 0, 5),
        )[:, 1]
        for since in (-9.1, -8.9)
    ]
    # N(14, 8) and N(45, 25), each cut to 0-100
    assert np.median(scores[0]) == pytest.approx(14.0, abs=0.5)
    assert np.median(scores[1]) == pytest.approx(45.0, abs=1.5)
    assert np.min(scores) >= 0.0
    assert np.max(scores) <= 100.0


def test_a_proton_pump_inhibitor_multiplies_cga_by_two_and_a_half(patients):
    off = replace(patients, ppi=np.zeros(BLOCK, dtype=bool))
    on = replace(patients, ppi=np.ones(BLOCK, dtype=bool))
    ratio = np.exp(personal_log_cga(on, stream(1, 0, 5)) - personal_log_cga(off, stream(1, 0, 5)))
    assert ratio == pytest.approx(2.5)


def test_in_the_null_variant_no_marker_follows_the_lesion():
    biology = VARIANTS["null"].markers
    assert np.all(log_cga_rise(lesions_of(30.0, "distant", n=2), np.ones(2), np.full(2, 50.0), biology) == 0.0)
    assert biology.liquid_lesion == (14.0, 8.0)
