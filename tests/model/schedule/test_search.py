import numpy as np
import pytest

from model.schedule.best import best_plans
from model.schedule.figures import figures
from model.schedule.limits import plain_limits
from model.schedule.task import course_of
from tests.model.schedule.cases import (
    drawn_prospects,
    every_plan,
    least_objective,
    perfect_task,
    study_of_two_tests,
    task_of,
)

N = 250


def small_tasks(seed):
    rng = np.random.default_rng(seed)
    return task_of(study_of_two_tests(), drawn_prospects(rng, N, n_slots=7), np.exp(rng.uniform(-1.5, 2.5, N)))


@pytest.mark.parametrize(("seed", "shortest", "longest"), [(1, 12.0, None), (2, 24.0, 48.0)])
def test_plans_are_as_good_as_the_best_of_all_there_are(seed, shortest, longest):
    task = small_tasks(seed)
    limits = plain_limits(task.prospect, shortest=shortest, longest=longest)
    least = least_objective(task, every_plan(limits, len(task.actions.cost)))
    plan, value = best_plans(task, limits)
    gap = value / least - 1
    assert limits.kept(plan > 0).all()
    assert value == pytest.approx(course_of(task, plan).objective)
    assert gap.min() > -1e-6
    assert gap.max() < 0.01
    assert gap.mean() < 1e-4
    assert np.median(gap) < 1e-6


def test_what_is_searched_is_what_the_figures_say():
    task = small_tasks(3)
    plan = np.random.default_rng(4).integers(0, len(task.actions.cost), (N, task.prospect.n_slots))
    plan[:, -1] = 0
    found = figures(study_of_two_tests(), task.prospect, task.actions.tests[plan])
    assert course_of(task, plan).objective == pytest.approx(found.cost + task.price * found.undetected_months, rel=1e-5)


@pytest.mark.parametrize("death", [0.0, 0.01])
def test_one_perfect_test_is_planned_as_exactly_as_by_dynamic_programming(death):
    hazard = np.geomspace(3e-4, 3e-2, 40)
    task = perfect_task(hazard, 3.0, death=death)
    limits = plain_limits(task.prospect, shortest=3.0, longest=None)
    _, value = best_plans(task, limits)
    exact = np.array([by_dynamic_programming(task, who) for who in range(len(hazard))])
    assert (value >= exact * (1 - 1e-5)).all()
    assert (value / exact - 1).max() < 0.01
    assert (value / exact - 1).mean() < 1e-3
    assert np.median(value / exact - 1) < 1e-4


def by_dynamic_programming(task, who):
    """With a perfect test only the last visit matters: what began since then is unseen until the next."""
    prospect, cost, price = task.prospect, task.actions.cost[1], task.price[who]
    n = prospect.n_slots
    begun = np.cumsum(prospect.mass[who, 0, 0])[prospect.n_past - 1 :][:n]  # by each slot
    middle = (begun[1:] + begun[:-1]) / 2
    followed, counted = prospect.followed[who], prospect.counted[who]
    least = np.zeros(n)  # from a visit in the slot on; the last slot is the end
    for slot in range(n - 2, -1, -1):
        unseen = price * np.cumsum(counted[slot:-1] * (middle[slot:] - begun[slot]))
        following = np.arange(slot + 1, n)
        comes = np.where(following < n - 1, cost * followed[following] * (1 - begun[slot]), 0.0)
        least[slot] = (unseen + comes + least[slot + 1 :]).min()
    return least[0]


def test_plans_keep_to_slots_in_which_visits_may_and_must_be():
    task = small_tasks(5)
    limits = plain_limits(task.prospect, shortest=12.0, longest=36.0)
    rng = np.random.default_rng(6)
    limits.open[:] &= rng.random(limits.open.shape) < 0.9
    limits.must[np.arange(N), rng.integers(1, 6, N)] = True
    can = limits.kept(limits.repaired(limits.open))
    plan, _ = best_plans(task, limits)
    assert can.mean() > 0.5
    assert limits.kept(plan > 0)[can].all()
    assert (plan[limits.must] > 0).all()
