from dataclasses import replace

import numpy as np
import pytest

from model.audit.external.held_out import HeldOut, by_centre
from model.audit.external.validation import ANY, judge_alone, judge_parts, summary
from model.audit.run import run
from tests.model.audit.known import cohort_of, constant_predictor, surveilled_with
from tests.model.builders import exact_study, no_visits, outcomes, study_by_test


@pytest.fixture(scope="module")
def three_centres():
    """In c, three times as many die as in a and b, and nothing recorded says so."""
    rng = np.random.default_rng(6)
    centre = np.repeat(["a", "b", "c"], 500)
    months = rng.exponential(np.where(centre == "c", 30.0, 90.0))
    ended = outcomes(np.minimum(months, 30.0), months < 30.0)
    cohort = replace(cohort_of(exact_study(until=6.0), no_visits(rng.normal(size=1500)), ended), centre=[*centre])
    seen = []

    def watch(results, total, what):
        for each in results:
            seen.append((total, what))
            yield each

    found = judge_parts(cohort, by_centre(cohort), seed=1, jobs=1, learner="linear", watch=watch)
    return cohort, found, seen


def test_a_centre_is_judged_by_what_the_others_say(three_centres):
    cohort, found, seen = three_centres
    assert found["kind"] == "centre"
    assert [part["level"] for part in found["parts"]] == ["a", "b", "c"]
    assert [part["n"] for part in found["parts"]] == [500] * 3
    assert seen == [(3, "centres left out and judged")] * 3
    oe = {row["level"]: row["oe"] for row in found["by_horizon"] if (row["landmark"], row["horizon"]) == (0.0, 24.0)}
    # Nobody is censored by then, and x says nothing: the share of a centre that died over that of the two others.
    dead = (cohort.outcomes.exit_month <= 24.0).reshape(3, 500).mean(axis=1)
    others = (dead.sum() - dead) / 2
    for level, expected in zip("abc", dead / others, strict=True):
        assert oe[level]["value"] == pytest.approx(expected, rel=0.03)
    assert oe["a"]["high"] < 1 < oe["c"]["low"]
    assert not found["one_step"]


def test_what_the_centres_say_together_is_pooled_from_their_own_rows(three_centres):
    _, found, _ = three_centres
    place = {"event": "death", "landmark": 0.0, "horizon": 24.0}
    [row] = [row for row in found["summary"] if place.items() <= row.items()]
    logs = [np.log(each["oe"]["value"]) for each in found["by_horizon"] if place.items() <= each.items()]
    # The centres differ by far more than chance, so each weighs about the same.
    assert row["oe"]["value"] == pytest.approx(np.exp(np.mean(logs)), rel=0.03)
    assert row["between_sd"] == pytest.approx(np.std(logs, ddof=1), rel=0.1)
    assert row["next"]["low"] < row["oe"]["low"] < 1 < row["oe"]["high"] < row["next"]["high"]


def test_the_document_is_the_same_for_any_number_of_jobs(three_centres):
    cohort, found, _ = three_centres
    assert judge_parts(cohort, by_centre(cohort), seed=1, jobs=2, learner="linear") == found


def test_later_patients_are_judged_once_by_the_earlier_ones(three_centres):
    cohort, _, _ = three_centres
    later = HeldOut("temporal", ("from 2020-01-01",), np.where(np.array(cohort.centre) == "c", 0, -1))
    found = judge_parts(cohort, later, seed=1, jobs=1, learner="linear")
    assert (found["kind"], found["always_learned_from"], found["summary"]) == ("temporal", 1000, [])
    assert {row["level"] for row in found["by_horizon"]} == {"from 2020-01-01"}


def test_the_rows_are_those_of_the_audit():
    rng = np.random.default_rng(5)
    study = study_by_test(start=0.3, best=0.9, half_time=9.0, until=12.0)
    history, ended, _ = surveilled_with(rng, study, 400, hazard=0.012, death=0.006, until=48.0)
    predictor = constant_predictor(study, [0.024, 0.006])
    found = judge_alone(predictor, history, ended, seed=3)
    audited = run(cohort_of(study, history, ended), rng.permutation(400) % 2, [predictor] * 2, seed=3, jobs=1)
    assert found["one_step"] == [row for row in audited["one_step"] if row["level"] == "all visits"]
    for alone, together in zip(found["by_horizon"], audited["by_horizon"], strict=True):  # sums in another order
        for key, figure in together.items():
            same = pytest.approx(figure, rel=1e-12) if isinstance(figure, dict) else figure
            assert alone[key] == same
    # Risks are given twice too high.
    assert found["one_step"][0]["ratio"]["value"] == pytest.approx(0.5, abs=0.15)
    assert found["one_step"][0]["ratio"]["high"] < 1


def test_findings_of_several_causes_add_up():
    rng = np.random.default_rng(7)
    study = study_by_test(start=0.3, best=0.9, half_time=9.0, until=6.0)
    history, ended, _ = surveilled_with(rng, study, 300, hazard=0.012, death=0.006, until=48.0)
    [first, death] = study.event
    two = study.model_copy(
        update={
            "event": (first, first.model_copy(update={"name": "other"}), death),
            "test": tuple(
                each.model_copy(update={"sees": {**each.sees, "other": each.sees["recurrence"]}}) for each in study.test
            ),
        }
    )
    # Half of what is found is called by the other name.
    cause = np.where(ended.cause == 2, 3, ended.cause)
    cause = np.where((cause == 1) & (np.arange(300) % 2 == 0), 2, cause)
    predictor = constant_predictor(two, [0.006, 0.006, 0.006])
    rows = judge_alone(predictor, history, replace(ended, cause=cause), seed=1)
    one, other, together = rows["one_step"]
    assert (one["event"], other["event"], together["event"]) == ("recurrence", "other", ANY)
    assert together["observed"] == one["observed"] + other["observed"]
    assert together["observed"] == ((ended.cause == 1) & (ended.exit_month <= predictor.grid.onset_edge[-1])).sum()
    assert together["expected"] == pytest.approx(one["expected"] + other["expected"])
    assert together["n"] == one["n"] == other["n"]
    assert together["ratio"]["value"] == pytest.approx(together["observed"] / together["expected"])


def test_no_figure_is_pooled_while_a_part_has_none():
    figure = {"value": 1.0, "low": 0.5, "high": 2.0}
    rows = [{"event": "death", "ratio": figure}] * 3
    [pooled] = summary(rows, 3)
    assert pooled["oe"]["value"] == pytest.approx(1.0)
    assert (pooled["n"], pooled["between_sd"]) == (3, 0.0)
    assert summary([*rows, {"event": "death", "ratio": None}], 4) == []
    assert summary(rows[:2], 2) == []
