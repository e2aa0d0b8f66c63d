import json

import numpy as np
import pytest

from model.monitoring.calibration import MIN_PATIENTS, Calibration, calibrate, calibration_rows
from model.monitoring.quarters import Calendar
from model.monitoring.tally import counts_of_patients
from model.monitoring.watched import Watched
from tests.model.audit.known import constant_predictor, surveilled_with
from tests.model.builders import study_by_test

HAZARD, DEATH = 0.012, 0.006
STUDY = study_by_test(start=0.3, best=0.9, half_time=9.0, until=36.0)
TODAY = np.datetime64("2022-08-15")
MADE = np.datetime64("2018-05-20")


@pytest.fixture(scope="module")
def known():
    """Patients entered over four years; most of them are still followed today."""
    rng = np.random.default_rng(8)
    record, ended, _ = surveilled_with(rng, STUDY, 2400, hazard=HAZARD, death=DEATH, until=60.0)
    origin = np.datetime64("2017-01-01") + rng.integers(0, 1460, 2400)
    return Watched.today(STUDY, record, origin, ended.exit_month, ended.cause, today=TODAY)


def judged(known, hazard, death=DEATH):
    """Every row about these patients by a model with constant hazards, read in chunks."""
    predictor = constant_predictor(STUDY, [hazard, death])
    calendar = Calendar.between(known.origin_day.min(), TODAY)
    rng, found = np.random.default_rng(0), Calibration.empty(predictor, calendar)
    for start in range(0, len(known), 700):
        chunk = known.select(np.arange(start, min(start + 700, len(known))))
        found += calibrate(predictor, chunk, counts_of_patients(rng, len(chunk)), calendar=calendar, model_day=MADE)
    return calibration_rows(found, predictor, calendar, MADE)


@pytest.fixture(scope="module")
def right(known):
    return judged(known, HAZARD)


def test_of_a_right_model_the_intervals_hold_1_and_nothing_alarms(right):
    whole = {row["event"]: row for row in right["to_date"] if row["period"] == "all"}
    for event in ("recurrence", "death"):
        assert whole[event]["ratio"]["low"] < 1 < whole[event]["ratio"]["high"]
    assert not any(row["alarm"] for row in right["alarms"])
    told = [row["ratio"] for row in right["by_horizon"] if row["ratio"]]
    assert len(told) == len(right["by_horizon"])
    assert np.mean([row["low"] < 1 < row["high"] for row in told]) > 0.8


@pytest.mark.parametrize(
    ("times", "looks_for"), [(0.6, "more events than expected"), (1.7, "fewer events than expected")]
)
def test_a_wrong_model_is_alarmed_about_in_the_right_direction_and_for_the_right_event(known, times, looks_for):
    rows = judged(known, times * HAZARD)
    alarms = {(row["event"], row["looks_for"]): row for row in rows["alarms"]}
    alarm = alarms.pop(("recurrence", looks_for))
    assert alarm["alarm"]
    assert alarm["score"] >= alarm["limit"]
    assert alarm["first"] <= alarm["since"] < "2022-Q3"
    assert not any(row["alarm"] for row in alarms.values())
    ratio = rows["to_date"][0]["ratio"]
    assert not ratio["low"] < 1 < ratio["high"]


def test_quarters_add_up_to_the_whole_and_to_what_came_since_the_model(right):
    for whole, since in zip(right["to_date"][::2], right["to_date"][1::2], strict=True):
        quarters = [row for row in right["by_quarter"] if row["event"] == whole["event"]]
        told = [row for row in quarters if row["observed"] is not None]
        few = [row for row in quarters if row["observed"] is None]
        assert all(row["too_few"] == f"too few patients ({row['patients']})" for row in few)
        assert all(row["patients"] < MIN_PATIENTS for row in few)
        assert sum(row["observed"] for row in told) == whole["observed"]  # nobody had an event in the first few weeks
        later = sum(row["expected"] for row in told if row["since_the_model"])
        assert later < since["expected"] < whole["expected"]
    assert next(row["quarter"] for row in quarters if row["since_the_model"]) == "2018-Q3"
    assert [row["quarter"] for row in quarters if not row["over"]] == ["2022-Q3"]


def test_ratios_with_few_events_are_not_given(right):
    for row in [*right["by_quarter"], *right["by_horizon"], *right["to_date"]]:
        assert (row["ratio"] is None) == (row["too_few"] is not None)
        if row["observed"] is not None and row["observed"] < 10:
            assert row["too_few"] == f"too few events ({row['observed']})"


def test_a_horizon_counts_once_it_has_passed(known, right):
    # From month 36 on, with horizons of 12 and 24 months: nobody was entered before 2017, so as of August 2022 the
    # shorter one is over for those entered until August 2018, the longer for those until August 2017.
    rows = right["by_horizon"]
    at_36 = {row["horizon"]: row["patients"] for row in rows if (row["event"], row["landmark"]) == ("death", 36.0)}
    still_there = known.ended.exit_month > 36.0
    for horizon, last in ((12.0, "2018-08-15"), (24.0, "2017-08-15")):
        early = known.origin_day <= np.datetime64(last)
        assert at_36[horizon] == pytest.approx((still_there & early).sum(), abs=2)


def test_without_patients_every_row_says_so():
    nobody = constant_predictor(STUDY, [HAZARD, DEATH])
    calendar = Calendar.between(TODAY, TODAY)
    rows = calibration_rows(Calibration.empty(nobody, calendar), nobody, calendar, MADE)
    assert {row["too_few"] for row in rows["by_quarter"]} == {"too few patients (0)"}
    assert not any(row["alarm"] for row in rows["alarms"])
    json.dumps(rows, allow_nan=False)
