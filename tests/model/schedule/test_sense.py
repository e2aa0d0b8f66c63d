"""What anybody would expect of a schedule, whatever the figures."""

from itertools import pairwise

import numpy as np
import pytest

from model.schedule.best import best_plans
from model.schedule.figures import figures
from model.schedule.limits import plain_limits
from tests.model.schedule.cases import drawn_prospects, perfect_task, study_of_two_tests, task_of

N = 60


def solved(task, *, shortest=12.0, longest=None):
    limits = plain_limits(task.prospect, shortest=shortest, longest=longest)
    return best_plans(task, limits)


def drawn(seed, study=None, price=1.0, tier=None):
    return task_of(study or study_of_two_tests(), drawn_prospects(np.random.default_rng(seed), N), price, tier=tier)


def test_higher_risk_never_means_a_later_first_visit_or_fewer():
    task = perfect_task(np.geomspace(2e-4, 2e-2, 30), 2.0)
    plan, _ = solved(task, shortest=3.0)
    first = np.where((plan > 0).any(axis=1), (plan > 0).argmax(axis=1), 99)
    assert (np.diff(first) <= 0).all()
    assert (np.diff((plan > 0).sum(axis=1)) >= 0).all()
    assert first[0] > first[-1]


def test_the_dearer_delay_is_the_shorter_it_becomes_and_the_more_it_costs():
    study, prospect = study_of_two_tests(), drawn_prospects(np.random.default_rng(1), N)
    found = []
    for price in (0.1, 0.5, 2.0, 8.0):
        task = task_of(study, prospect, price)
        found.append(figures(study, prospect, task.actions.tests[solved(task)[0]]))
    assert all((b.undetected_months <= a.undetected_months + 1e-6).all() for a, b in pairwise(found))
    assert all((b.cost >= a.cost - 1e-6).all() for a, b in pairwise(found))
    assert found[-1].cost.sum() > found[0].cost.sum()


def test_a_dearer_test_is_never_used_more():
    study = study_of_two_tests()
    used = []
    for cost in (1.0, 2.0, 4.0, 50.0):
        mri = study.test[1].model_copy(update={"cost": cost})
        priced = study.model_copy(update={"test": (study.test[0], mri)})
        task = drawn(2, priced)
        found = figures(priced, task.prospect, task.actions.tests[solved(task)[0]])
        used.append(found.tests[:, 1])
    # Fewer visits are made by patients in whom less was found: hence the hundredth of a test.
    assert all((b <= a + 0.01).all() for a, b in pairwise(used))
    assert used[-1].sum() < used[0].sum() / 2


@pytest.mark.parametrize("seed", [3, 4])
def test_more_freedom_never_does_worse(seed):
    task = drawn(seed)
    bound, free = (solved(task, longest=longest)[1] for longest in (24.0, 48.0))
    unbound = solved(task)[1]
    assert (free <= bound * (1 + 1e-6)).all()
    assert (unbound <= free * (1 + 1e-6)).all()


def test_a_wider_choice_of_tests_never_does_worse():
    study = study_of_two_tests()
    only_ct = study.model_copy(
        update={"test": (study.test[0], study.test[1].model_copy(update={"tiers": ("tertiary",)}))}
    )
    few, many = solved(drawn(5, only_ct, tier="primary"))[1], solved(drawn(5, only_ct, tier="tertiary"))[1]
    assert (many <= few * (1 + 1e-6)).all()
    assert many.sum() < few.sum()
