"""Following patients: what a policy costs and how long recurrences stay unseen, by hand and by two roads."""

import numpy as np
import pytest

from model.guidelines.file import DEFAULT_GUIDELINES, read_guidelines
from model.simulate.calendars import ByCalendar, Given, for_everybody, guideline_policy, rhythm
from model.simulate.course import NextVisits, expected_course, follow
from model.simulate.fresh import draw_fresh
from model.simulate.oracles import Clairvoyant
from model.study.file import DEFAULT_STUDY, read_study
from tests.model.simulate.known import STUDY, plan, truth_of

RNET = read_study(DEFAULT_STUDY)


def followed(truth, calendar):
    return follow(truth, for_everybody("x", calendar), STUDY)


@pytest.fixture(scope="module")
def fresh():
    return next(draw_fresh(RNET, stratum="middle", nature="double-hazard", patients=4_000, seed=5, horizon_month=120))


def test_a_perfect_scan_finds_a_recurrence_at_the_first_visit_after_its_onset():
    course = followed(truth_of(onset=[7.5, np.inf]), plan([6, 12, 18], 0))
    assert course.undetected_months.tolist() == [4.5, 0]
    assert course.found_month.tolist() == [12, np.inf]
    assert course.visits.tolist() == [2, 3]
    assert course.burden.tolist() == [4, 6]
    assert course.tests.tolist() == [[2, 0], [3, 0]]
    assert not course.by_symptoms.any()


def test_what_no_visit_finds_stays_unseen_until_symptoms_death_or_the_horizon():
    truth = truth_of(onset=[10, 10, 10, 10], symptom=[19, 30, np.inf, 15], death=[np.inf, 16, np.inf, 14])
    course = followed(truth, plan([6, 20], 1))
    assert course.undetected_months.tolist() == [9, 6, 14, 4]
    assert course.by_symptoms.tolist() == [True, False, False, False]
    assert course.visits.tolist() == [1, 1, 2, 1]


def test_a_test_finds_what_its_luck_allows_and_each_test_has_its_own():
    finds = np.zeros((1, 2, 25))
    finds[0, 0], finds[0, 1] = 0.3, 0.6
    luck = np.full((1, 2, 25), 0.5)
    luck[0, 0, 12] = 0.2
    truth = truth_of(onset=[3], finds=finds, luck=luck)
    assert followed(truth, plan([6, 12, 18], 0)).found_month[0] == 12
    assert followed(truth, plan([6, 12, 18], 1)).found_month[0] == 6
    assert followed(truth, plan([18], 0)).found_month[0] == np.inf


def test_a_visit_that_is_not_later_than_the_last_or_not_at_a_whole_month_is_an_error():
    class Stuck:
        name, reads_markers = "stuck", False

        def __init__(self, month):
            self.month = month

        def start(self, _):
            return self

        def next_visits(self, _, rows, __):
            return NextVisits(np.full(len(rows), self.month), np.ones((len(rows), 2), dtype=bool))

    for month in (6.0, 6.5):
        with pytest.raises(ValueError, match="whole months, each later"):
            follow(truth_of(onset=[np.inf]), Stuck(month), STUDY)


def test_a_policy_sees_its_own_visits_and_results_and_nothing_else():
    seen = []

    class Curious:
        name, reads_markers = "curious", False

        def start(self, _):
            return self

        def next_visits(self, histories, rows, now_month):
            seen.append((histories.visit_month.copy(), histories.test.copy(), rows.tolist(), now_month.tolist()))
            month = np.where(rows == 0, now_month + 6, np.where(now_month == 0, 12.0, np.inf))
            return NextVisits(np.where(month > 12, np.inf, month), np.tile([True, False], (len(rows), 1)))

    follow(truth_of(onset=[np.inf, np.inf, 9]), Curious(), STUDY)
    visits, tests, rows, now = seen[-1]
    assert [len(r) for _, _, r, _ in seen] == [3, 2, 1]
    assert rows == [0]
    assert now == [12]
    assert visits[:2].tolist() == [[6, 12], [12, np.inf]]
    assert tests[0].tolist() == [[0, -1], [0, -1]]
    assert tests[1].tolist() == [[0, -1], [-1, -1]]


