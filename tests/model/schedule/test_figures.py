import numpy as np
import pytest

from model.schedule.figures import figures, finer, on_slots
from tests.model.builders import study_by_test
from tests.model.schedule.cases import drawn_prospects, even_hazard, study_of_two_tests
from tests.model.schedule.lives import lived

N = 200_000


def perfect_scans(prospect, *months):
    return on_slots(prospect, np.array([months]), np.tile([True, False], (1, len(months), 1)))


def test_a_perfect_scan_half_way_leaves_a_quarter_of_the_undetected_square():
    # Onsets at h = 0.001 a month, nobody dies: without a scan sum of h (T - t) = h T^2 / 2, to first order in h; a
    # scan at T / 2 leaves two squares of half the side.
    prospect = even_hazard([1e-5], death=0.0)
    study = study_by_test()
    without = figures(study, prospect, perfect_scans(prospect))
    with_one = figures(study, prospect, perfect_scans(prospect, 60.0))
    assert without.undetected_months[0] == pytest.approx(1e-5 * 120**2 / 2, rel=2e-3)
    assert with_one.undetected_months[0] == pytest.approx(1e-5 * 120**2 / 4, rel=2e-3)
    assert with_one.delay_months[0] == pytest.approx(30.0, rel=2e-3)
    assert without.missed_probability[0] == pytest.approx(1e-5 * 120, rel=2e-3)
    assert with_one.missed_probability[0] == pytest.approx(1e-5 * 60, rel=2e-3)
    assert with_one.cost[0] == with_one.tests[0, 0] * 2.0
    assert with_one.planned_visits[0] == 1


def test_death_alone_ends_visits_where_nothing_can_be_found():
    prospect = even_hazard([0.0], death=0.01)
    found = figures(study_by_test(), prospect, perfect_scans(prospect, 30.0, 90.0))
    assert found.visits[0] == pytest.approx(np.exp(-0.3) + np.exp(-0.9))
    assert found.undetected_months[0] == found.onset_probability[0] == found.delay_months[0] == 0.0


def test_a_visit_in_the_last_slot_comes_after_the_plan():
    prospect = even_hazard([0.01])
    assert figures(study_by_test(), prospect, perfect_scans(prospect, 120.0)).visits[0] == 0.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_figures_are_what_happens_to_many_who_live_through_the_plan(seed):
    rng = np.random.default_rng(seed)
    study = study_of_two_tests()
    prospect = drawn_prospects(rng, 1, step=2.0, n_slots=37)
    plan = np.zeros((1, 37, 2), dtype=bool)
    plan[0, rng.choice(36, 5, replace=False)] = True
    plan[0, :, rng.integers(2)] &= rng.random(37) < 0.7
    ours, theirs = figures(study, prospect, plan), lived(rng, study, prospect, plan, N)
    for name, values in theirs.items():
        error = np.maximum(values.std(axis=0) / np.sqrt(N), 1e-9)
        # An onset in mid-bin is 6 or 12 months old between slots; the figures ask at the slot after.
        slack = 0.05 * values.mean(axis=0) if name == "waits" else 0.0
        assert (np.abs(getattr(ours, name)[0] - values.mean(axis=0)) <= 4 * error + slack).all(), name


def test_a_plan_keeps_its_months_on_a_finer_grid():
    coarse, fine = even_hazard([0.01]), even_hazard([0.01], step=1.0, n_slots=121)
    plan = perfect_scans(coarse, 12.0, 60.0)
    assert (finer(plan, coarse, fine) == perfect_scans(fine, 12.0, 60.0)).all()
    both = [
        figures(study_by_test(), grid, p).undetected_months[0]
        for grid, p in ((coarse, plan), (fine, finer(plan, coarse, fine)))
    ]
    assert both[0] == pytest.approx(both[1], rel=0.01)


def test_visits_beyond_the_grid_are_left_out_and_two_in_a_slot_are_one():
    prospect = even_hazard([0.01])
    plan = on_slots(prospect, np.array([[-9.0, 11.9, 12.2, 500.0, np.inf]]), np.ones((1, 5, 2), dtype=bool))
    assert np.flatnonzero(plan[0].any(axis=1)).tolist() == [4]
