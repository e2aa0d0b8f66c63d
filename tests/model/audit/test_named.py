"""One cause is named where a visit finds several: counted out, and nobody is found twice."""

from itertools import product

import numpy as np
import pytest

from model.audit.detection import detection_steps, onset_seen_from
from model.audit.named import chance_named, named_detections
from model.learning.fitting import fit_predictor
from tests.model.traps.cohorts import drawn, study_of_three


def test_of_what_is_found_one_is_named_by_lot():
    chance = np.array([0.5, 0.2, 0.9, 0.0])
    expected = np.zeros(4)
    for found in map(np.array, product([0, 1], repeat=4)):
        expected += np.where(found, chance, 1 - chance).prod() * found / max(found.sum(), 1)
    assert chance_named(chance[None], np.zeros(4))[0] == pytest.approx(expected, abs=1e-15)


def test_the_most_severe_is_named_and_of_equals_one_by_lot():
    chance, severity = np.array([0.5, 0.2, 0.9, 0.3]), np.array([1, 3, 2, 3])
    expected = np.zeros(4)
    for found in map(np.array, product([0, 1], repeat=4)):
        worst = found * (severity == (found * severity).max())
        expected += np.where(found, chance, 1 - chance).prod() * worst / max(worst.sum(), 1)
    assert chance_named(chance[None], severity)[0] == pytest.approx(expected, abs=1e-15)


def test_a_cause_that_is_alone_is_always_named():
    assert chance_named(np.array([[0.3], [1.0]]), np.ones(1)) == pytest.approx(np.array([[0.3], [1.0]]))
    assert chance_named(np.zeros((0, 2)), np.ones(2)).shape == (0, 2)


def test_over_the_causes_of_a_visit_it_is_the_chance_that_anything_is_found():
    histories, outcomes = drawn(np.random.default_rng(5), 200)
    predictor, _ = fit_predictor(study_of_three(), histories, outcomes, seed=1)
    onset = onset_seen_from(predictor, histories, 0.0)
    assert len(onset) > 1
    asked = predictor.study, histories, outcomes.exit_month
    named = named_detections(*asked, onset)
    missed, total = {}, {}
    for cause, alone in detection_steps(*asked, onset).items():
        assert named[cause].patient.tolist() == alone.patient.tolist()
        assert (named[cause].probability <= alone.probability).all()
        for patient, month, found, told in zip(
            alone.patient, alone.month, alone.probability, named[cause].probability, strict=True
        ):
            missed[patient, month] = missed.get((patient, month), 1.0) * (1 - found)
            total[patient, month] = total.get((patient, month), 0.0) + told
    several = [visit for visit in missed if 1 - missed[visit] > 1e-3]
    assert len(several) > 100
    assert [total[visit] for visit in missed] == pytest.approx([1 - missed[visit] for visit in missed], abs=1e-12)