@pytest.mark.parametrize("tests", [("sigmoidoscopy", "ct"), ("sstr_pet",), ("eus", "pelvic_mri", "liver_mri")])
def test_expectation_over_the_luck_agrees_with_following_the_patients(fresh, tests):
    calendar = rhythm((4, 12, 18, 36, 60, 61, 96), tests, RNET)
    course = follow(fresh, for_everybody("x", calendar), RNET)
    for drawn, expected in zip(
        (course.undetected_months, course.burden),
        expected_course(fresh, calendar.month, calendar.test, RNET),
        strict=True,
    ):
        difference = drawn - expected
        assert difference.std() > 0
        assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(len(difference))


def test_by_hand_the_expected_course_of_a_test_that_sees_half():
    finds = np.zeros((1, 2, 25))
    finds[0, 0, 6:] = 0.5
    truth = truth_of(onset=[5], finds=finds)
    calendar = plan([6, 12], 0)
    undetected, burden = expected_course(truth, calendar.month, calendar.test, STUDY)
    assert undetected[0] == pytest.approx(1 + 0.5 * 6 + 0.25 * 12)
    assert burden[0] == pytest.approx(2 + 0.5 * 2)


def test_with_the_same_luck_more_visits_and_more_tests_never_find_anything_later(fresh):
    few = follow(fresh, for_everybody("few", rhythm((12, 36, 60), ("ct",), RNET)), RNET)
    visits = follow(fresh, for_everybody("visits", rhythm((6, 12, 24, 36, 60, 90), ("ct",), RNET)), RNET)
    tests = follow(fresh, for_everybody("tests", rhythm((12, 36, 60), ("ct", "sigmoidoscopy", "eus"), RNET)), RNET)
    for more in (visits, tests):
        assert np.all(more.undetected_months <= few.undetected_months)
        assert more.undetected_months.mean() < few.undetected_months.mean()


def test_nobody_finds_anything_earlier_than_the_clairvoyant_who_asks_only_those_who_recur(fresh):
    best = follow(fresh, Clairvoyant(RNET).seeing(fresh), RNET)
    assert best.visits.max() == 1
    assert not best.visits[~fresh.recurs].any()
    guidelines = read_guidelines(DEFAULT_GUIDELINES, RNET)
    for guideline in guidelines.guideline:
        other = follow(fresh, guideline_policy(guideline, guidelines, RNET), RNET)
        assert np.all(best.undetected_months <= other.undetected_months + 1e-9)


def test_those_without_a_calendar_are_not_followed():
    policy = ByCalendar("x", (plan([6], 0), plan([12], 0)), lambda _: np.array([1, -1, 0]))
    course = follow(truth_of(onset=[np.inf] * 3), policy, STUDY)
    assert course.visits.tolist() == [1, 0, 1]
    given = Given.chosen(policy.calendars, np.array([1, -1, 0]))
    assert given.month[:, 0].tolist() == [12, np.inf, 6]


def test_fewer_or_more_patients_drawn_do_not_change_the_first(fresh):
    few = next(draw_fresh(RNET, stratum="middle", nature="double-hazard", patients=30, seed=5, horizon_month=120))
    for name in ("baseline", "onset_month", "symptom_month", "death_month", "finds", "luck"):
        assert np.array_equal(getattr(few, name), getattr(fresh, name)[:30], equal_nan=name == "baseline")
    who = np.array([4, 17, 29])
    assert np.array_equal(few.markers(who, 36), fresh.markers(np.arange(40), 36)[who], equal_nan=True)


def test_nature_changes_what_happens_and_not_who_is_asked(fresh):
    usual, poor = (
        next(draw_fresh(RNET, stratum="middle", nature=nature, patients=500, seed=5, horizon_month=60))
        for nature in ("default", "poor-tests")
    )
    assert np.array_equal(usual.baseline, fresh.baseline[:500], equal_nan=True)
    assert np.array_equal(usual.onset_month, poor.onset_month)
    assert np.all(poor.finds <= usual.finds)
    assert poor.finds.sum() < 0.8 * usual.finds.sum()
    assert np.all(usual.onset_month >= fresh.onset_month[:500])
