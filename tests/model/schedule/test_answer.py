import numpy as np
import pytest

from model.guidelines.file import DEFAULT_GUIDELINES, DEFAULT_TIERS, read_guidelines, read_tiers
from model.schedule.answer import answer
from model.schedule.outline import outlines
from model.schedule.planner import Patients, plan
from model.schedule.policy import POLICIES, parse_policy, read_policy
from model.schedule.refer import advise
from model.schedule.replan import moment_before, replanned
from model.types import NOT_DONE, Histories

PRICE = read_policy(POLICIES / "price.toml")
UNSEEN = read_policy(POLICIES / "max-unseen-risk.toml")


@pytest.fixture(scope="module")
def patient(trained):
    """The synthetic patient with the highest Ki-67, as of the first visit."""
    cohort = trained.cohort
    ki67 = [item.name for item in cohort.study.baseline].index("ki67_percent")
    seen = np.isfinite(cohort.histories.visit_month).any(axis=1) & (cohort.outcomes.cause == 0)
    who = np.flatnonzero(seen)[[np.nanargmax(cohort.histories.baseline[seen, ki67])]]
    return Patients(cohort.histories.select(who), cohort.histories.visit_month[who, 0])


def weighed(figures, price):
    return float(figures.cost[0] + price * figures.undetected_months[0])


@pytest.mark.parametrize("policy", [PRICE, UNSEEN], ids=["price", "max-unseen-risk"])
def test_guidelines_stand_beside_the_plan_with_the_same_figures(trained, patient, policy):
    study = trained.predictor.study
    guidelines = read_guidelines(DEFAULT_GUIDELINES, study)
    found = answer(trained.predictor, patient, policy, guidelines=guidelines)
    named = {each.guideline.id for each in found.guidelines}
    assert named | {each.id for each in found.silent} == {guideline.id for guideline in guidelines.guideline}
    for each in found.guidelines:
        assert each.row in each.guideline.row
        assert (each.choice.month > patient.as_of_month[0]).all()
        assert each.choice.figures.onset_probability == pytest.approx(found.outline.figures.onset_probability)
        missing = {
            item.name
            for item, value in zip(study.baseline, patient.histories.baseline[0], strict=True)
            if np.isnan(value)
        }
        assert set(each.assumed) <= missing
        if policy is PRICE:  # it weighs best at its price: no guideline does better at it
            assert weighed(each.choice.figures, 4.0) > weighed(found.outline.figures, 4.0) * 0.995
    assert any(each.choice.figures.cost[0] > 0 for each in found.guidelines)


def test_a_tier_has_its_tests_and_staying_there_its_price(trained, patient):
    found = answer(trained.predictor, patient, PRICE, tier="primary")
    study = trained.predictor.study
    tiers = {test.name: test.tiers for test in study.test}
    assert all("primary" in study.test[t].tiers for t in np.flatnonzero(found.outline.tests.any(axis=0)))
    assert found.staying.objective == pytest.approx(found.staying.cost + 4.0 * found.staying.undetected_months)
    # Searched by quarters of a year, told by months: equal plans may differ by a hundredth.
    assert found.staying.objective > -0.01 * weighed(found.outline.figures, 4.0)
    assert all("primary" not in tiers[name] for name in found.staying.needs)
    assert found.guidelines == found.silent == ()


def test_the_answer_says_why_and_how_surely(trained, patient):
    found = answer(trained.predictor, patient, read_policy(POLICIES / "target-delay.toml"))
    said = " ".join(found.outline.why)
    assert "so one stays unseen for 18 months on average, if it comes." in said
    assert "no more than 24 months between visits" in said
    assert "months from now" in found.outline.why[0]
    assert (found.low.undetected_months < found.high.undetected_months).all()
    cost = [choice.figures.cost[0] for choice in found.front]
    assert cost == sorted(cost)


def test_where_no_visit_is_worth_it_none_is_planned(trained, patient):
    found = answer(trained.predictor, patient, parse_policy('rule = "price"\nprice = 1e-6\n', file="p.toml"))
    assert found.outline.month.size == found.outline.unseen_risk.size == 0
    assert found.outline.why[0].startswith("No visit until the plan's end")
    assert found.outline.feasible


