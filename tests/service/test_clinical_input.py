"""Rows F08 to F12 and F31 of the failure catalogue: values that mean something else, and what time does."""

import json
import time
from datetime import UTC, date, timedelta

import pytest

from service.app import create_app, utc_now
from service.settings import Settings, database_url
from tests.service.checks import ANY_VERSION, problem
from tests.service.conftest import BASELINE, NOW, PATIENT, VISIT, admin_of, serving


@pytest.fixture(scope="module")
def moments():
    """What the service's clock shows; the last counts."""
    return [NOW]


@pytest.fixture(scope="module")
def own(tmp_path_factory, artifacts, moments):
    url = database_url(f"sqlite:///{tmp_path_factory.mktemp('clinical') / 'service.sqlite'}")
    app = create_app(Settings(url, artifacts, requests_per_second=0), clock=lambda: moments[-1])
    with serving(app) as address, admin_of(app, address) as client:
        yield client


def entered(own, patient_ref, **changed):
    """The answer to a patient with these values instead."""
    return own.post("/v1/patients", json={**PATIENT, "patient_ref": patient_ref, "baseline": {**BASELINE, **changed}})


def faults(answer):
    return {fault["path"]: fault["rule"] for fault in problem(answer, 422)["errors"]}


@pytest.mark.parametrize("size", [0, -3, 0.4, 80.5, 150, 201])
def test_f08_a_size_that_cannot_be_in_millimetres_is_refused_with_the_unit(own, size):
    assert faults(entered(own, "F08", size_mm=size)) == {"baseline.size_mm": "must be from 0.5 to 80 mm"}


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (101, "must be from 0.1 to 100 %"),
        (-1, "must be from 0.1 to 100 %"),
        ("3%", "must be a number"),
        ("<3", "must be a number"),
    ],
)
def test_f09_a_ki_67_that_is_no_percentage_is_refused_and_never_read_into_one(own, given, rule):
    assert faults(entered(own, "F09", ki67_percent=given)) == {"baseline.ki67_percent": rule}


@pytest.mark.parametrize("given", [{"cga": "80 ng/ml"}, {"cga": -1}, {"cga": 80.5, "cga_unit": "nmol/l"}])
def test_f10_a_marker_is_a_number_in_the_unit_that_the_model_names_and_nothing_is_converted(own, given):
    patient = entered(own, f"F10 {json.dumps(given)}").headers["location"]
    (path,) = faults(own.post(f"{patient}/visits", json={**VISIT, "markers": given}))
    assert path.startswith("markers.cga")
    (unit,) = (column["unit"] for column in own.get("/v1/model").json()["markers"] if column["name"] == "cga")
    assert unit


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"site": "C18.7"}, "site"),
        ({"histology": "NEC"}, "histology"),
        ({"metastatic": True}, "metastatic"),
        ({"grade": "NEC"}, "grade"),
        ({"age_years": 12}, "age_years"),
    ],
)
def test_f11_whom_the_model_is_not_for_gets_no_number(own, given, path):
    assert list(faults(entered(own, "F11", **given))) == [f"baseline.{path}"]


def test_f12_without_the_resection_or_its_pathology_every_missing_value_is_named(own):
    body = {"patient_ref": "F12", "baseline": BASELINE}
    assert faults(own.post("/v1/patients", json=body)) == {"origin_date": "this field is required"}
    asked = faults(own.post("/v1/patients", json={**body, "origin_date": "2024-01-15", "baseline": {}}))
    required = dict.fromkeys(("age_years", "sex", "size_mm", "technique"), "this value is required")
    assert asked == {f"baseline.{name}": rule for name, rule in required.items()}


def test_f31_a_leap_day_is_a_day(own):
    body = {**PATIENT, "patient_ref": "leap", "origin_date": "2024-02-29"}
    patient = own.post("/v1/patients", json=body).headers["location"]
    for day in ("2024-02-29", "2025-02-28", "2025-03-01"):
        assert own.post(f"{patient}/visits", json={"date": day, "tests": {"ct": "negative"}}).status_code == 201
        schedule = own.get(f"{patient}/schedule", params={"as_of": day}).json()
        planned = [date.fromisoformat(visit["date"]) for visit in schedule["plan"]]
        assert planned == sorted(set(planned))
        assert not planned or planned[0] > date.fromisoformat(day)
    assert "2025-02-29" not in json.dumps(schedule)


def test_f31_a_clock_that_is_set_back_puts_nothing_out_of_order(own, moments):
    patient = entered(own, "clock").headers["location"]
    own.post(f"{patient}/visits", json=VISIT)
    before = own.get(patient).json()
    moments.append(NOW - timedelta(hours=3))
    try:
        change = own.patch(patient, json={"baseline": {"size_mm": 30.0}}, headers=ANY_VERSION)
        assert change.status_code == 200
        late = own.post(f"{patient}/visits", json={"date": "2025-01-15"})
        assert late.status_code == 201
    finally:
        moments.append(NOW + timedelta(minutes=1))
    # The changes stand after what was there already, as they were made.
    sizes = [own.get(patient, params={"as_known_at": f"2026-01-10T12:30:{at}Z"}).json() for at in ("00", "30")]
    assert [each["baseline"]["size_mm"] for each in sizes] == [12.5, 30.0]
    assert sizes[-1]["version"] == before["version"] + 2
    assert len(own.get(f"{patient}/visits").json()["visits"]) == 2
    assert own.get("/v1/audit/verify").json()["holds"]
    moments.append(NOW)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"])
def test_f31_the_machine_s_zone_and_its_summer_time_change_nothing(own, monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert utc_now().tzinfo is UTC
        assert abs(utc_now().timestamp() - time.time()) < 60
        patient = entered(own, zone).headers["location"]
        # The night in which Berlin's clocks go forward.
        assert own.post(f"{patient}/visits", json={"date": "2025-03-30"}).json()["risk"]["as_of"] == "2025-03-30"
        assert own.get(f"{patient}/visits").json()["visits"][0]["date"] == "2025-03-30"
        assert own.get(patient).json()["recorded_at"] == "2026-01-10T12:30:00Z"
    finally:
        monkeypatch.undo()
        time.tzset()
