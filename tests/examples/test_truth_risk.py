from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from examples.truth.cohorts import FRESH_SEED, draw, draw_blocks, study_of
from examples.truth.scores import expected_scaled_brier, score
from examples.truth.true_risk import true_risk
from model.types import NOT_DONE
from synthetic_data.arrays import BLOCK, stream
from synthetic_data.biology import DEFAULT_NATURE, Lesions, draw_lesions
from synthetic_data.detection import sensitivity
from synthetic_data.parameters import CAUSES, LIQUID_FREE, LIQUID_LESION, MARKERS, TESTS
from synthetic_data.truth import true_incidence
from synthetic_data.variants import DEFAULT

STUDY = study_of("default")
MRI, SCORE = TESTS.index("pelvic_mri"), MARKERS.index("liquid_biopsy_score")


@pytest.fixture(scope="module")
def known():
    return draw("default", STUDY, patients=1_500, seed=FRESH_SEED)


def test_truth_and_record_are_about_the_same_patients(known):
    size = [b.name for b in STUDY.baseline].index("size_mm")
    assert np.array_equal(known.histories.baseline[:, size], known.patients.size_mm)
    dead = known.cohort.outcomes.cause == 4
    exit_month = known.cohort.outcomes.exit_month
    assert dead.any()
    assert np.abs(exit_month - known.lesions.death_month)[dead].max() <= 0.011


def test_some_patients_keep_their_truth(known):
    who = np.array([7, 3])
    few = known.select(who)
    assert few.cohort.patient_id == ["P0000008", "P0000004"]
    assert np.array_equal(few.lesions.lesion_month, known.lesions.lesion_month[who])
    assert np.array_equal(few.cohort.outcomes.exit_month, known.cohort.outcomes.exit_month[who])


def test_blocks_are_the_cohort(known):
    (block,) = draw_blocks("default", STUDY, patients=1_500, seed=FRESH_SEED)
    assert np.array_equal(block.histories.visit_month, known.histories.visit_month)


def test_an_onset_counts_for_the_first_cause_unless_death_is_earlier(known):
    # At usual growth; local onset is nearly its 3 mm lesion, nodal and distant onsets come later.
    never = np.inf
    lesion = np.array([[5.0, never, never], [40.0, 1.0, never], [30.0, never, never]])
    lesions = Lesions(lesion, np.full((3, 3), 2.0), np.array([90.0, 90.0, 20.0]))
    three = replace(known.select(np.arange(3)), lesions=lesions)
    assert three.happened(np.arange(3), 24.0).tolist() == [
        [True, False, False, True],
        [False, True, False, True],
        [False, False, False, False],
    ]
    assert three.happened(np.array([1]), 6.0).tolist() == [[False, False, False, False]]


def test_only_tests_that_see_less_get_other_sensitivities():
    poor = study_of("poor-tests")
    assert study_of("yearly") == STUDY
    assert poor.model_copy(update={"test": STUDY.test}) == STUDY
    for test, default in zip(poor.test, STUDY.test, strict=True):
        for cause, seen in test.sees.items():
            # On the way from onset to symptoms, at least a fifth of what the default test finds is lost.
            usual = default.sees[cause]
            at = [s.max - (s.max - s.start) * 2 ** (-24.0 / s.half_time) for s in (seen, usual)]
            assert at[0] < 0.8 * at[1]


def test_at_resection_the_true_risk_is_the_true_incidence(known):
    risk = true_risk(known, DEFAULT, landmark_month=0.0, horizon_months=(24.0, 60.0))
    exact = true_incidence(known.patients, until_month=60).incidence
    assert np.abs(risk[:, 0, :3] - exact[:, :, 24]).max() < 1e-4
    assert np.abs(risk[:, 1, :3] - exact[:, :, 60]).max() < 1e-4
    assert np.allclose(risk[:, :, 3], risk[:, :, :3].sum(axis=-1))


