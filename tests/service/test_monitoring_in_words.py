"""What monitoring says in words, on the page and in the terminal: figures made by hand, no service."""

from datetime import date

import pytest

from model.study.file import DEFAULT_STUDY, read_study
from service.api.outgoing_monitoring import (
    CalibrationOut,
    CalibrationRulesOut,
    DriftOut,
    DriftRulesOut,
    InputDriftOut,
    MonitoringOut,
    QuarterOut,
)
from service.api.wire import ModelRefOut
from service.monitor import in_short
from service.ui.monitored import LATEST, LATEST_USE, monitoring_page

STUDY = read_study(DEFAULT_STUDY)
MODEL = ModelRefOut(version="rnet-1", sha256="0" * 64, synthetic=True, notice="Not a device.")
TODAY = date(2026, 1, 10)
NOTHING = dict.fromkeys(
    ("known", "share", "usual_share", "trained_share", "mean", "sd", "usual_mean", "usual_sd", "difference", "outside")
)


def row(name, label, kind="baseline", *, quarter="2025-Q4", **figures):
    words = {"level": None, "transform": "none", "n": 40, "drift": []} | NOTHING | figures
    return InputDriftOut(quarter=quarter, over=quarter < "2026-Q1", kind=kind, input=name, label=label, **words)


def drift(*rows):
    rules = DriftRulesOut(min_patients=10, large_difference=0.25, large_share=0.1, false_alarm=0.05)
    return DriftOut(model=MODEL, as_of=TODAY, patients=40, another_study=0, inputs=list(rows), rules=rules)


def calibration(n_quarters):
    rules = {"draws": 200, "min_events": 10, "min_patients": 10, "alarm_factor": 1.5, "quarters_per_false_alarm": 100}
    figures = dict.fromkeys(("visits", "observed", "expected", "beside", "awaiting", "ratio"))
    quarters = [
        QuarterOut(
            event=event, patients=0, too_few="too few", quarter=name, over=True, since_the_model=False, **figures
        )
        for event in ("local", None)
        for name in (f"{2010 + number // 4}-Q{number % 4 + 1}" for number in range(n_quarters))
    ]
    return CalibrationOut(
        model=MODEL,
        model_made=TODAY,
        as_of=TODAY,
        patients=40,
        another_study=0,
        alarms=[],
        to_date=[],
        by_quarter=quarters,
        by_horizon=[],
        rules=CalibrationRulesOut(**rules),
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            row("age_years", "Age", mean=61.25, usual_mean=55.0, drift=["mean"]),
            [("value", "55 years on average", "61.2 years on average")],
        ),
        (
            row("ki67_percent", "Ki-67", transform="log", mean=1.0, usual_mean=0.0, drift=["mean"]),
            [("value", "1 % typically", "2.72 % typically")],
        ),
        (
            row("ppi_use", "PPI", mean=0.5, usual_mean=0.15, share=0.5, usual_share=0.9, drift=["mean", "share"]),
            [("value", "15 %", "50 %"), ("how often recorded", "90 %", "50 %")],
        ),
        (
            row("margin", "Margin", level="R1", mean=0.4, usual_mean=0.2, drift=["mean"]),
            [("value", "20 %", "40 %")],
        ),
        (
            row("grade", "Grade", mean=0.5, usual_mean=0.1, drift=["mean"]),
            [("value", "level 1.1 on average", "level 1.5 on average")],
        ),
        (
            row("ct", "CT", "test", share=0.2, usual_share=0.25, trained_share=0.5, drift=["use"]),
            [("how often recorded, at visits as long after the origin", "50 %", "20 %")],
        ),
        (row("ct", "CT", "test", share=0.2, usual_share=0.25, trained_share=0.21), []),
    ],
)
def test_what_differs_is_said_on_the_scale_that_people_know(found, said):
    shown = monitoring_page(STUDY, calibration(1), drift(found)).drifted
    assert [(each.what, each.usual, each.now) for each in shown] == said


def test_the_latest_quarters_come_first_and_the_others_unfold():
    page = monitoring_page(STUDY, calibration(LATEST + 3), drift())
    assert page.quarters[0] == "2012-Q3"
    assert len(page.quarters) == LATEST
    assert page.earlier == ["2010-Q3", "2010-Q2", "2010-Q1"]
    assert page.events == ["local", None]
    assert page.cells["2010-Q1", None].too_few == "too few"


def test_use_has_a_line_for_each_test_and_a_column_for_each_quarter_with_visits():
    quarters = [f"202{number}-Q1" for number in range(8)]
    rows = [
        row(name, label, "test", quarter=quarter, share=None if quarter == "2026-Q1" else number / 10)
        for number, quarter in enumerate(quarters)
        for name, label in (("ct", "CT"), ("eus", "EUS"))
    ]
    page = monitoring_page(STUDY, calibration(1), drift(row("age_years", "Age", share=1.0), *rows))
    assert page.use_of == ["2027-Q1", "2025-Q1", "2024-Q1", "2023-Q1", "2022-Q1"]
    assert len(page.use_of) == LATEST_USE
    assert list(page.use) == ["CT", "EUS"]
    assert [each.share for each in page.use["EUS"]] == [0.7, 0.5, 0.4, 0.3, 0.2]


def test_the_command_says_of_the_last_quarter_that_is_over_how_often_each_test_was_done():
    given = drift(
        row("ct", "CT", "test", quarter="2025-Q3", share=0.1, trained_share=0.5),
        row("ct", "CT", "test", share=0.2, trained_share=0.5, drift=["use"]),
        row("eus", "E", "test", share=0.05),
        row("ct", "CT", "test", quarter="2026-Q1", share=0.9, trained_share=0.5),
    )
    assert in_short(MonitoringOut(calibration=calibration(1), drift=given)) == [
        "40 patients, 0 more that this model cannot read",
        "no alarm",
        "drift in 2025-Q4: CT: how often recorded, against training",
        "done at 40 visits of 2025-Q4 (at training visits as long after the origin): CT 20 % (50 %), E 5 % (unknown)",
        "Not a device.",
    ]


def test_of_few_visits_the_command_says_nothing():
    given = drift(row("ct", "CT", "test", n=9))
    assert in_short(MonitoringOut(calibration=calibration(1), drift=given))[1:] == ["no alarm", "Not a device."]
