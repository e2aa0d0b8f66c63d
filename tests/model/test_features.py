import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.features import at_landmark, feature_list
from model.tables.cohort import read_cohort
from model.types import NEGATIVE, NOT_DONE, POSITIVE, Histories
from tests.model.tables import SMALL, write_tables

NAMES = [feature.name for feature in feature_list(SMALL)]
NAN = math.nan


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return read_cohort(write_tables(tmp_path_factory.mktemp("three")), SMALL).histories


def features_of(histories, patient, month):
    [row] = at_landmark(SMALL, histories, np.array([patient]), np.array([float(month)]))
    return dict(zip(NAMES, row.tolist(), strict=True))


def drawn_rows(trained, rng, n):
    """Random patients at random landmarks within their follow-up."""
    outcomes = trained.cohort.outcomes
    patient = rng.integers(0, len(outcomes.exit_month), n)
    return patient, np.floor(rng.random(n) * outcomes.exit_month[patient])


def test_the_columns_are_named_in_order():
    assert NAMES == [
        "age", "ki67", "ratio", "invasion", "margin=R1", "margin=R2", "grade",
        "cga_last", "cga_trend", "cga_age", "ct_since", "ct_negatives", "mri_since", "mri_negatives",
        "landmark", "landmark_squared",
    ]  # fmt: skip


def test_two_readings_and_three_tests_by_hand(three):
    # B: 70 ng/mL at month 6, 140 at month 13, both tests at month 13; seen from month 18.
    found = features_of(three, patient=1, month=18)
    # Weights fall by e in 24 months; of two readings, p and q with p + q = 1, 7 months and ln 2 apart, the slope is
    # 2 pq dt dv / (2 pq dt^2 + shrinkage), with shrinkage 2 (3 months)^2.
    p = 1 / (1 + math.exp(7 / 24))
    dt, dv, shrinkage = 7 / 12, math.log(2), 2 * (3 / 12) ** 2
    expected = {
        "age": 71, "ki67": NAN, "ratio": 2.5, "invasion": 1, "margin=R1": 0, "margin=R2": 1, "grade": 1,
        "cga_last": math.log(140),
        "cga_trend": 2 * p * (1 - p) * dt * dv / (2 * p * (1 - p) * dt**2 + shrinkage),
        "cga_age": 5 / 12,
        "ct_since": math.log(1 + 5 / 12), "ct_negatives": 0,
        "mri_since": math.log(1 + 5 / 12), "mri_negatives": math.log(2),
        "landmark": 0.15, "landmark_squared": 0.0225,
    }  # fmt: skip
    assert found == pytest.approx(expected, nan_ok=True, rel=1e-12)


def test_what_was_never_done_counts_from_the_start_and_what_was_never_measured_is_missing(three):
    found = features_of(three, patient=2, month=12)
    assert found["ct_since"] == pytest.approx(math.log(2))
    assert found["ct_negatives"] == 0
    assert np.isnan([found[name] for name in ("cga_last", "cga_trend", "cga_age", "margin=R1", "margin=R2")]).all()


def test_a_visit_at_the_landmark_itself_is_known(three):
    at, just_before = (features_of(three, patient=0, month=month) for month in (12.0, np.nextafter(12.0, 0)))
    assert at["cga_last"] == math.log(55)
    assert (at["cga_age"], at["ct_since"], at["ct_negatives"]) == (0, 0, math.log(2))
    assert math.isnan(just_before["cga_last"])
    assert just_before["ct_negatives"] == 0


def test_a_single_reading_has_no_trend_and_a_visit_without_one_changes_nothing_but_age(three):
    at_12, at_24 = (features_of(three, patient=0, month=month) for month in (12, 24))
    assert at_12["cga_trend"] == at_24["cga_trend"] == pytest.approx(0, abs=1e-12)
    assert at_24["cga_last"] == at_12["cga_last"]
    assert at_24["cga_age"] == 1.0


def test_negatives_are_counted_and_a_positive_is_not_one():
    result = np.array([[NEGATIVE, NOT_DONE, NEGATIVE, POSITIVE]], dtype=np.int8)
    histories = Histories(
        baseline=np.ones((1, 6)),
        visit_month=np.array([[3.0, 6.0, 9.0, 12.0]]),
        marker=np.full((1, 4, 1), NAN),
        test=np.stack([result, np.full_like(result, NOT_DONE)], axis=2),
    )
    counts = [round(math.expm1(features_of(histories, 0, month)["ct_negatives"])) for month in (0, 3, 6, 9, 12, 20)]
    assert counts == [0, 1, 1, 2, 2, 2]


