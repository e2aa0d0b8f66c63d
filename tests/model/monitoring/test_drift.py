import json
from dataclasses import replace

import numpy as np
import pytest

from model.features import at_landmark, baseline_features, feature_list
from model.monitoring.drift import Drift, add_up, drift_rows, inputs_of
from model.monitoring.quarters import Calendar, first_day
from model.monitoring.use import Use, add_up_use, use_in_training
from model.monitoring.watched import Watched
from model.onset.grid import TimeGrid
from model.onset.scaling import Scaling
from model.predictor import Predictor
from model.saved.at_visits import visit_facts
from model.types import NEGATIVE, NOT_DONE, Histories
from tests.model.tables import SMALL

# The columns of SMALL: age, ki67 (log), ratio, invasion, margin (R0, R1, R2), grade; marker cga (log); tests ct, mri.
AGE, KI67, INVASION, MARGIN = 0, 1, 3, 4
N_TRAINED, N_QUARTERS, A_QUARTER = 2000, 8, 60
FIRST = 200  # 2020-Q1
TODAY = first_day(FIRST + N_QUARTERS) - 1
SHARES = {"age": 0.0, "ki67": 0.3, "ratio": 0.5, "invasion": 0.0, "margin": 0.0, "grade": 0.0}


def cohort(rng, n):
    """Patients of whom each has one visit, a month after day 0."""
    baseline = np.column_stack(
        [
            rng.normal(60, 10, n),
            np.exp(rng.normal(1, 0.7, n)),
            rng.normal(0, 1, n),
            rng.random(n) < 0.002,
            rng.choice(3, n, p=[0.7, 0.2, 0.1]),
            rng.random(n) < 0.4,
        ]
    ).astype(float)
    for column, share in enumerate(SHARES.values()):
        baseline[rng.random(n) < share, column] = np.nan
    marker = np.where(rng.random((n, 1, 1)) < 0.8, np.exp(rng.normal(4, 0.5, (n, 1, 1))), np.nan)
    test = np.where(rng.random((n, 1, 2)) < [0.9, 0.3], NEGATIVE, NOT_DONE).astype(np.int8)
    return Histories(baseline, np.ones((n, 1)), marker, test)


@pytest.fixture(scope="module")
def predictor():
    """What drift asks of a model: the study, and the scaling of its training cohort."""
    trained = cohort(np.random.default_rng(1), N_TRAINED)
    rows = at_landmark(SMALL, trained, np.arange(N_TRAINED), np.full(N_TRAINED, 6.0))
    scaling = Scaling.learn(rows, feature_list(SMALL), baseline_features(SMALL, trained.baseline))
    return Predictor(SMALL, TimeGrid.of(SMALL, until=24.0), scaling, (), 24.0, np.zeros((1, 7)))


FACTS = {
    "patients": N_TRAINED,
    "predictors": [{"name": name, "missing_share": s} for name, s in SHARES.items()],
    "at_visits": visit_facts(SMALL, cohort(np.random.default_rng(1), N_TRAINED)),
}


def rows_of(predictor, change=lambda record: record, *, seed=2, today=TODAY):
    """Eight quarters of new patients, the last quarter's as `change` has them."""
    rng = np.random.default_rng(seed)
    calendar = Calendar(FIRST, today)
    inputs = inputs_of(predictor, FACTS)
    found, use = Drift.empty(predictor, calendar), Use.empty(N_QUARTERS, 3)
    for quarter in range(N_QUARTERS):
        record = cohort(rng, A_QUARTER)
        record = change(record) if quarter == N_QUARTERS - 1 else record
        origin = first_day(FIRST + quarter) + rng.integers(0, 40, A_QUARTER)
        open_ended = np.full(A_QUARTER, np.nan), np.zeros(A_QUARTER, dtype=np.int64)
        watched = Watched.today(SMALL, record, origin, *open_ended, today=today)
        found += add_up(predictor, watched, inputs, calendar)
        use += add_up_use(watched, calendar)
    trained = use_in_training(SMALL, FACTS)
    return drift_rows(found, use, inputs, calendar, n_trained=N_TRAINED, trained=trained)