def test_the_rule_and_the_planner_tell_the_same_unseen_risk_before_the_first_visit(trained, patient):
    # Two roads: the forecast's incidence thinned by looks, and the planner's mass by pace followed month by month.
    ((_, by_rule),) = outlines(trained.predictor, patient, UNSEEN)
    same = f'rule = "price"\nprice = 1e-6\nmust_visit_months = [{patient.as_of_month[0] + 12.0}]\n'
    ((_, planned),) = outlines(trained.predictor, patient, parse_policy(same, file="p.toml"))
    forecast = trained.predictor.predict(patient.histories, patient.as_of_month)
    targets = np.array(trained.predictor.study.targets) - 1
    alive = 1 - np.delete(forecast.at(12.0)[0], targets).sum()
    assert planned.month.tolist() == [patient.as_of_month[0] + 12.0]
    assert planned.unseen_risk[0] == pytest.approx(forecast.at(12.0)[0, targets].sum() / alive, rel=0.05)
    assert by_rule.unseen_risk[0] == pytest.approx(0.05, abs=0.001) or by_rule.month[0] - patient.as_of_month[0] in (
        3,
        24,
    )


def seen_at(trained, months):
    """One patient with clean sigmoidoscopies."""
    study, cohort = trained.predictor.study, trained.cohort
    test = np.full((1, len(months), len(study.test)), NOT_DONE, dtype=np.int8)
    test[0, :, 0] = 0
    marker = np.full((1, len(months), len(study.marker)), np.nan)
    return Histories(cohort.histories.baseline[:1], np.array([months]), marker, test)


def test_the_moment_before_is_the_last_visit_before_or_the_origin(trained):
    history = seen_at(trained, [6.0, 12.0]).select(np.zeros(5, dtype=int))
    now = np.array([0.0, 6.0, 9.0, 12.0, 30.0])
    assert moment_before(history, now).tolist() == [0.0, 0.0, 6.0, 6.0, 12.0]


def test_a_plan_made_again_keeps_near_the_date_that_the_visit_before_meant(trained):
    keep = 'rule = "price"\nprice = 4.0\nlongest_interval_months = 24.0\nmost_shift_months = 0.0\nshift_gain = {}\n'
    stubborn, free = (parse_policy(keep.format(gain), file="p.toml") for gain in ("1000.0", "0.0"))
    patients = Patients(seen_at(trained, [12.0]), np.array([21.0]))
    ((_, before),) = plan(trained.predictor, Patients(patients.histories, np.array([12.0])), stubborn)
    meant = 12.0 + before.slot_month[before.done[0].any(axis=1)]
    ((_, again),) = replanned(trained.predictor, patients, stubborn)
    assert 21.0 + again.first_month[0] == meant[meant >= 24.0][0]
    ((_, anew),) = replanned(trained.predictor, patients, free)
    ((_, plain),) = plan(trained.predictor, patients, free)
    assert (anew.done == plain.done).all()


def test_a_patient_is_referred_for_a_criterion_or_for_a_better_plan_and_for_nothing_else(trained):
    study = trained.predictor.study
    tiers = read_tiers(DEFAULT_TIERS, study)
    names = [item.name for item in study.baseline]
    baseline = np.full((1, len(names)), np.nan)
    for name, value in {
        "size_mm": 6,
        "depth": 0,
        "grade": 0,
        "margin": 0,
        "lymphovascular_invasion": 0,
        "nodes_imaging": 0,
        "distant_imaging": 0,
    }.items():
        baseline[0, names.index(name)] = value
    asked = {"tier": "primary", "tolerable_loss": 0.1}
    assert advise(tiers, study, baseline, staying=None, **asked) is None
    for name, value, to, said in (
        ("size_mm", 12, "regional", ["size-1-cm"]),
        ("grade", 2, "tertiary", ["grade-2", "grade-3"]),
    ):
        other = baseline.copy()
        other[0, names.index(name)] = value
        found = advise(tiers, study, other, staying=None, **asked)
        assert (found.to_tier, [each.id for each in found.criteria], found.needs) == (to, said, ())
    unknown = baseline.copy()
    unknown[0, names.index("grade")] = np.nan
    assert advise(tiers, study, unknown, staying=None, **asked) is None
