import numpy as np
import pytest

from model.explain import average_landmark, contributions, drivers
from model.features import at_landmark
from model.onset.hazard import clock_at, log_hazard
from model.types import NEGATIVE, NOT_DONE, Histories


def one(trained, *, visits, baseline=None):
    """One patient: {month: {marker or test: value}}; baselines by name, all others missing."""
    study = trained.cohort.study
    names = [item.name for item in study.baseline]
    markers, tests = ([item.name for item in items] for items in (study.marker, study.test))
    base = np.full((1, len(names)), np.nan)
    for name, value in (baseline or {}).items():
        base[0, names.index(name)] = value
    marker = np.full((1, len(visits), len(markers)), np.nan)
    test = np.full((1, len(visits), len(tests)), NOT_DONE, dtype=np.int8)
    for place, found in enumerate(visits.values()):
        for name, value in found.items():
            array, known = (marker, markers) if name in markers else (test, tests)
            array[0, place, known.index(name)] = value
    return Histories(base, np.array([list(visits)], dtype=float).reshape(1, len(visits)), marker, test)


def by_source(found):
    return {item.source: item for item in found}


def test_contributions_add_up_to_the_log_hazard(trained, rng):
    predictor = trained.predictor
    exit_month = trained.cohort.outcomes.exit_month
    for who in rng.choice(np.flatnonzero(exit_month > 40), 25, replace=False):
        patient, month = trained.cohort.histories.select(np.array([who])), float(rng.uniform(0, 40))
        features = at_landmark(predictor.study, patient, np.array([0]), np.array([month]))
        scores, now = (
            predictor.scaling.apply(features),
            {"landmark_month": np.array([month]), "past_month": np.zeros(1)},
        )
        found = contributions(predictor, patient, month)
        for event, cause in zip(predictor.study.event, predictor.causes, strict=True):
            log_rate = log_hazard(cause.parameters, scores, predictor.fading, predictor.grid, **now)[0, 0]
            added = sum(item.log_hazard[event.name] for item in found)
            average = cause.parameters.shape[0] + cause.parameters.clock[0] * clock_at(average_landmark(predictor))
            assert added == pytest.approx(log_rate - average, abs=1e-10)


def test_every_input_is_listed_once_in_the_order_of_the_study(trained):
    study = trained.cohort.study
    found = contributions(trained.predictor, one(trained, visits={}), 0.0)
    names = [item.name for item in (*study.baseline, *study.marker, *study.test)]
    assert [item.source for item in found] == [*names, "landmark"]
    assert {item.source for item in found if item.value is None} == set(names)
    assert all(item.status == "missing" for item in found if item.source != "landmark")


def test_values_are_shown_as_they_were_recorded(trained):
    patient = one(
        trained,
        baseline={"age_years": 61, "sex": 1, "grade": 1, "lymphovascular_invasion": 0, "ki67_percent": 4},
        visits={6: {"cga": 80.5, "ct": NEGATIVE}, 12: {"eus": NEGATIVE}},
    )
    found = by_source(contributions(trained.predictor, patient, 15.0))
    shown = {
        name: found[name].value for name in ("age_years", "sex", "grade", "lymphovascular_invasion", "ki67_percent")
    }
    assert shown == {
        "age_years": 61.0, "sex": "male", "grade": "G2", "lymphovascular_invasion": False, "ki67_percent": 4.0,
    }  # fmt: skip
    assert (found["cga"].value, found["cga"].unit, found["cga"].status) == (80.5, "ng/mL", "used")
    assert (found["ct"].value, found["eus"].value, found["colonoscopy"].value) == (9.0, 3.0, None)
    assert found["landmark"].value == 15.0


def test_what_comes_after_the_moment_is_not_shown(trained):
    patient = one(trained, visits={6: {"cga": 80.0}, 12: {"cga": 500.0, "ct": NEGATIVE}})
    found = by_source(contributions(trained.predictor, patient, 11.9))
    assert (found["cga"].value, found["ct"].value) == (80.0, None)


def test_an_old_marker_is_called_stale_after_18_months(trained):
    patient = one(trained, visits={6: {"cga": 80.0}})
    status = [by_source(contributions(trained.predictor, patient, month))["cga"].status for month in (6.0, 24.0, 24.1)]
    assert status == ["used", "used", "stale"]


def test_a_value_beyond_those_of_training_is_said_to_be(trained):
    size = [item.name for item in trained.cohort.study.baseline].index("size_mm")
    most = np.nanmax(trained.cohort.histories.baseline[:, size])
    found = [
        by_source(contributions(trained.predictor, one(trained, visits={}, baseline={"size_mm": value}), 0.0))
        for value in (most, most + 1)
    ]
    assert [item["size_mm"].status for item in found] == ["used", "out_of_range"]


def test_a_visit_without_results_drove_nothing(trained):
    for visits in ({}, {6: {}}, {6: {"cga": 300.0}, 12: {}}, {18: {"cga": 300.0}}):
        assert drivers(trained.predictor, one(trained, visits=visits), 12.0) == []


def test_a_driver_is_the_risk_with_a_result_minus_the_risk_without_it(trained):
    before = {6: {"cga": 60.0, "ct": NEGATIVE}}
    latest = {"cga": 400.0, "sigmoidoscopy": NEGATIVE, "sstr_pet": NEGATIVE}
    now, horizon = np.array([12.0]), trained.cohort.study.horizon_months[0]

    def risk(results):
        patient = one(trained, visits={**before, 12: results}, baseline={"size_mm": 14})
        return trained.predictor.predict(patient, now).at(horizon)[0]

    found = drivers(trained.predictor, one(trained, visits={**before, 12: latest}, baseline={"size_mm": 14}), 12.0)
    assert {item.source for item in found} == set(latest)
    for item in found:
        without = risk({name: value for name, value in latest.items() if name != item.source})
        assert list(item.change.values()) == pytest.approx((risk(latest) - without).tolist(), abs=1e-12)
    size = [max(map(abs, item.change.values())) for item in found]
    assert size == sorted(size, reverse=True)
    changes = {item.source: item.change for item in found}
    assert changes["sigmoidoscopy"]["local"] < 0  # a clean look makes unseen local disease less likely
    assert changes["sstr_pet"]["distant"] < 0
