"""What moved a patient's risk since the visit before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.explain.change import change_since_last_visit, drivers
from model.explain.inputs import contributions, group_contributions
from model.types import NEGATIVE
from tests.model.one_patient import baselines, one, visits


@settings(max_examples=60, deadline=None)
@given(visits=visits().filter(len), baseline=baselines(), later=st.floats(0, 12))
def test_the_change_adds_up_to_the_log_hazard_now_minus_that_after_the_visit_before(trained, visits, baseline, later):
    predictor, months = trained.predictor, list(visits)
    now, since = months[-1] + later, float(months[-2]) if len(months) > 1 else 0.0
    before = dict(list(visits.items())[:-1])
    changed = change_since_last_visit(predictor, one(predictor.study, visits=visits, baseline=baseline), now)
    assert changed.since_month == since
    after, earlier, unvisited = (
        group_contributions(contributions(predictor, one(predictor.study, visits=record, baseline=baseline), moment))
        for record, moment in ((visits, now), (before, since), (before, now))
    )
    for event in predictor.study.event_names:
        whole = sum(group[event] for group in after.values()) - sum(group[event] for group in earlier.values())
        assert sum(group[event] for group in changed.groups.values()) == pytest.approx(whole, abs=1e-9)
        for name in set(changed.groups) - {"time"}:  # what the visit found, at one and the same moment
            assert changed.groups[name][event] == pytest.approx(after[name][event] - unvisited[name][event], abs=1e-9)


def test_a_visit_that_found_nothing_new_leaves_the_change_to_time(trained):
    patient = one(trained.cohort.study, visits={6: {"cga": 60.0, "ct": NEGATIVE}, 12: {}}, baseline={"size_mm": 14})
    changed = change_since_last_visit(trained.predictor, patient, 12.0)
    assert changed.since_month == 6
    assert all(value == 0 for name, group in changed.groups.items() if name != "time" for value in group.values())
    assert all(value != 0 for value in changed.groups["time"].values())


def test_only_the_groups_of_what_was_recorded_have_moved_beside_time(trained):
    patient = one(trained.cohort.study, visits={6: {"ct": NEGATIVE}, 12: {"cga": 400.0}}, baseline={"size_mm": 14})
    changed = change_since_last_visit(trained.predictor, patient, 12.0).groups
    moved = {name for name, group in changed.items() if any(abs(value) > 1e-12 for value in group.values())}
    assert moved == {"biomarker", "time"}


def test_before_the_first_visit_only_time_has_moved(trained):
    patient = one(trained.cohort.study, visits={6: {"cga": 60.0}})
    changed = change_since_last_visit(trained.predictor, patient, 5.9)
    assert changed.since_month == 0
    assert {name for name, group in changed.groups.items() if any(group.values())} == {"time"}
    assert change_since_last_visit(trained.predictor, patient, 6.0).groups["biomarker"]["distant"] != 0


def test_a_visit_without_results_drove_nothing(trained):
    for record in ({}, {6: {}}, {6: {"cga": 300.0}, 12: {}}, {18: {"cga": 300.0}}):
        assert drivers(trained.predictor, one(trained.cohort.study, visits=record), 12.0) == []


def test_a_driver_is_the_risk_with_a_result_minus_the_risk_without_it(trained):
    before = {6: {"cga": 60.0, "ct": NEGATIVE}}
    latest = {"cga": 400.0, "sigmoidoscopy": NEGATIVE, "sstr_pet": NEGATIVE}
    now, horizon = np.array([12.0]), trained.cohort.study.horizon_months[0]

    def risk(results):
        patient = one(trained.cohort.study, visits={**before, 12: results}, baseline={"size_mm": 14})
        return trained.predictor.predict(patient, now).at(horizon)[0]

    found = drivers(
        trained.predictor, one(trained.cohort.study, visits={**before, 12: latest}, baseline={"size_mm": 14}), 12.0
    )
    assert {item.source for item in found} == set(latest)
    for item in found:
        without = risk({name: value for name, value in latest.items() if name != item.source})
        assert list(item.change.values()) == pytest.approx((risk(latest) - without).tolist(), abs=1e-12)
    size = [max(map(abs, item.change.values())) for item in found]
    assert size == sorted(size, reverse=True)
    changes = {item.source: item.change for item in found}
    assert changes["sigmoidoscopy"]["local"] < 0  # a clean look makes unseen local disease less likely
    assert changes["sstr_pet"]["distant"] < 0
