from dataclasses import replace

import numpy as np
import pytest

from examples.truth import coverage, one_step, onset
from examples.truth.cohorts import ANY, HORIZONS, study_of
from examples.truth.coverage import all_recorded, bands, by_quintile
from examples.truth.judged import trained, with_any
from examples.truth.null import excluding_zero, kinds
from examples.truth.options import Options
from model.features import feature_list

STUDY = study_of("default")


@pytest.fixture(scope="module")
def judged():
    return trained(STUDY, "default", patients=400)


def cells(text):
    return [cell.strip() for cell in text.strip("|").split("|")]


def test_any_is_the_sum_of_the_recurrences_without_death():
    assert np.allclose(with_any(np.array([0.1, 0.2, 0.3, 0.4])), [0.1, 0.2, 0.3, 0.6])


def test_observed_over_expected_divides_the_counts(judged):
    lines = [cells(text) for text in onset.at_landmark(0.0, onset.counted(judged, 0.0)[None])]
    who = judged.fresh.followed(0.0)
    for index, horizon in enumerate(HORIZONS):
        observed = judged.fresh.happened(who, horizon).sum(axis=0)
        expected = judged.predicted(who, 0.0)[:, index].sum(axis=0)
        assert [float(cell) for cell in lines[index][:2]] == [0.0, horizon]
        assert lines[index][5] == f"{observed[3] / expected[3]:.2f} ({observed[3]})"
        assert len(lines[index]) == 8


def test_repetitions_are_added_up_and_their_difference_is_the_error():
    once = np.tile([10.0, 20.0, 30.0, 60.0, 10.0, 10.0, 20.0, 40.0, 30.0, 60.0], (len(HORIZONS), 1))
    twice = once.copy()
    twice[:, 0] = 20.0  # 10 and 20 observed of 10 expected each: 1.5, and half their difference
    line = cells(next(onset.at_landmark(0.0, np.stack([once, twice]))))
    assert line[2] == "1.50 ± 0.50 (30)"
    assert line[3] == "2.00 ± 0.00 (40)"
    assert line[6:] == ["2.00 ± 0.00", "1.00 ± 0.00"]


def test_both_models_of_the_day_of_finding_expect_what_was_found_in_all(judged):
    # Asked about the very patients it learned from, Cox says as much as Aalen-Johansen: covariates only share it out.
    same = replace(judged, fresh=judged.learned)
    alike, cox = onset.detections_expected(same, judged.learned.followed(0.0), 0.0)
    assert cox == pytest.approx(alike, rel=0.1)


def test_cox_expects_in_those_it_learned_from_what_was_found_in_them(judged):
    learned = judged.learned.cohort.outcomes
    found = ((learned.cause > 0) & (learned.cause <= ANY) & (learned.exit_month <= 66.0)).sum()
    expected = one_step.by_cox(judged.predictor, judged.learned, judged.learned)
    assert expected.sum() == pytest.approx(found, rel=0.1)
    assert (expected >= 0).all()


def test_visits_expect_no_more_the_earlier_one_stops_to_look(judged):
    whole, half, none = (one_step.by_visits(judged.predictor, judged.fresh, until) for until in (66.0, 30.0, 0.0))
    assert (whole >= half).all()
    assert whole.sum() > half.sum() > 0
    assert (none == 0).all()


def test_bands_hold_their_own_prediction_and_cover_by_count(judged):
    options = Options(
        "default", patients=400, replicates=1, repeats=1, oracle_patients=1, judged=100, jobs=1, cache=None
    )
    lines = [cells(text) for text in coverage.at_landmark(judged, options, 0.0)]
    assert [line[2] for line in lines] == ["local", "nodal", "distant", "any"] * len(HORIZONS)
    for line in lines:
        covered, *fifths = (float(cell) for cell in line[4:10])
        assert covered == pytest.approx(np.mean(fifths), abs=0.2)
    few = judged.fresh.histories.select(np.arange(30))
    low, high = bands(judged.predictor, few, 0.0)
    assert low.shape == high.shape == (30, len(HORIZONS), 4)
    predicted = judged.predicted(np.arange(30), 0.0)
    # Where growth is slow no onset can come so early: the risk, and its band, are then 0.
    assert ((low <= predicted) & (predicted <= high)).all()
    assert (low < high).mean() > 0.9


def test_fifths_are_of_the_predicted_risk():
    predicted = np.array([0.5, 0.1, 0.3, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0])
    covered = predicted > 0.35
    assert by_quintile(predicted, covered).tolist() == [0.0, 0.5, 1.0, 1.0, 1.0]


def test_only_blanks_that_have_a_published_effect_matter(judged):
    histories = judged.fresh.histories.select(np.arange(2))
    baseline = np.zeros_like(histories.baseline)
    names = [b.name for b in STUDY.baseline]
    baseline[0, names.index("nlr")] = np.nan
    baseline[1, names.index("margin")] = np.nan
    assert all_recorded(STUDY, replace(histories, baseline=baseline)).tolist() == [True, False]


def test_an_interval_excludes_zero_on_either_side():
    # 100 draws from -1 to 1; shifted by 0.96 some 2 % lie beyond 0, by 0.9 some 5 %.
    draws = np.linspace(-1.0, 1.0, 100)[:, None] + np.array([0.0, 0.97, -0.97, 0.9, -0.9])
    assert excluding_zero(draws).tolist() == [False, True, True, False, False]


def test_effects_are_published_or_not_and_time_is_neither():
    names = [feature.name for feature in feature_list(STUDY)]
    unknown, believed = kinds(STUDY, "local", len(names) + 3)
    assert [names[i] for i in np.flatnonzero(believed)] == [
        "size_mm",
        "ki67_percent",
        "margin=R1",
        "technique=radical_surgery",
    ]
    neither = np.flatnonzero(~unknown & ~believed)
    assert [names[i] for i in neither] == ["landmark", "landmark_squared"]
