"""What each input, and each group of inputs, adds to the log hazard."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.explain.inputs import contributions, group_contributions
from model.explain.log_hazard import average_landmark, average_scores
from model.features import at_landmark
from model.onset.boosting import Trees
from model.onset.hazard import log_hazard
from model.onset.splines import Splines
from model.types import NEGATIVE
from tests.model.one_patient import baselines, one, visits


def by_source(found):
    return {item.source: item for item in found}


def log_hazard_now(predictor, cause, scores, month):
    """The other road: the log hazard of the first step past a moment, as the predictor computes it."""
    edge, now = predictor.grid.risk_month[:2], np.array([month])
    where = {"landmark_month": now, "past_edge": edge}
    return log_hazard(cause.hazard.best, scores, predictor.fading, predictor.grid, **where)[0, 0]


@settings(max_examples=60, deadline=None)
@given(visits=visits(), baseline=baselines(), month=st.floats(0, 60))
def test_inputs_and_groups_add_up_to_the_log_hazard(trained, visits, baseline, month):
    predictor = trained.predictor
    patient = one(predictor.study, visits=visits, baseline=baseline)
    scores, average = predictor.scores(patient, np.array([month])), float(average_landmark(predictor))
    inputs = contributions(predictor, patient, month)
    groups = group_contributions(inputs)
    for event, cause in zip(predictor.study.event_names, predictor.causes, strict=True):
        away = log_hazard_now(predictor, cause, scores, month)
        away -= log_hazard_now(predictor, cause, average_scores(predictor)[None], average)
        assert sum(item.log_hazard[event] for item in inputs) == pytest.approx(away, abs=1e-9)
        assert sum(group[event] for group in groups.values()) == pytest.approx(away, abs=1e-9)
        for name, group in groups.items():
            members = [item.log_hazard[event] for item in inputs if item.group == name]
            assert group[event] == pytest.approx(sum(members), abs=1e-9)


def test_the_groups_are_those_of_the_study_with_tests_and_time(trained):
    groups = group_contributions(contributions(trained.predictor, one(trained.cohort.study), 0.0))
    assert list(groups) == [
        "demographics", "imaging", "pathology", "biomarker", "treatment", "surveillance", "time",
    ]  # fmt: skip


def test_every_input_is_listed_once_in_the_order_of_the_study(trained):
    study = trained.cohort.study
    found = contributions(trained.predictor, one(trained.cohort.study), 0.0)
    names = [item.name for item in (*study.baseline, *study.marker, *study.test)]
    assert [item.source for item in found] == [*names, "landmark"]
    assert {item.source for item in found if item.value is None} == set(names)
    assert all(item.status == "missing" for item in found if item.source != "landmark")


def test_values_are_shown_as_they_were_recorded(trained):
    patient = one(
        trained.cohort.study,
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
    patient = one(trained.cohort.study, visits={6: {"cga": 80.0}, 12: {"cga": 500.0, "ct": NEGATIVE}})
    found = by_source(contributions(trained.predictor, patient, 11.9))
    assert (found["cga"].value, found["ct"].value) == (80.0, None)


def test_an_old_marker_is_called_stale_after_18_months(trained):
    patient = one(trained.cohort.study, visits={6: {"cga": 80.0}})
    status = [by_source(contributions(trained.predictor, patient, month))["cga"].status for month in (6.0, 24.0, 24.1)]
    assert status == ["used", "used", "stale"]


def test_a_value_beyond_those_of_training_is_said_to_be(trained):
    size = [item.name for item in trained.cohort.study.baseline].index("size_mm")
    most = np.nanmax(trained.cohort.histories.baseline[:, size])
    found = [
        by_source(contributions(trained.predictor, one(trained.cohort.study, baseline={"size_mm": value}), 0.0))
        for value in (most, most + 1)
    ]
    assert [item["size_mm"].status for item in found] == ["used", "out_of_range"]


def test_bends_and_trees_add_up_too(trained, rng):
    # A model of another learner, its numbers drawn at random: bent scores, and one whose trees mix many inputs.
    predictor = trained.predictor
    histories = trained.cohort.histories.select(np.arange(300))
    month = np.full(300, 12.0)
    plain = dataclasses.replace(predictor.scaling, splines=Splines.none(), trees=())
    known = ~np.isnan(at_landmark(predictor.study, histories, np.arange(300), month))
    straight = dataclasses.replace(predictor, scaling=plain).scores(histories, month)
    splines = Splines.learn(straight, known, predictor.features)
    trees = Trees.grow(straight, rng.poisson(1.0, 300).astype(float), np.ones(300), seed=1)
    scaling = dataclasses.replace(plain, splines=splines, trees=(trees,))
    assert scaling.n_scores > plain.n_scores + 1
    first = predictor.causes[0]
    best = dataclasses.replace(first.hazard.best, steady=rng.standard_normal(scaling.n_scores))
    cause = dataclasses.replace(first, hazard=dataclasses.replace(first.hazard, best=best))
    bent = dataclasses.replace(predictor, scaling=scaling, causes=(cause,) * len(predictor.causes))
    average = log_hazard_now(bent, cause, average_scores(bent)[None], float(average_landmark(bent)))
    for who in range(10):
        patient = histories.select(np.array([who]))
        away = log_hazard_now(bent, cause, bent.scores(patient, month[:1]), 12.0) - average
        for found in (
            contributions(bent, patient, 12.0),
            group_contributions(contributions(bent, patient, 12.0)).values(),
        ):
            parts = [item if isinstance(item, dict) else item.log_hazard for item in found]
            assert sum(part["local"] for part in parts) == pytest.approx(away, abs=1e-9)
    assert "interplay" in group_contributions(contributions(bent, patient, 12.0))
