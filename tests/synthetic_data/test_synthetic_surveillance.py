from dataclasses import fields, replace

import numpy as np
import pytest

from synthetic_data.biology import DEFAULT_NATURE
from synthetic_data.cohort import draw_parts, draw_world
from synthetic_data.follow_up import PERFECT
from synthetic_data.parameters import CAUSES, LESION_SCALE, MARKERS, SIZE_CURVES, TESTS
from synthetic_data.plans import FixedPlan, NextVisit, every
from synthetic_data.surveillance import DEATH, NONE, follow
from synthetic_data.variants import DEFAULT, VARIANTS

CGA = MARKERS.index("cga")
ALL_TESTS = FixedPlan(np.arange(12.0, 145.0, 12.0), np.ones((12, len(TESTS))))
# Tests that miss nothing from the first 3 mm on, and patients who miss no visit
SHARP = replace(
    DEFAULT, adherence=PERFECT, curves=tuple(replace(c, d50_mm=1e-6, max=1.0, needs_avid=False) for c in SIZE_CURVES)
)


def one_part(variant, plan=None, *, seed=5, patients=5_000):
    return next(draw_parts(variant, patients=patients, seed=seed, plan=plan))


def test_perfect_tests_find_each_recurrence_at_the_first_visit_after_its_lesion():
    part = one_part(SHARP, ALL_TESTS)
    lesions, course = part.world.lesions, part.course
    first = lesions.lesion_month.min(axis=1)
    visit = 12.0 * np.ceil(first / 12.0)
    found = (visit <= 144.0) & (visit < lesions.death_month) & (visit < lesions.symptom_month.min(axis=1))
    assert found.sum() > 300
    assert np.array_equal(course.month[found], visit[found])
    assert np.all((course.event[found] > NONE) & (course.event[found] < DEATH))
    assert not course.by_symptoms[found].any()


def test_without_visits_recurrences_show_themselves_at_35_mm():
    part = one_part(SHARP, FixedPlan(np.empty(0), np.empty((0, len(TESTS)))))
    lesions, course = part.world.lesions, part.course
    found = (course.event > NONE) & (course.event < DEATH)
    assert found.sum() > 100
    assert np.all(course.by_symptoms[found])
    assert course.month[found] == pytest.approx(lesions.symptom_month.min(axis=1)[found], abs=0.01)
    assert np.array_equal(course.event[found] - 1, lesions.symptom_month.argmin(axis=1)[found])


def test_the_worst_cause_found_at_a_visit_names_the_event():
    # Hazards thirty times as high, so that two causes often arise between the same two visits
    part = one_part(replace(SHARP, nature=replace(DEFAULT_NATURE, scale=30.0 * LESION_SCALE)), ALL_TESTS)
    lesions, course = part.world.lesions, part.course
    both = (lesions.lesion_month[:, [0, 2]] <= course.month[:, None]).all(axis=1)
    found = both & (course.event > NONE) & (course.event < DEATH) & ~course.by_symptoms
    assert found.sum() > 200
    assert np.all(course.event[found] == 1 + CAUSES.index("distant"))


def test_a_denser_plan_finds_more_and_earlier_but_changes_no_onset():
    # Common random numbers: the same patients, lesions, growth and deaths under either plan
    sparse, dense = (one_part(DEFAULT, every(months)) for months in (24.0, 6.0))
    for name in ("lesion_month", "doubling_months", "death_month", "onset_month"):
        assert np.array_equal(getattr(sparse.world.lesions, name), getattr(dense.world.lesions, name))
    assert sparse.tables()["truth"] == dense.tables()["truth"]
    assert sparse.tables()["patients"] == dense.tables()["patients"]

    found = [(p.course.event > NONE) & (p.course.event < DEATH) for p in (sparse, dense)]
    assert found[1].sum() > 1.15 * found[0].sum()
    both = found[0] & found[1]
    earlier = sparse.course.month[both] - dense.course.month[both]
    assert np.mean(earlier) > 3.0


def test_a_visit_excludes_the_second_test_of_a_pair_unless_both_are_asked_for():
    sigmoidoscopy, colonoscopy, ct, mri = (TESTS.index(t) for t in ("sigmoidoscopy", "colonoscopy", "ct", "liver_mri"))
    done = one_part(DEFAULT).course.visits.tests >= 0
    assert not np.any(done[:, sigmoidoscopy] & done[:, colonoscopy])
    assert np.mean(done[:, sigmoidoscopy] | done[:, colonoscopy]) == pytest.approx(0.85, abs=0.01)
    assert np.mean(done[:, ct] | done[:, mri]) == pytest.approx(0.70, abs=0.01)
    assert np.all(one_part(SHARP, ALL_TESTS).course.visits.tests[:-1].max(axis=1) >= 0)
    asked = one_part(replace(DEFAULT, adherence=PERFECT), ALL_TESTS).course
    assert np.all(asked.visits.tests[asked.visits.month % 12.0 == 0.0] >= 0)


def test_a_policy_sees_results_and_nothing_latent():
    shown = set()

    def after_a_high_cga_come_back_sooner(seen):
        shown.update(seen.patients.column_names)
        visits = seen.visits()
        last = np.full(seen.patients.num_rows, np.nan)
        last[visits.patient] = visits.markers[:, CGA]  # in order of time, so the last one stays
        wait = np.where(last[seen.rows] > 60.0, 3.0, 12.0)
        return NextVisit(seen.now_month + wait, np.ones((len(seen.rows), len(TESTS))))

    always = replace(DEFAULT.markers, measured_share=np.ones(3))
    part = one_part(
        replace(DEFAULT, adherence=PERFECT, markers=always), after_a_high_cga_come_back_sooner, patients=500
    )
    visits = part.course.visits
    same = (visits.patient[1:] == visits.patient[:-1]) & ~part.course.by_symptoms[visits.patient[1:]]
    wait = np.diff(visits.month)[same]
    assert wait == pytest.approx(np.where(visits.markers[:-1, CGA][same] > 60.0, 3.0, 12.0))
    assert shown == set(part.tables()["patients"].column_names)
    assert not any(word in name for name in shown for word in ("lesion", "onset", "death", "symptom", "secretor"))


def test_drop_out_and_attendance_do_not_depend_on_the_plan():
    worlds = [draw_world(v, seed=2, block=1) for v in (VARIANTS["yearly"], VARIANTS["six-monthly"])]
    for f in fields(worlds[0].follow_up):
        assert np.array_equal(getattr(worlds[0].follow_up, f.name), getattr(worlds[1].follow_up, f.name))


def test_one_patients_course_does_not_depend_on_the_others():
    few, many = (one_part(DEFAULT, patients=n).course for n in (100, 5_000))
    assert np.array_equal(few.month, many.month[:100])
    assert np.array_equal(few.event, many.event[:100])


def test_a_plan_that_never_ends_is_refused():
    world = draw_world(replace(DEFAULT, adherence=PERFECT), seed=1, block=0, patients=5)
    stuck = replace(world, follow_up=replace(world.follow_up, end_month=np.full(5, 1e9)))
    immortal = replace(world.lesions, death_month=np.full(5, 1e9), lesion_month=np.full((5, 3), 1e12))
    with pytest.raises(RuntimeError, match="more than 2000 visits"):
        follow(
            replace(stuck, lesions=immortal),
            lambda seen: NextVisit(seen.now_month, np.zeros((len(seen.rows), len(TESTS)))),
        )
