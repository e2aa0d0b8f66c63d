"""What is not known of a patient, and what knowing it could change."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import norm

from model.explain.plausible import missing_inputs
from model.explain.unknown import unknowns
from model.onset.missing import JointNormal
from model.types import NEGATIVE
from tests.model.one_patient import baselines, one, visits

SIZE_AND_GRADE = {"age_years": 61, "sex": 1, "size_mm": 14, "grade": 1, "technique": 4}
SEEN = {6: {"ct": NEGATIVE}, 12: {"sigmoidoscopy": NEGATIVE, "cga": 80.0}}


def by_source(found):
    return {unknown.source: unknown for unknown in found}


def test_everything_missing_is_listed_and_nothing_known(trained):
    study = trained.cohort.study
    found = by_source(unknowns(trained.predictor, one(study, visits=SEEN, baseline=SIZE_AND_GRADE), 12.0))
    assert set(found) == {item.name for item in (*study.baseline, *study.marker)} - {*SIZE_AND_GRADE, "cga"}
    for unknown in found.values():
        events = [None, *study.event_names] if unknown.values else []
        asked = [(possible.event, possible.horizon_months) for possible in unknown.possible]
        assert asked == [(event, months) for event in events for months in (12.0, 60.0)]


def test_the_risk_with_a_value_is_the_risk_of_the_patient_with_that_value(trained):
    predictor, study = trained.predictor, trained.cohort.study
    found = by_source(unknowns(predictor, one(study, visits=SEEN, baseline=SIZE_AND_GRADE), 12.0))
    levels = {item.name: item.levels for item in study.baseline}

    def risk(baseline, results):
        patient = one(study, visits={**SEEN, 12: SEEN[12] | results}, baseline=baseline)
        return predictor.predict(patient, np.array([12.0])).at(60.0)[0]

    for name in ("ki67_percent", "lymphovascular_invasion", "depth", "margin", "five_hiaa"):
        given = [levels[name].index(value) if levels.get(name) else float(value) for value in found[name].values]
        marker = name == "five_hiaa"
        risks = [risk(SIZE_AND_GRADE | ({} if marker else {name: v}), {name: v} if marker else {}) for v in given]
        nodal = study.event_names.index("nodal")
        for event, told in (("nodal", [each[nodal] for each in risks]), (None, [each[:3].sum() for each in risks])):
            told_by = [p for p in found[name].possible if (p.event, p.horizon_months) == (event, 60.0)]
            assert (told_by[0].low, told_by[0].high) == pytest.approx((min(told), max(told)), abs=1e-12)
            assert told_by[0].low_if == found[name].values[int(np.argmin(told))]
            assert told_by[0].high_if == found[name].values[int(np.argmax(told))]
        now = risk(SIZE_AND_GRADE, {})[:3].sum()
        assert [p.now for p in found[name].possible if p.event is None][-1] == pytest.approx(now, abs=1e-12)


def test_what_could_change_most_comes_first(trained):
    found = unknowns(trained.predictor, one(trained.cohort.study, visits=SEEN, baseline=SIZE_AND_GRADE), 12.0)
    assert [unknown.spread for unknown in found] == sorted((unknown.spread for unknown in found), reverse=True)
    # Ki-67 carries the strongest published effect per spread; an immune stain carries none.
    order = [unknown.source for unknown in found]
    assert order[0] == "ki67_percent"
    assert order.index("ki67_percent") < order.index("synaptophysin_positive")


@settings(max_examples=40, deadline=None)
@given(visits=visits(), baseline=baselines())
def test_what_is_plausible_can_be_recorded(trained, visits, baseline):
    predictor, study = trained.predictor, trained.cohort.study
    for missing in missing_inputs(predictor, one(study, visits=visits, baseline=baseline)):
        assert missing.weight.sum() == pytest.approx(1.0)
        assert (missing.weight > 0).all()
        if missing.chances is None:
            low, high = missing.item.range
            assert ((missing.value >= low) & (missing.value <= high)).all()
            assert missing.value[0] <= missing.value[1]
        else:
            assert set(missing.value) <= set(range(max(len(missing.item.levels), 2)))


def test_plausible_values_by_hand(trained):
    # Two scores that go together with correlation 0.8, the known one 2 sd up: the other is normal (1.6, 0.6).
    study, scaling = trained.cohort.study, trained.predictor.scaling
    names = [feature.name for feature in trained.predictor.features]
    size, ki67 = names.index("size_mm"), names.index("ki67_percent")
    covariance = np.eye(len(scaling.baselines.mean))
    covariance[size, ki67] = covariance[ki67, size] = 0.8
    normal = JointNormal(np.zeros(len(covariance)), covariance)
    wide = dataclasses.replace(scaling, baselines=normal, low=scaling.low - 99, high=scaling.high + 99)
    predictor = dataclasses.replace(trained.predictor, scaling=wide)
    patient = one(study, baseline={"size_mm": scaling.mean[size] + 2 * scaling.scale[size]})
    found = {missing.item.name: missing for missing in missing_inputs(predictor, patient)}
    expected = scaling.mean[ki67] + scaling.scale[ki67] * (1.6 + 0.6 * 1.2815516 * np.array([-1, 1]))
    assert np.log(found["ki67_percent"].value) == pytest.approx(expected, rel=1e-6)
    # Nothing known goes with it: a yes is as frequent as in training.
    share = scaling.mean[names.index("lymphovascular_invasion")]
    assert found["lymphovascular_invasion"].chances == pytest.approx((1 - share, share))
    assert found["depth"].chances[1] == pytest.approx(scaling.mean[names.index("depth=muscularis_propria")])
    # An ordinal is the level that a normal value is nearest to; one below 1 % is left out.
    at = names.index("grade")
    below = norm.cdf(np.array([0.5, 1.5]), scaling.mean[at], scaling.scale[at])
    chance = np.array([below[0], below[1] - below[0], 1 - below[1]])
    likely = chance[chance >= 0.01]
    assert found["grade"].chances == pytest.approx(tuple(likely / likely.sum()))


def test_what_training_never_recorded_has_no_plausible_value(trained):
    scaling = trained.predictor.scaling
    names = [feature.name for feature in trained.predictor.features]
    low = scaling.low.copy()
    low[[names.index("ki67_percent"), names.index("cga_last")]] = np.nan
    predictor = dataclasses.replace(trained.predictor, scaling=dataclasses.replace(scaling, low=low))
    found = unknowns(predictor, one(trained.cohort.study, baseline=SIZE_AND_GRADE), 0.0)
    empty = {unknown.source: unknown for unknown in found if not unknown.values}
    assert {"ki67_percent", "cga"} <= set(empty)
    assert all(unknown.possible == () and unknown.spread == 0 for unknown in empty.values())


def test_nothing_missing_asks_nothing(trained):
    study = trained.cohort.study
    everything = {item.name: 1.0 for item in study.baseline} | {"age_years": 61, "size_mm": 14}
    measured = {0: {"cga": 60.0, "liquid_biopsy_score": 20.0, "five_hiaa": 20.0}}
    assert unknowns(trained.predictor, one(study, visits=measured, baseline=everything), 6.0) == []
