"""Two roads to the same number: over HTTP, and from tables through the model."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.explain.change import change_since_last_visit
from model.explain.inputs import contributions, group_contributions
from model.schedule.outline import outlines
from model.schedule.planner import Patients
from model.schedule.policy import POLICIES, read_policy
from model.tables.cohort import read_cohort
from service.record import Patient, Visit, histories
from tests.service.conftest import BASELINE, PATIENT, VISIT

LATER = {"date": "2025-02-01", "markers": {"cga": 140.0, "five_hiaa": 22.0}, "tests": {"liver_mri": "negative"}}
AS_OF = "2025-03-15"


@pytest.fixture
def cohort(tmp_path, model):
    """The patient of these tests, as the tables of a cohort."""
    binary = {key: int(value) if isinstance(value, bool) else value for key, value in BASELINE.items()}
    event = {"patient_id": "B", "date": "2026-01-01", "event": "local"}  # A cohort needs an event of somebody.
    pd.DataFrame([{"patient_id": who, "origin_date": PATIENT["origin_date"], **binary} for who in ("A-1", "B")]).to_csv(
        tmp_path / "patients.csv", index=False
    )
    visits = [{"date": visit["date"], **visit["markers"], **visit["tests"]} for visit in (LATER, VISIT)]
    pd.DataFrame([{"patient_id": "A-1", **visit} for visit in visits]).to_csv(tmp_path / "visits.csv", index=False)
    outcomes = [event, {"patient_id": "A-1", "date": "2026-01-01", "event": "none"}]
    pd.DataFrame(outcomes).to_csv(tmp_path / "outcomes.csv", index=False)
    return read_cohort(tmp_path, model.predictor.study)


@pytest.fixture
def recorded(client, patient):
    """The same patient over HTTP, visits entered in the other order."""
    for visit in (VISIT, LATER):
        assert client.post(f"{patient}/visits", json=visit).status_code == 201
    return patient


def test_the_record_and_the_tables_are_the_same_arrays(cohort, model):
    visits = [Visit(date.fromisoformat(item["date"]), item["markers"], item["tests"]) for item in (VISIT, LATER)]
    patient = Patient(date.fromisoformat(PATIENT["origin_date"]), BASELINE, None, tuple(visits))
    ours, theirs = histories(model.predictor.study, patient), cohort.histories.select(np.array([0]))
    for name in ("baseline", "visit_month", "marker", "test"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_risk_over_http_is_the_predictor_on_the_tables(client, recorded, cohort, model):
    answer = client.get(f"{recorded}/risk", params={"as_of": AS_OF}).json()
    one = cohort.histories.select(np.array([0]))
    month = np.array([(date(2025, 3, 15) - date(2024, 1, 15)).days / 30.4375])
    forecast = model.predictor.predict(one, month)
    low, high = model.predictor.predict_draws(one, month).band()
    for index, event in enumerate(answer["events"]):
        assert event["unseen_now"]["value"] == pytest.approx(forecast.unseen[0, index], rel=1e-12)
        for horizon in event["horizons"]:
            for key, part in (("probability", forecast), ("low", low), ("high", high)):
                assert horizon[key] == pytest.approx(part.at(horizon["months"])[0, index], rel=1e-12)
    explained = {item.source: item for item in contributions(model.predictor, one, float(month[0]))}
    for item in answer["inputs"]:
        assert item["value"] == explained[item["name"]].value
        assert item["effect"] == pytest.approx(explained[item["name"]].log_hazard)
        assert item["group"] == explained[item["name"]].group
    groups = {item["group"]: item["effect"] for item in answer["groups"]}
    assert groups == {
        name: pytest.approx(effect)
        for name, effect in group_contributions(contributions(model.predictor, one, float(month[0]))).items()
    }


def test_a_visit_says_by_group_what_moved_since_the_visit_before(client, patient, cohort, model):
    client.post(f"{patient}/visits", json=VISIT)
    change = client.post(f"{patient}/visits", json=LATER).json()["change"]
    assert change["since"] == VISIT["date"]
    month = (date.fromisoformat(LATER["date"]) - date(2024, 1, 15)).days / 30.4375
    moved = change_since_last_visit(model.predictor, cohort.histories.select(np.array([0])), month)
    assert {item["group"]: item["effect"] for item in change["by_group"]} == {
        group: pytest.approx(effect) for group, effect in moved.groups.items()
    }
    # Two roads: the groups of two answers, each as of its own visit's date.
    risks = [
        client.get(f"{patient}/risk", params={"as_of": visit["date"]}).json()["groups"] for visit in (VISIT, LATER)
    ]
    for event, total in change["log_hazard"].items():
        before, after = (sum(item["effect"][event] for item in groups) for groups in risks)
        assert total == pytest.approx(after - before, abs=1e-9)
        assert total == pytest.approx(sum(item["effect"][event] for item in change["by_group"]), abs=1e-9)


def test_the_first_visit_is_compared_with_the_origin(client, patient):
    change = client.post(f"{patient}/visits", json=VISIT).json()["change"]
    assert change["since"] == PATIENT["origin_date"]


def test_what_a_missing_value_could_change_is_what_it_does_change_once_entered(client):
    known = {key: value for key, value in BASELINE.items() if key != "lymphovascular_invasion"}
    kept = {}
    for found in (None, False, True):
        baseline = known if found is None else known | {"lymphovascular_invasion": found}
        patient = client.post(
            "/v1/patients", json={**PATIENT, "patient_ref": f"L-{found}", "baseline": baseline}
        ).headers["location"]
        kept[found] = client.get(f"{patient}/risk", params={"as_of": "2024-01-15"}).json()
    missing = {item["name"]: item for item in kept[None]["missing"]}
    assert "lymphovascular_invasion" not in {item["name"] for item in kept[True]["missing"]}
    told = missing["lymphovascular_invasion"]
    assert [item["value"] for item in told["values"]] == [False, True]
    assert sum(item["probability"] for item in told["values"]) == pytest.approx(1)
    assert {(item["event"], item["horizon_months"]) for item in told["could_change"]} == {
        (event, months) for event in (None, "local", "nodal", "distant", "death") for months in (12, 60)
    }
    for could in told["could_change"]:

        def risk(answer, could=could):
            events = {event["name"]: {h["months"]: h["probability"] for h in event["horizons"]} for event in answer}
            names = ("local", "nodal", "distant") if could["event"] is None else (could["event"],)
            return sum(events[name][could["horizon_months"]] for name in names)

        assert could["now"] == pytest.approx(risk(kept[None]["events"]), abs=1e-12)
        assert could["low"] == pytest.approx(risk(kept[could["low_if"]]["events"]), abs=1e-12)
        assert could["high"] == pytest.approx(risk(kept[could["high_if"]]["events"]), abs=1e-12)
        assert could["low"] <= could["high"]


@pytest.mark.parametrize("policy", ["match-guideline", "max-unseen-risk"])
def test_the_plan_over_http_is_the_planner_on_the_tables(client, recorded, cohort, model, policy):
    asked = {"as_of": AS_OF, "tier": "primary", "policy": policy}
    answer = client.get(f"{recorded}/schedule", params=asked).json()
    month = (date(2025, 3, 15) - date(2024, 1, 15)).days / 30.4375
    patients = Patients(cohort.histories.select(np.array([0])), np.array([month]))
    rule = read_policy(POLICIES / f"{policy}.toml")
    ((_, found),) = outlines(model.predictor, patients, rule, tier="primary")
    names = np.array([test.name for test in model.predictor.study.test])
    assert answer["policy"] == policy
    assert [step["tests"] for step in answer["plan"]] == [names[done].tolist() for done in found.tests]
    assert [step["unseen_risk"] for step in answer["plan"]] == pytest.approx(found.unseen_risk.tolist())
    assert answer["figures"]["undetected_months"] == pytest.approx(found.figures.undetected_months[0])
    for shown, planned in zip(answer["plan"], found.month, strict=True):
        # Never later than the plan says, by less than a day.
        days = planned * 30.4375 - (date.fromisoformat(shown["date"]) - date(2024, 1, 15)).days
        assert -0.002 < days < 1
    assert answer["next"]["date"] == answer["plan"][0]["date"]
    window = answer["next"]["window"]
    assert AS_OF <= window["earliest"] <= answer["next"]["date"] <= window["latest"]


def test_probabilities_over_http_add_up_and_grow(client, recorded):
    answer = client.get(f"{recorded}/risk").json()
    curves = {curve["name"]: [point["probability"] for point in curve["points"]] for curve in answer["curve"]}
    assert all(np.all(np.diff(curve) >= 0) for curve in curves.values())
    assert np.sum([curve[-1] for curve in curves.values()]) <= 1
    for event in answer["events"]:
        points = next(curve["points"] for curve in answer["curve"] if curve["name"] == event["name"])
        assert points[0]["probability"] == pytest.approx(event["unseen_now"]["value"])
        assert all(horizon in points for horizon in event["horizons"])


@given(
    origin=st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1)),
    days=st.integers(min_value=0, max_value=9999),
)
def test_a_date_goes_to_months_and_back(origin, days):
    patient = Patient(origin, {})
    day = origin + timedelta(days=days)
    assert patient.date_of(patient.month_of(day)) == day


def test_calibration_and_facts_are_the_files_of_the_model(client, model):
    address = f"/v1/models/{model.version}"
    assert client.get(f"{address}/facts").json() == model.facts
    page = client.get(f"{address}/calibration", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.content == (model.folder / "audit.html").read_bytes()
    data = client.get(f"{address}/calibration")
    assert data.headers["content-type"] == "application/json"
    assert data.json() == json.loads((model.folder / "audit.json").read_text())
    for version in ("other", "..", "%2e%2e%2f", f"{model.version}x"):
        assert client.get(f"/v1/models/{version}/facts").status_code == 404
    assert client.get(f"{address}/calibration", headers={"accept": "image/png"}).status_code == 406


def test_the_model_describes_every_column_it_takes(client, model):
    described = client.get("/v1/model").json()
    study = model.predictor.study
    assert [item["name"] for item in described["baseline"]] == [item.name for item in study.baseline]
    assert [item["name"] for item in described["markers"]] == [item.name for item in study.marker]
    assert {item["name"]: item["sees"] for item in described["tests"]}["ct"] == ["nodal", "distant"]
    assert described["tiers"] == ["primary", "regional", "tertiary"]
    assert described["supported_until_month"] == model.predictor.supported_until_month
