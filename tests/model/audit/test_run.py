import json
from dataclasses import replace

import numpy as np
import pytest

from model.audit.decision_curve import THRESHOLDS
from model.audit.run import audited_landmarks, run
from model.learning.fitting import fit_without_folds
from model.study.entries import Strata
from tests.model.audit.known import cohort_of, constant_predictor, surveilled_with
from tests.model.builders import exact_study, histories, no_visits, outcomes, study_by_test

KEYS = {"brier", "brier_null", "ipa", "auc", "concordance", "oe"}
REGRESSED = {"intercept", "slope", "ici", "e50", "e90"}


@pytest.fixture(scope="module")
def audited():
    """A cohort with a known truth, audited with predictors that were fitted, and the arguments to do it again."""
    rng = np.random.default_rng(5)
    study = study_by_test(start=0.3, best=0.9, half_time=9.0, until=18.0)
    history, ended, _ = surveilled_with(rng, study, 900, hazard=0.012, death=0.006, until=48.0)
    fold = rng.permutation(900) % 3
    predictors = fit_without_folds(study, history, ended, fold, seed=1, jobs=1)
    arguments = (cohort_of(study, history, ended), fold, predictors)
    return run(*arguments, seed=3, jobs=1, version="v"), arguments


def test_the_document_is_the_same_for_any_number_of_jobs(audited):
    document, arguments = audited
    assert run(*arguments, seed=3, jobs=2, version="v") == document


def test_another_seed_moves_intervals_and_nothing_else(audited):
    document, arguments = audited
    other = run(*arguments, seed=4, jobs=1, version="v")
    for row, moved in zip(document["by_horizon"], other["by_horizon"], strict=True):
        assert row["oe"]["value"] == moved["oe"]["value"]
        assert row["oe"]["low"] != moved["oe"]["low"]


def test_the_document_is_plain_json_without_nan(audited):
    document, _ = audited
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_every_event_landmark_and_horizon_is_there_once(audited):
    document, _ = audited
    places = [(row["event"], row["landmark"], row["horizon"]) for row in document["by_horizon"]]
    # The study's landmarks end at month 18, which is the nearest to 36 and 60.
    assert places == [(e, s, w) for e in ("recurrence", "death") for s in (0.0, 12.0, 18.0) for w in (12.0, 24.0)]
    assert [row["name"] for row in document["baselines"][:2]] == ["aalen_johansen", "landmark_cox"]


def test_intervals_hold_their_figure_and_the_counts_are_the_cohorts(audited):
    document, (cohort, _, _) = audited
    ended = cohort.outcomes
    for row in document["by_horizon"]:
        here = ended.exit_month > row["landmark"]
        cause = 1 + ["recurrence", "death"].index(row["event"])
        within = here & (ended.cause == cause) & (ended.exit_month <= row["landmark"] + row["horizon"])
        assert (row["n"], row["events"]) == (here.sum(), within.sum())
        for key in KEYS if row["too_few"] is None else ():
            assert row[key]["low"] <= row[key]["value"] <= row[key]["high"]


def test_detections_are_expected_and_onsets_are_not_taken_for_them(audited):
    # The fitted hazards are right up to chance. Detection lags behind onset, so the conventional ratio must be below 1.
    document, _ = audited
    found = [row for row in document["by_horizon"] if row["event"] == "recurrence"]
    assert all(row["oe"]["low"] <= 1 <= row["oe"]["high"] for row in found)
    naive = [row for row in document["conventional"] if row["event"] == "recurrence"]
    assert all(row["oe"]["high"] < 1 for row in naive)
    whole = document["one_step"][0]
    assert whole["ratio"]["low"] <= 1 <= whole["ratio"]["high"]


def test_right_hazards_are_not_flagged_and_the_verdict_counts_what_it_compared(audited):
    document, _ = audited
    verdict = document["verdict"]
    assert verdict["flags"] == []
    assert [row["event"] for row in verdict["fit_for"]] == ["recurrence", "death"]
    # Nothing sorts these patients: no centre, no date, one column without a published effect that need not be given.
    assert document["fairness"] == []
    assert verdict["comparisons"] == {"overall": 2, "slope": 2, "subgroup": 0}
    whole, slope = document["one_step"][0], document["one_step_calibration"][0]
    assert (whole["n"], whole["observed"]) == (slope["n"], slope["observed"])


def test_a_centre_where_risks_are_another_is_named():
    # Half as many die in one of three centres as everywhere else, and nobody's prediction knows it.
    rng = np.random.default_rng(7)
    study, place = exact_study(until=0.0), np.repeat([0, 1, 2], 400)
    months = rng.exponential(np.where(place == 2, 120.0, 60.0))
    ended = outcomes(np.minimum(months, 40.0), months < 40)
    cohort = replace(cohort_of(study, no_visits(np.zeros(1200)), ended), centre=[f"centre {k}" for k in place])
    document = run(cohort, np.arange(1200) % 2, [constant_predictor(study, [1 / 60])] * 2, seed=1, jobs=1)
    groups = {row["level"]: row for row in document["fairness"]}
    assert groups.keys() == {"centre 0", "centre 1", "centre 2"}
    assert groups["centre 0"]["ratio"]["low"] < 1 < groups["centre 0"]["ratio"]["high"]
    named = [flag["level"] for flag in document["verdict"]["flags"] if flag["question"] == "subgroup"]
    assert named == ["centre 2"]


