"""Golden cases: the same for the same study, and what no model may answer is found."""

import json

import numpy as np
import pytest

from model.forecast import Forecast
from model.saved.golden import _impossible, golden_cases, golden_faults, golden_file
from model.types import POSITIVE

MONTH = np.array([0.0, 12.0])


def forecast(unseen, curve):
    """One patient, two events: unseen now, and by month 0 and 12."""
    return Forecast(MONTH, np.array([unseen]), np.array([curve]))


GOOD = forecast([0.1, 0.0], [[0.1, 0.3], [0.0, 0.7]])
LOW, HIGH = forecast([0.0, 0.0], [[0.0, 0.2], [0.0, 0.5]]), forecast([0.2, 0.0], [[0.2, 0.6], [0.0, 0.9]])


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({}, []),
        ({"value": forecast([np.nan, 0.0], [[0.1, 0.3], [0.0, 0.7]])}, ["value: not every risk is a finite number"]),
        ({"high": forecast([0.2, 0.0], [[0.2, np.inf], [0.0, 0.9]])}, ["high: not every risk is a finite number"]),
        ({"value": forecast([-0.1, 0.0], [[0.1, 0.3], [0.0, 0.7]])}, ["value: a risk lies outside 0 to 1"]),
        ({"high": forecast([0.2, 0.0], [[0.2, 1.1], [0.0, 0.9]])}, ["high: a risk lies outside 0 to 1"]),
        ({"low": forecast([0.0, 0.0], [[0.2, 0.1], [0.0, 0.5]])}, ["low: a risk falls with time"]),
        (
            {"value": forecast([0.1, 0.0], [[0.1, 0.3], [0.0, 0.8]])},
            ["value: the risks of all events add up to more than 1"],
        ),
        ({"low": HIGH, "high": LOW}, ["low, high: a band is upside down"]),
    ],
)
def test_what_no_model_may_answer_is_found(changed, fault):
    assert _impossible({"value": GOOD, "low": LOW, "high": HIGH} | changed) == fault


def test_cases_come_from_the_study_alone_and_keep_its_rules(trained):
    study = trained.cohort.study
    histories, moment = golden_cases(study, 60.0)
    again, _ = golden_cases(study, 60.0)
    np.testing.assert_array_equal(histories.baseline, again.baseline)
    assert (moment[0], moment[-1]) == (0.0, 60.0)
    assert np.isnan(histories.baseline).any()
    assert not (histories.test == POSITIVE).any()
    seen = np.isfinite(histories.visit_month)
    assert seen.sum(axis=1).tolist() == [0, 1, 2, 3, 3, 3]
    assert (histories.visit_month[seen] <= np.broadcast_to(moment[:, None], seen.shape)[seen]).all()
    for place, item in enumerate(study.baseline):
        values = histories.baseline[:, place]
        assert not item.required or np.isfinite(values).all()
        low, high = item.range or (0, max(len(item.levels), 2) - 1)
        assert ((values >= low) & (values <= high) | np.isnan(values)).all()


def test_a_model_gives_its_own_golden_answers_and_no_others(trained):
    golden = golden_file(trained.predictor)
    assert golden == golden_file(trained.predictor)
    assert golden_faults(trained.predictor, golden) == []
    assert golden_faults(trained.predictor, None) == []
    document = json.loads(golden)
    document["answers"]["probability.low"][0][1][0] += 1e-3
    assert golden_faults(trained.predictor, json.dumps(document).encode()) == [
        "probability.low: differs from the golden answers by up to 0.001"
    ]
    for forged in (
        b"",
        b"[]",
        b"{}",
        b'{"inputs": {}}',
        b"\xff",
        golden.replace(b'"baseline": [[', b'"baseline": [[1, '),
    ):
        (fault,) = golden_faults(trained.predictor, forged)
        assert "cannot be answered" in fault
