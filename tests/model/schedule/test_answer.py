import numpy as np
import pytest

from model.guidelines.file import DEFAULT_GUIDELINES, read_guidelines
from model.schedule.answer import answer
from model.schedule.planner import Patients
from model.schedule.policy import POLICIES, read_policy


@pytest.fixture(scope="module")
def patient(trained):
    """The synthetic patient with the highest Ki-67, as of the first visit."""
    cohort = trained.cohort
    ki67 = [item.name for item in cohort.study.baseline].index("ki67_percent")
    seen = np.isfinite(cohort.histories.visit_month).any(axis=1) & (cohort.outcomes.cause == 0)
    who = np.flatnonzero(seen)[[np.nanargmax(cohort.histories.baseline[seen, ki67])]]
    return Patients(cohort.histories.select(who), cohort.histories.visit_month[who, 0])


def test_guidelines_stand_beside_the_plan_with_the_same_figures(trained, patient):
    guidelines = read_guidelines(DEFAULT_GUIDELINES, trained.predictor.study)
    found = answer(trained.predictor, patient, read_policy(POLICIES / "price.toml"), guidelines=guidelines)
    named = {choice.name: choice for choice in found.guidelines}
    assert set(named) | set(found.silent) == {guideline.id for guideline in guidelines.guideline}
    plan = found.plans.figures
    for choice in found.guidelines:
        assert (choice.month > patient.as_of_month[0]).all()
        assert choice.figures.onset_probability == pytest.approx(plan.onset_probability)
        # The plan weighs best at its price: no guideline does better at it.
        theirs = choice.figures.cost + found.plans.price * choice.figures.undetected_months
        assert theirs > (plan.cost + found.plans.price * plan.undetected_months) * 0.995
    assert any(choice.figures.cost[0] > 0 for choice in found.guidelines)


def test_a_tier_has_its_tests_and_staying_there_its_price(trained, patient):
    found = answer(trained.predictor, patient, read_policy(POLICIES / "price.toml"), tier="primary")
    used = np.flatnonzero(found.plans.done[0].any(axis=0))
    assert all("primary" in trained.predictor.study.test[t].tiers for t in used)
    assert found.staying is not None
    price, plan = found.plans.price[0], found.plans.figures
    # Searched by quarters of a year, told by months: equal plans may differ by a hundredth.
    worse = found.staying.cost + price * found.staying.undetected_months
    assert worse > -0.01 * (plan.cost[0] + price * plan.undetected_months[0])
    assert found.guidelines == found.silent == ()


def test_the_answer_says_why(trained, patient):
    found = answer(trained.predictor, patient, read_policy(POLICIES / "target-delay.toml"))
    assert found.why[0].endswith("so one stays unseen for 18 months on average, if it comes.")
    assert "months from now" in found.why[1]
    low, high = found.low.undetected_months, found.high.undetected_months
    assert (low < high).all()
    cost = [choice.figures.cost[0] for choice in found.front]
    assert cost == sorted(cost)