def test_groups_of_the_calibration_plot_hold_every_event_once(audited):
    document, _ = audited
    for row in document["by_horizon"]:
        groups = [
            each for each in document["curves"] if all(each[k] == row[k] for k in ("event", "landmark", "horizon"))
        ]
        assert sum(each["n"] for each in groups) == row["n"]
        assert sum(each["events"] for each in groups) == row["events"]
        if row["event"] == "recurrence":
            expected = sum(each["n"] * each["predicted"] for each in groups)
            assert row["events"] / expected == pytest.approx(row["oe"]["value"])


def test_each_fold_is_predicted_by_the_predictor_that_was_fitted_without_it():
    # Two constant predictors: deaths in fold 0 follow the first, in fold 1 the second. The other way round, those who
    # die most would be given the lower risk.
    rng = np.random.default_rng(2)
    study, fold = exact_study(until=6.0), np.repeat([0, 1], 400)
    months = rng.exponential(np.where(fold == 0, 50.0, 200.0))
    ended = outcomes(np.minimum(months, 40.0), months < 40)
    predictors = [constant_predictor(study, [1 / 50]), constant_predictor(study, [1 / 200])]
    document = run(cohort_of(study, no_visits(np.zeros(800)), ended), fold, predictors, seed=1, jobs=1)
    for row in document["by_horizon"]:
        assert row["oe"]["low"] < 1 < row["oe"]["high"]
        assert row["auc"]["low"] > 0.6
    by_group = {row["group"]: row["n"] for row in document["curves"] if row["horizon"] == 24.0 and not row["landmark"]}
    assert by_group[1] == 400


def test_f39_too_few_events_or_followed_give_no_number():
    # 9 deaths by month 12 and 12 by month 24; nobody is followed beyond month 20 from landmark 6 on.
    study = exact_study(until=6.0)
    exit_month = np.concatenate([np.full(9, 8.0), np.full(3, 15.0), np.full(50, 26.0)])
    ended = outcomes(exit_month, np.array([1] * 12 + [0] * 50))
    predictor = constant_predictor(study, [0.01])
    cohort = cohort_of(study, no_visits(np.zeros(62)), ended)
    document = run(cohort, np.arange(62) % 2, [predictor, predictor], seed=1, jobs=1)
    told = {(row["landmark"], row["horizon"]): row["too_few"] for row in document["by_horizon"]}
    assert told == {
        (0.0, 12.0): "too few events (9)",
        (0.0, 24.0): None,
        (6.0, 12.0): None,
        (6.0, 24.0): "too few still followed (0)",
    }
    assert [row["reason"] for row in document["too_few_events"]] == ["too few events (9)", "too few still followed (0)"]
    assert all(row[key] is None for row in document["by_horizon"] if row["too_few"] for key in KEYS)


def test_events_found_without_any_test_cannot_be_expected():
    study = study_by_test(until=6.0)
    ended = outcomes(np.concatenate([np.full(20, 9.0), np.full(80, 40.0)]), np.array([1] * 20 + [0] * 80))
    unseen = histories(np.zeros(100), np.zeros((100, 0)), np.zeros((100, 0)))
    predictor = constant_predictor(study, [0.01, 0.01])
    document = run(cohort_of(study, unseen, ended), np.arange(100) % 2, [predictor] * 2, seed=1, jobs=1)
    row = document["by_horizon"][0]
    assert (row["events"], row["too_few"]) == (20, "no visit with a test that sees it")
    assert [(each["level"], each["observed"]) for each in document["one_step"]] == [
        ("all visits", 20),
        ("found without a test", 20),
    ]


def test_audited_landmarks_are_the_nearest_of_the_grid_as_far_as_answers_are_given():
    assert audited_landmarks(study_by_test(until=120.0), supported_until=48.0) == [0.0, 12.0, 36.0]
    assert audited_landmarks(study_by_test(until=6.0), supported_until=6.0) == [0.0, 6.0]


def test_the_prior_alone_is_one_more_baseline_and_of_the_right_fold():
    # The prior of each fold is right there and the predictor is not: the prior wins only if they are not mixed up.
    rng = np.random.default_rng(2)
    study, fold = exact_study(until=0.0), np.repeat([0, 1], 400)
    months = rng.exponential(np.where(fold == 0, 50.0, 200.0))
    ended = outcomes(np.minimum(months, 40.0), months < 40)
    right = [constant_predictor(study, [1 / 50]), constant_predictor(study, [1 / 200])]
    cohort = cohort_of(study, no_visits(np.zeros(800)), ended)
    document = run(cohort, fold, right[::-1], seed=1, jobs=1, prior_alone=right)
    rows = [row for row in document["baselines"] if row["name"] == "prior_alone"]
    assert [row["horizon"] for row in rows] == [12.0, 24.0]
    for row in rows:
        assert row["difference"]["brier"]["low"] > 0
        assert row["difference"]["auc"]["high"] < 0
    without = run(cohort, fold, right, seed=1, jobs=1)
    assert {row["name"] for row in without["baselines"]} == {"aalen_johansen", "landmark_cox"}


