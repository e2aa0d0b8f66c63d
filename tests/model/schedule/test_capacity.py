"""A cohort that shares slots."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from model.schedule.best import best_plans
from model.schedule.capacity.booking import Bookings, first_that_fit, months_of
from model.schedule.capacity.crowd import Crowd, Group
from model.schedule.capacity.duty import may_be, overrun, relief
from model.schedule.capacity.insertion import Priced, comes, improve
from model.schedule.capacity.plan import share
from model.schedule.capacity.queue import queued
from model.schedule.capacity.report import infeasible, moved_months
from model.schedule.limits import plain_limits
from model.schedule.task import course_of
from tests.model.schedule.cases import drawn_prospects, every_plan, perfect_task, study_of_two_tests, task_of

CT, MRI = 0, 1


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with threadpool_limits(limits=1):
        yield


ALL_ROOM = np.inf


def drawn_crowd(seed, n, *, n_slots=12, price=8.0, longest=None):
    """Patients of two tests who may come every three months."""
    prospect = drawn_prospects(np.random.default_rng(seed), n, step=3.0, n_slots=n_slots)
    return crowd_of(task_of(study_of_two_tests(), prospect, price), longest=longest)


def crowd_of(task, *, shortest=3.0, longest=None):
    limits = plain_limits(task.prospect, shortest=shortest, longest=longest)
    crowd = Crowd((Group(np.arange(len(task)), task, limits),))
    return crowd, best_plans(task, limits)[0]


def shared(crowd, wanted, room):
    return share(crowd, wanted, room, rng=np.random.default_rng(1), tell=lambda _: None)


def room_of(crowd, each):
    return np.full((months_of(crowd.n_slots), crowd.actions.tests.shape[1]), float(each))


def random_plans(rng, crowd, share_visited=0.3):
    n = len(crowd)
    plan = rng.integers(1, len(crowd.actions.cost), (n, crowd.n_slots))
    plan[rng.random(plan.shape) > share_visited] = 0
    plan[:, [0, -1]] = 0
    return plan


def test_a_slot_s_price_is_paid_by_who_comes():
    crowd, _ = drawn_crowd(1, 40)
    (group,), rng = crowd.groups, np.random.default_rng(2)
    plan, price = random_plans(rng, crowd), rng.uniform(0, 2, (crowd.n_slots, 2))
    course = course_of(group.task, plan)
    paid = (price * crowd.actions.tests[plan]).sum(axis=2) * comes(group.task, course)
    priced = Priced(group.task, group.limits, price @ crowd.actions.tests.T)
    assert priced.course(plan).objective == pytest.approx(course.objective + paid.sum(axis=1))
    assert crowd.load(plan, crowd.comes(plan, crowd.everybody)) * price == pytest.approx(
        (price * crowd.actions.tests[plan] * comes(group.task, course)[:, :, None]).sum(axis=0)
    )


@pytest.mark.parametrize("longest", [None, 12.0])
def test_a_plan_overruns_nothing_when_it_keeps_the_limits_and_a_visit_relieves_what_it_says(longest):
    crowd, _ = drawn_crowd(3, 300, longest=longest)
    limits, rng = crowd.groups[0].limits, np.random.default_rng(4)
    must = np.zeros_like(limits.must)
    must[:100, 5] = True
    limits = limits._replace(must=must, first_by=np.where(np.arange(300) % 2, 4, limits.end))
    visited = random_plans(rng, crowd) > 0
    visited[:, 0] = visited[:, -1] = False
    assert (limits.kept(visited) == (overrun(limits, visited) == 0)).all()
    assert 0.05 < limits.kept(visited).mean() < 0.95
    for slot in range(1, crowd.n_slots - 1):
        more = visited.copy()
        more[:, slot] = True
        gone = overrun(limits, visited) - overrun(limits, more)
        assert relief(limits, visited)[:, slot] == pytest.approx(gone)


def test_a_visit_is_added_where_no_other_would_gain_more():
    task = perfect_task(np.geomspace(1e-3, 2e-2, 20), 3.0, n_slots=15)
    limits = plain_limits(task.prospect, shortest=6.0, longest=None)
    rng = np.random.default_rng(5)
    plan = limits.repaired(rng.random((20, 15)) < 0.2).astype(np.int64)
    toll = rng.uniform(0, 1, (15, 2)) * [0, 1]
    priced = Priced(task, limits, toll)
    added, value = improve(priced, plan, np.full((15, 2), np.inf), passes=range(1))
    least = priced.value(plan)
    for slot in range(15):
        tried = plan.copy()
        fits = may_be(limits, plan > 0)[:, slot]
        tried[fits, slot] = 1
        least = np.minimum(least, priced.value(tried))
    assert value == pytest.approx(least, rel=2e-4)
    assert (added != plan).any()


def test_within_few_slots_plans_are_near_the_best_of_all_and_the_bound_is_below_it():
    gaps = []
    for seed in range(6):
        crowd, wanted = drawn_crowd(seed, 3, n_slots=5, price=30.0)
        ((group,), rng) = crowd.groups, np.random.default_rng(seed)
        room = np.zeros((months_of(5), 2))
        room[3:12:3] = rng.integers(0, 3, (3, 2))
        found = shared(crowd, wanted, room)
        least = best_together(group, room[0:13:3])
        total = found.value.sum()
        assert found.bound <= least * (1 + 1e-6)
        assert least <= total * (1 + 1e-6)
        gaps.append(total / least - 1)
    # Of so few patients one alone may want what two others have.
    assert np.mean(gaps) < 0.03
    assert max(gaps) < 0.08


def best_together(group, slots):
    """The least total of all plans of three patients within the slots, (n_slots, n_tests)."""
    tests = group.task.actions.tests
    plans = every_plan(group.limits, len(tests))
    value, use = [], []
    for who in range(3):
        alone = group.task.select(np.full(len(plans), who))
        course = course_of(alone, plans)
        value.append(course.objective)
        use.append((comes(alone, course)[:, :, None] * tests[plans]).reshape(len(plans), -1))
    least = np.inf
    for first in np.flatnonzero((use[0] <= slots.ravel() + 1e-9).all(axis=1)):
        left = slots.ravel() - use[0][first] + 1e-9
        second = np.flatnonzero((use[1] <= left).all(axis=1))
        fits = (use[1][second, None] + use[2] <= left).all(axis=2)
        both = np.where(fits, value[1][second, None] + value[2], np.inf)
        least = min(least, value[0][first] + both.min())
    return least


@pytest.fixture(scope="module")
def by_room():
    """The same 60 patients with 0, 1, 3 slots of each test a month, and with as many as they want."""
    crowd, wanted = drawn_crowd(6, 60, n_slots=9)
    return {each: shared(crowd, wanted, room_of(crowd, each)) for each in (0, 1, 3, ALL_ROOM)}


@pytest.mark.parametrize("each", [0, 1, 3])
def test_no_month_has_more_than_its_slots(by_room, each):
    found = by_room[each]
    booked, tests = found.bookings, found.crowd.actions.tests
    used = np.zeros_like(found.room)
    come = found.crowd.comes(booked.plan, found.crowd.everybody)
    for who, slot in zip(*np.nonzero(booked.plan), strict=True):
        used[booked.month[who, slot]] += come[who, slot] * tests[booked.plan[who, slot]]
        assert abs(booked.month[who, slot] - 3 * slot) <= 1
    assert (used <= found.room + 1e-6).all()
    assert found.room - used == pytest.approx(booked.left, abs=1e-6)
    assert ((booked.plan > 0) == (booked.month >= 0)).all()
    assert (booked.plan > 0).any() == (each > 0)


def test_more_slots_never_do_worse_and_with_enough_everybody_has_what_is_wanted(by_room):
    total = {each: found.value.sum() for each, found in by_room.items()}
    assert total[0] > total[1] > total[3] > total[ALL_ROOM]
    assert all(found.bound <= total[each] for each, found in by_room.items())
    assert total[3] / by_room[3].bound < 1.08
    crowd = by_room[ALL_ROOM].crowd
    assert total[ALL_ROOM] <= crowd.value(by_room[ALL_ROOM].wanted).sum() * (1 + 1e-6)
    assert by_room[ALL_ROOM].bound == pytest.approx(total[ALL_ROOM], rel=2e-3)


def test_sharing_by_price_beats_every_queue_in_the_same_slots(by_room):
    for each in (1, 3):
        found = by_room[each]
        for rule in ("asked", "due", "urgent"):
            plan, month = queued(found.crowd, found.wanted, found.room, rule)
            booked = Bookings(found.crowd, plan, month, found.crowd.comes(plan, found.crowd.everybody), found.room)
            assert (booked._use(plan, month, booked.come).sum(axis=0) <= found.room + 1e-6).all()
            assert found.value.sum() < found.crowd.value(plan).sum()


def test_a_test_without_slots_is_done_by_nobody():
    crowd, wanted = drawn_crowd(7, 40)
    room = room_of(crowd, ALL_ROOM)
    room[:, MRI] = 0
    tests = crowd.actions.tests
    found = shared(crowd, wanted, room)
    assert tests[wanted][..., MRI].any()
    assert not tests[found.bookings.plan][..., MRI].any()
    assert tests[found.bookings.plan][..., CT].sum() >= tests[wanted][..., CT].sum()


def test_visits_that_must_be_and_have_no_slot_are_infeasible_and_the_limit_is_named():
    crowd, wanted = drawn_crowd(8, 12, n_slots=9, price=0.01, longest=12.0)
    enough, room = room_of(crowd, 12), room_of(crowd, 0)
    assert infeasible(shared(crowd, wanted, enough)) == [""] * 12
    room[10:14, CT] = 2  # months 10 to 13; the plan ends at month 24, so one visit at 12 is what the limit asks for
    found = shared(crowd, wanted, room)
    said = infeasible(found)
    kept = crowd.groups[0].limits.kept(found.bookings.plan > 0)
    assert [not text for text in said] == list(kept)
    # Two each in months 11 to 13 of the slot of month 12 can have it, the two of month 10 come too early.
    assert kept.sum() == 6
    assert {text for text in said if text} <= {
        f"infeasible within the slots; overrun: longest_interval_months by {months} months" for months in (3, 12)
    }


def test_queues_serve_by_their_rule():
    task = perfect_task([0.004, 0.02, 0.001], 3.0, n_slots=15)
    crowd, _ = crowd_of(task)
    wanted = np.zeros((3, 15), dtype=np.int64)
    wanted[0, [4, 8]] = wanted[1, [2, 8]] = wanted[2, 8] = 1
    room = np.zeros((months_of(15), 1))
    room[[6, 12, 24, 30, 36]] = 1
    month = {rule: queued(crowd, wanted, room, rule)[1] for rule in ("asked", "due", "urgent")}
    dates = {rule: [sorted(row[row >= 0].tolist()) for row in its] for rule, its in month.items()}
    # The third asks at once for month 24; the second when its first visit is done, in month 6; the first in month 12.
    assert dates["asked"] == [[12, 36], [6, 30], [24]]
    # Wanted for the same month: as in the list.
    assert dates["due"] == [[12, 24], [6, 30], [36]]
    # Since its visit in month 6 the second has the highest risk, and the third the lowest but never a visit.
    risk = [-np.expm1(-rate * months) for rate, months in ((0.004, 12), (0.02, 18), (0.001, 24))]
    assert risk[1] > risk[0] > risk[2]
    assert dates["urgent"] == [[12, 30], [6, 24], [36]]


def test_who_does_not_fit_leaves_the_room_to_those_behind():
    use = np.array([[2.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.5, 0.0], [0.0, -1.0], [0.0, 0.5]])
    assert sorted(first_that_fit(np.array([2.5, 0.5]), use)) == [0, 3, 4, 5]


def test_the_months_of_visits_are_held_against_those_wanted_in_their_order():
    booked = np.array([[-1, 5, -1, 12], [2, -1, 7, -1], [-1, -1, -1, -1]])
    wanted = np.array([[3, -1, 12, -1], [3, -1, -1, -1], [3, -1, -1, -1]])
    assert moved_months(booked, wanted) == pytest.approx(
        np.array([[np.nan, 2, np.nan, 0], [-1, np.nan, np.nan, np.nan], [np.nan] * 4]), nan_ok=True
    )