def test_a_steady_rise_is_found_and_shrunken(rng):
    # 40 readings on a line of slope 0.5 a year: shrinkage 0.125 against 40 times their weighted spread.
    month = np.arange(40.0) * 3
    histories = Histories(
        np.ones((1, 6)), month[None], np.exp(1 + 0.5 * month / 12)[None, :, None], np.full((1, 40, 2), -1, np.int8)
    )
    weight = np.exp(month / 24) / np.exp(month / 24).sum()
    spread = weight @ (month / 12 - weight @ (month / 12)) ** 2
    trend = features_of(histories, 0, 120)["cga_trend"]
    assert trend == pytest.approx(0.5 * 40 * spread / (40 * spread + 0.125))
    assert 0.49 < trend < 0.5


def test_an_empty_visit_axis_works():
    nobody_came = Histories(np.ones((2, 6)), np.zeros((2, 0)), np.zeros((2, 0, 1)), np.zeros((2, 0, 2), np.int8))
    found = at_landmark(SMALL, nobody_came, np.array([0, 1]), np.array([0.0, 12.0]))
    assert found.shape == (2, len(NAMES))
    assert np.isnan(found[:, NAMES.index("cga_last")]).all()
    assert found[:, NAMES.index("ct_since")] == pytest.approx([0, math.log(2)])


def test_a_source_reaches_its_own_columns_and_no_others(trained, rng):
    study, histories = trained.cohort.study, trained.cohort.histories
    patient, month = drawn_rows(trained, rng, 400)
    described = feature_list(study)
    full = at_landmark(study, histories, patient, month)
    assert full.shape == (400, len(described))

    def changed_sources(other):
        differs = ~np.isclose(full, at_landmark(study, other, patient, month), rtol=0, atol=0, equal_nan=True)
        return {described[column].source for column in np.flatnonzero(differs.any(axis=0))}

    for index, item in enumerate(study.baseline):
        baseline = histories.baseline.copy()
        baseline[:, index] = NAN
        assert changed_sources(dataclasses.replace(histories, baseline=baseline)) <= {item.name}
    for index, item in enumerate(study.marker):
        marker = histories.marker.copy()
        marker[:, :, index] = NAN
        assert changed_sources(dataclasses.replace(histories, marker=marker)) == {item.name}
    for index, item in enumerate(study.test):
        test = histories.test.copy()
        test[:, :, index] = NOT_DONE
        assert changed_sources(dataclasses.replace(histories, test=test)) == {item.name}


def test_nobody_is_dropped_and_nothing_missing_is_filled(trained):
    study, histories = trained.cohort.study, trained.cohort.histories
    found = at_landmark(study, histories, np.arange(len(histories)), np.zeros(len(histories)))
    assert len(found) == len(histories)
    for column, feature in enumerate(feature_list(study)):
        for index, item in enumerate(study.baseline):
            if item.name == feature.source:
                np.testing.assert_array_equal(np.isnan(found[:, column]), np.isnan(histories.baseline[:, index]))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_row_uses_nothing_after_its_landmark(trained, seed):
    rng = np.random.default_rng(seed)
    histories = trained.cohort.histories
    month = np.floor(rng.random(len(histories)) * trained.cohort.outcomes.exit_month)
    later = ((histories.visit_month > month[:, None]) & np.isfinite(histories.visit_month))[:, :, None]
    scrambled = Histories(
        baseline=histories.baseline,
        visit_month=np.where(later[:, :, 0], histories.visit_month + rng.exponential(20), histories.visit_month),
        marker=np.where(later, rng.uniform(1, 100, histories.marker.shape), histories.marker),
        test=np.where(later, rng.integers(-1, 2, histories.test.shape), histories.test).astype(np.int8),
    )
    patient = np.arange(len(histories))
    known = at_landmark(trained.cohort.study, histories, patient, month)
    np.testing.assert_array_equal(known, at_landmark(trained.cohort.study, scrambled, patient, month))
    np.testing.assert_array_equal(known, at_landmark(trained.cohort.study, histories.until(month), patient, month))


def test_one_patient_alone_is_the_same_patient_bit_for_bit(trained, rng):
    study, histories = trained.cohort.study, trained.cohort.histories
    patient, month = drawn_rows(trained, rng, 150)
    together = at_landmark(study, histories, patient, month)
    for row, (who, when) in enumerate(zip(patient, month, strict=True)):
        n_visits = np.isfinite(histories.visit_month[who]).sum()  # alone, nobody else's visits pad the array
        alone = Histories(
            histories.baseline[[who]],
            histories.visit_month[[who], :n_visits],
            histories.marker[[who], :n_visits],
            histories.test[[who], :n_visits],
        )
        np.testing.assert_array_equal(
            at_landmark(study, alone, np.array([0]), np.array([when]))[0], together[row], strict=True
        )
