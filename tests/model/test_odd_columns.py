"""When a column is odd: the fewest patients for it, both directions, and events taken together."""

import numpy as np
import pandas as pd
import pytest

from model.study.file import parse_study
from model.tables.cohort import cohort_from_frames
from model.tables.suspicions import CONSTANT, FEWEST, odd_columns
from tests.model.builders import EXACT, HEAD

# Two targets, and death by which neither is told apart.
EVENTS = (
    '[[event]]\nname = "local"\nrole = "target"\nobserved = "exact"\n[[event]]\nname = "other"\nrole = "competing"\n'
)
STUDY = parse_study(HEAD.format(until=12.0, horizon=24.0) + EVENTS + 'observed = "exact"\n' + EXACT, file="s.toml")


def said(x, event):
    patients = pd.DataFrame({"patient_id": [str(number) for number in range(len(x))], "x": x})
    outcomes = pd.DataFrame({"patient_id": patients["patient_id"], "time": 12.0, "event": event})
    return [
        line.removeprefix("patients: x: ") for line in odd_columns(cohort_from_frames(patients, None, outcomes, STUDY))
    ]


@pytest.mark.parametrize(("n", "m", "odd"), [(10, 10, True), (9, 11, False), (11, 9, False)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_f37_ten_of_each_are_needed_before_a_column_that_sorts_them_is_odd(n, m, odd, sign):
    assert FEWEST == 10
    x = sign * np.arange(n + m)
    assert bool(said(x, ["death"] * n + ["none"] * m)) == odd


def test_f37_events_are_taken_one_by_one_all_targets_together_and_all_together():
    events = ["local"] * 10 + ["death"] * 10 + ["other"] * 10 + ["none"] * 10
    for flagged, words in (
        (["local"], "the event local"),
        (["local", "death"], "a target event"),
        (["local", "death", "other"], "any event"),
    ):
        (line,) = said(np.isin(events, flagged).astype(float), events)
        assert line.startswith(f"tells all patients with {words} from all others")
    assert said(np.isin(events, ["local", "other"]).astype(float), events) == []


def test_f37_one_value_is_constant_with_or_without_blanks_and_what_one_patient_has_is_not():
    events = ["death", "none"] * 10
    assert said([3.0] * 20, events) == [CONSTANT]
    assert said([3.0, 3.0] + [np.nan] * 18, events) == [CONSTANT]
    assert said([3.0] + [np.nan] * 19, events) == []
    assert said([np.nan] * 20, events) == []
    assert said([3.0, 4.0] + [np.nan] * 18, events) == []