@pytest.mark.parametrize("landmark", [12.0, 60.0])
def test_the_true_risk_is_what_happens(known, landmark):
    who = known.followed(landmark)
    risk = true_risk(known.select(who), DEFAULT, landmark_month=landmark, horizon_months=(60.0,))[:, 0]
    observed = known.happened(who, landmark + 60.0).sum(axis=0)
    spread = np.sqrt((risk * (1.0 - risk)).sum(axis=0))
    assert observed[3] > 40
    assert (np.abs(observed - risk.sum(axis=0)) < 3.0 * spread).all()


def test_the_true_risk_is_that_of_the_drawn_courses_that_no_test_would_have_found(known):
    # The other road: draw courses of one patient many times, weigh each by the chance that every test missed it.
    landmark, horizon = 36.0, 60.0
    followed = known.followed(landmark)
    histories = known.histories.until(np.full(len(known.cohort), landmark))
    told = known.patients.muscularis & (histories.test[:, :, MRI] != NOT_DONE).any(axis=1)
    told &= ~np.isnan(histories.marker[:, :, SCORE]).all(axis=1)
    one = known.select(followed[told[followed]][:1])
    risk = true_risk(one, DEFAULT, landmark_month=landmark, horizon_months=(horizon,))[0, 0]

    weight, first, month = drawn_courses(one, landmark, repeats=20)
    within = month <= landmark + horizon
    drawn = np.array([np.sum(weight * within * (first == cause)) for cause in range(3)]) / weight.sum()
    effective = weight.sum() ** 2 / np.sum(weight**2)
    assert effective > 50_000
    assert risk[3] > 0.1
    assert np.abs(drawn - risk[:3]).max() < 4.0 * np.sqrt(0.25 / effective)


def drawn_courses(one, landmark, *, repeats):
    """Weight, first cause and month of first onset (inf: none before death) of courses of a single patient."""
    everybody = one.patients.of(np.zeros(BLOCK, dtype=np.int64))
    parts = []
    for repeat in range(repeats):
        lesions = draw_lesions(everybody, DEFAULT_NATURE, stream(5, repeat, 1), stream(5, repeat, 2))
        weight = (lesions.death_month > landmark) & (lesions.symptom_month.min(axis=1) > landmark)
        weight = weight.astype(float)
        for visit, now in enumerate(one.histories.visit_month[0]):
            if now > landmark:
                break
            size = lesions.diameter_mm(np.full(BLOCK, now))
            for curve in DEFAULT.curves:
                if one.histories.test[0, visit, TESTS.index(curve.test)] != NOT_DONE:
                    weight *= 1.0 - sensitivity(curve, size[:, CAUSES.index(curve.cause)], everybody.avid)
            score = one.histories.marker[0, visit, SCORE]
            if not np.isnan(score):
                assert 0.0 < score < 100.0
                ill = now >= lesions.onset_month.min(axis=1) - DEFAULT.markers.liquid_lead_months
                weight *= np.where(ill, norm(*LIQUID_LESION).pdf(score), norm(*LIQUID_FREE).pdf(score))
        onset = lesions.onset_month
        month = np.where(onset.min(axis=1) < lesions.death_month, onset.min(axis=1), np.inf)
        parts.append((weight, onset.argmin(axis=1), month))
    return (np.concatenate(column) for column in zip(*parts, strict=True))


def test_a_shared_frailty_is_refused(known):
    frail = replace(DEFAULT, nature=replace(DEFAULT_NATURE, frailty_sd=0.5))
    with pytest.raises(ValueError, match="not independent"):
        true_risk(known, frail, landmark_month=0.0, horizon_months=(24.0,))


def test_the_expected_scaled_brier_score_is_the_mean_over_outcomes(rng):
    true = rng.beta(1.0, 8.0, 20_000)
    risk = np.clip(true + 0.03 * rng.standard_normal(len(true)), 0.0, 1.0)
    once = np.ones((1, len(true)))
    drawn = [score(risk, rng.random(len(true)) < true, once).scaled_brier[0] for _ in range(40)]
    assert np.mean(drawn) == pytest.approx(expected_scaled_brier(risk, true), abs=4.0 * np.std(drawn) / np.sqrt(40))
    assert expected_scaled_brier(np.full(len(true), true.mean()), true) == pytest.approx(0.0, abs=1e-12)