def changed(column, values):
    def change(record):
        baseline = record.baseline.copy()
        baseline[:, column] = values(baseline[:, column])
        return replace(record, baseline=baseline)

    return change


def drifted(rows):
    return {(row["quarter"], row["input"], row["level"], *row["drift"]) for row in rows if row["drift"]}


def test_patients_like_those_of_training_seldom_look_different(predictor):
    flagged = [rows_of(predictor, seed=seed) for seed in range(10)]
    quarters = {(seed, row["quarter"]) for seed, rows in enumerate(flagged) for row in rows if row["drift"]}
    assert len(quarters) <= 4  # of 80, 5 % of which may by chance


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (changed(AGE, lambda age: age + 8), ("age", None, "mean")),
        (changed(KI67, lambda ki67: 2 * ki67), ("ki67", None, "mean")),  # on the logarithm's scale: + 0.69 of sd 0.7
        (changed(KI67, lambda ki67: np.full_like(ki67, np.nan)), ("ki67", None, "share")),
        (changed(MARGIN, lambda margin: np.where(margin == 0, 2.0, margin)), ("margin", "R2", "mean")),
        (lambda record: replace(record, marker=2 * record.marker), ("cga", None, "mean")),
        (lambda record: replace(record, test=np.full_like(record.test, NOT_DONE)), ("ct", None, "share", "use")),
    ],
)
def test_what_changes_is_named_in_its_quarter(predictor, change, named):
    assert ("2021-Q4", *named) in drifted(rows_of(predictor, change)) - drifted(rows_of(predictor))


def test_one_patient_with_something_rare_is_no_drift(predictor):
    # 0.2 % in training: one of 60 lies more than a quarter of a standard deviation off, and comes one time in nine.
    def one(values):
        values = np.zeros_like(values)
        values[0] = 1.0
        return values

    row = next(
        row
        for row in rows_of(predictor, changed(INVASION, one))
        if (row["quarter"], row["input"]) == ("2021-Q4", "invasion")
    )
    assert row["difference"] > 0.25
    assert row["drift"] == []


def test_figures_by_hand(predictor):
    rows = rows_of(predictor, changed(AGE, lambda age: np.where(np.arange(len(age)) < 45, 99.5, np.nan)))
    age = next(row for row in rows if (row["quarter"], row["input"]) == ("2021-Q4", "age"))
    assert (age["n"], age["known"], age["share"], age["usual_share"]) == (60, 45, 0.75, 1.0)
    assert (age["mean"], age["sd"], age["outside"]) == (pytest.approx(99.5), pytest.approx(0.0, abs=1e-5), 1.0)
    assert age["usual_mean"] == pytest.approx(60, abs=1)
    assert age["difference"] == pytest.approx((99.5 - age["usual_mean"]) / age["usual_sd"])
    ct = [row for row in rows if row["input"] == "ct"]
    assert ct[0]["usual_share"] is None  # no quarter before it
    assert ct[3]["usual_share"] == pytest.approx(np.mean([row["share"] for row in ct[:3]]))
    assert ct[0]["mean"] is None
    assert [row["level"] for row in rows if row["input"] == "margin"][:2] == ["R1", "R2"]


def test_of_fewer_than_ten_patients_only_the_number_is_told(predictor):
    # Today is the third day of the last quarter.
    rows = rows_of(predictor, today=first_day(FIRST + N_QUARTERS - 1) + 2)
    last = [row for row in rows if not row["over"]]
    assert {row["quarter"] for row in last} == {"2021-Q4"}
    for row in last:
        assert row["n"] < 10
        figures = ("known", "share", "mean", "sd", "difference", "outside")
        assert [row[name] for name in figures] == [None] * len(figures)
        assert row["drift"] == []
    json.dumps(rows, allow_nan=False)