def test_strata_are_a_baseline_if_the_study_names_them():
    # Above 0 three times as many die; x decides the stratum, and nothing but the strata knows it.
    rng = np.random.default_rng(3)
    study = exact_study(until=0.0)
    study = study.model_copy(update={"strata": (Strata(column="x", cuts=(0.0,)),)})
    x = rng.normal(size=900)
    months = rng.exponential(np.where(x < 0, 90.0, 30.0))
    ended = outcomes(np.minimum(months, 30.0), months < 30)
    cohort = cohort_of(study, no_visits(x), ended)
    document = run(cohort, np.arange(900) % 3, [constant_predictor(study, [1 / 60])] * 3, seed=1, jobs=1)
    assert document["rules"]["strata"] == [{"column": "x", "label": "x", "cuts": [0.0], "source": None}]
    for row in document["baselines"]:
        if row["name"] == "size_and_grade":
            assert row["auc"]["low"] > 0.55
            assert row["difference"]["brier"]["low"] > 0
            assert row["oe"]["low"] < 1 < row["oe"]["high"]
        if row["name"] == "aalen_johansen":
            assert row["auc"]["value"] == 0.5
    # By 12 months 14 % and 33 % die, all are followed: from 20 % on, the strata act on those above 0 and nobody else.
    early = next(row for row in document["decision_curve"] if (row["horizon"], row["threshold"]) == (12.0, 0.2))
    dead = months <= 12.0
    assert early["guideline"] == pytest.approx(((x > 0) & dead).mean() - ((x > 0) & ~dead).mean() / 4)
    assert early["guideline"] > max(early["all"], early["model"], early["none"]) + 0.03


def test_net_benefit_is_there_for_every_judged_cell_and_threshold(audited):
    document, _ = audited
    judged = [row for row in document["by_horizon"] if row["too_few"] is None]
    place = ("event", "landmark", "horizon", "n", "events")
    expected = [(*(row[key] for key in place), threshold) for row in judged for threshold in THRESHOLDS]
    assert [tuple(row[key] for key in (*place, "threshold")) for row in document["decision_curve"]] == expected
    assert {row["guideline"] for row in document["decision_curve"]} == {None}
    for row in document["decision_curve"]:
        # Acting at 1 % is acting on everybody: nobody's risk over a year or two is below that here.
        if row["threshold"] == 0.01 and row["landmark"] == 0.0:
            assert row["model"] == pytest.approx(row["all"])
        assert row["none"] == 0


def test_learners_are_kept_as_they_come():
    study = exact_study(until=0.0)
    ended = outcomes(np.full(40, 30.0), np.zeros(40))
    told = [{"name": "smooth", "chosen": True}]
    predictor = constant_predictor(study, [0.01])
    cohort = cohort_of(study, no_visits(np.zeros(40)), ended)
    document = run(cohort, np.arange(40) % 2, [predictor] * 2, seed=1, jobs=1, learners=told)
    assert document["learners"] == told


def test_calibration_is_there_where_predictions_differ_and_none_where_they_do_not(audited):
    # Whoever was seen at other visits has another risk of recurrence at a landmark.
    document, _ = audited
    late = [row for row in document["by_horizon"] if (row["event"], row["landmark"]) == ("recurrence", 18.0)]
    assert [row["too_few"] for row in late] == [None, None]
    assert all(row[key]["low"] <= row[key]["high"] for row in late for key in REGRESSED)
    study = exact_study(until=0.0)
    ended = outcomes(np.repeat([10.0, 30.0], 20), np.repeat([1, 0], 20))
    cohort = cohort_of(study, no_visits(np.zeros(40)), ended)
    alike = run(cohort, np.arange(40) % 2, [constant_predictor(study, [0.01])] * 2, seed=1, jobs=1)["by_horizon"][0]
    assert alike["too_few"] is None
    assert {key for key in REGRESSED if alike[key] is None} == REGRESSED - {"intercept"}


def test_draws_in_which_no_detection_is_expected_are_left_out():
    # One of twenty found had a test; one draw in three is without him, and has nothing to divide by.
    study = study_by_test(until=0.0)
    ended = outcomes(np.repeat([9.0, 40.0], [20, 80]), np.repeat([1, 0], [20, 80]))
    month, scan = np.full((100, 1), np.inf), np.full((100, 1), -1)
    month[0], scan[0] = 9.0, 1
    predictor = constant_predictor(study, [0.01, 0.01])
    cohort = cohort_of(study, histories(np.zeros(100), month, scan), ended)
    document = run(cohort, np.arange(100) % 2, [predictor] * 2, seed=1, jobs=1)
    for found in (document["by_horizon"][0]["oe"], document["one_step"][0]["ratio"]):
        assert found["value"] == pytest.approx(20 / -np.expm1(-0.09), rel=1e-4)
        assert found["low"] < found["value"] < found["high"] < np.inf
