"""Patients from entry to the end of follow-up, on both databases."""

import threading
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from service.store.repository import STATEMENTS
from tests.service.checks import ANY_VERSION, paths, problem
from tests.service.conftest import BASELINE, PATIENT, TODAY, VISIT


def test_a_patient_reads_back_as_entered(client):
    entered = client.post("/v1/patients", json={**PATIENT, "centre": "Ward 3"})
    assert entered.status_code == 201
    read = client.get(entered.headers["location"])
    assert read.json() == {
        **PATIENT,
        "centre": "Ward 3",
        "patient_id": entered.json()["patient_id"],
        "version": 1,
        "recorded_at": "2026-01-10T12:30:00Z",
        "outcome": None,
    }
    assert entered.headers["etag"] == read.headers["etag"] == '"1"'


def test_null_and_absent_both_mean_missing(client):
    with_null = {**BASELINE, "sstr_avid": None}
    entered = client.post("/v1/patients", json={**PATIENT, "baseline": with_null})
    assert client.get(entered.headers["location"]).json()["baseline"] == BASELINE
    assert paths(client.post("/v1/patients", json={**PATIENT, "baseline": {**BASELINE, "sex": None}})) == [
        "baseline.sex"
    ]


def test_a_reference_is_unique_within_a_centre(client, patient):
    assert problem(client.post("/v1/patients", json=PATIENT), 409)["type"].endswith(":duplicate")
    assert client.post("/v1/patients", json={**PATIENT, "centre": "another"}).status_code == 201


def test_visits_read_back_in_order_of_date_and_raise_the_version(client, patient):
    later = {"date": "2025-01-15", "tests": {"pelvic_mri": "negative"}}
    for body in (later, VISIT):
        assert client.post(f"{patient}/visits", json=body).status_code == 201
    visits = client.get(f"{patient}/visits").json()["visits"]
    assert [visit["date"] for visit in visits] == ["2024-07-15", "2025-01-15"]
    assert {key: visits[0][key] for key in VISIT} == VISIT
    assert visits[1]["markers"] == {}
    assert client.get(patient).headers["etag"] == '"3"'


def test_the_answer_to_a_visit_is_the_risk_and_schedule_as_of_its_date(client, patient):
    answer = client.post(f"{patient}/visits", json=VISIT).json()
    assert answer["risk"] == client.get(f"{patient}/risk", params={"as_of": VISIT["date"]}).json()
    whole = client.get(f"{patient}/schedule", params={"as_of": VISIT["date"]}).json()
    beside = dict.fromkeys(
        ("bands", "guidelines", "silent_guidelines", "treatment", "frontier", "referral", "recommendation_id")
    )
    assert {**answer["schedule"], "recommendation_id": None} == {**whole, **beside}
    assert answer["change"]["risk_after"] == answer["risk"]["events"]
    assert answer["warnings"] == []


def test_clean_tests_lower_what_may_be_there_unseen(client, patient):
    clean = {**VISIT, "date": "2025-07-15", "markers": {}}  # late enough for anything to be there unseen
    before = client.get(f"{patient}/risk", params={"as_of": clean["date"]}).json()["events"]
    change = client.post(f"{patient}/visits", json=clean).json()["change"]
    assert change["risk_before"] == before
    for name in ("local", "nodal", "distant"):
        old, new = (
            next(event["unseen_now"]["value"] for event in change[key] if event["name"] == name)
            for key in ("risk_before", "risk_after")
        )
        assert new < old


def test_a_marker_is_named_as_driver(client, patient):
    change = client.post(f"{patient}/visits", json=VISIT).json()["change"]
    assert {"cga", "sigmoidoscopy", "ct"} >= {driver["name"] for driver in change["drivers"]} >= {"cga"}


def test_every_answer_with_a_number_says_that_the_data_are_synthetic(client, patient):
    visit = client.post(f"{patient}/visits", json=VISIT).json()
    stateless = {"patient": {"origin_date": "2024-01-15", "baseline": BASELINE}}
    answers = [
        visit,
        visit["risk"],
        visit["schedule"],
        client.get(f"{patient}/risk").json(),
        client.get(f"{patient}/schedule").json(),
        client.post("/v1/schedule", json=stateless).json(),
        client.get("/v1/model").json(),
    ]
    for answer in answers:
        assert answer["model"]["synthetic"] is True
        assert answer["model"]["notice"] == (
            "Decision support, not a medical device. Trained on synthetic data: not for decisions about real patients."
        )


def test_a_schedule_without_a_record_is_the_schedule_of_the_record(client, patient):
    client.post(f"{patient}/visits", json=VISIT)
    visit = {key: VISIT[key] for key in ("date", "markers", "tests")}
    body = {"patient": {"origin_date": "2024-01-15", "baseline": BASELINE}, "visits": [visit], "tier": "regional"}
    recorded = client.get(f"{patient}/schedule").json()
    assert client.post("/v1/schedule", json=body).json() == {**recorded, "recommendation_id": None}
    body["visits"].append(visit)
    assert paths(client.post("/v1/schedule", json=body)) == ["visits.1.date"]


def test_a_tier_limits_the_tests(client, patient):
    tests = {item["name"]: item["tiers"] for item in client.get("/v1/model").json()["tests"]}
    for tier in ("primary", "regional", "tertiary"):
        answer = client.get(f"{patient}/schedule", params={"tier": tier}).json()
        assert answer["tier"] == tier
        assert all(tier in tests[name] for step in answer["plan"] for name in step["tests"])
    assert client.get(f"{patient}/schedule").json()["tier"] == "regional"
    assert paths(client.get(f"{patient}/schedule", params={"tier": "village"})) == ["query.tier"]


def test_f07_dates_that_cannot_be(client, patient):
    tomorrow, after = (str(TODAY + timedelta(days=days)) for days in (1, 2))
    assert paths(client.post(f"{patient}/visits", json={"date": after})) == ["date"]
    assert paths(client.post(f"{patient}/visits", json={"date": "2024-01-14"})) == ["date"]
    assert paths(client.post("/v1/patients", json={**PATIENT, "origin_date": after})) == ["origin_date"]
    assert paths(client.post("/v1/patients", json={**PATIENT, "origin_date": "1899-12-31"})) == ["origin_date"]
    assert paths(
        client.post(f"{patient}/outcome", json={"date": "2024-01-15", "event": "none"}, headers=ANY_VERSION)
    ) == ["date"]
    assert paths(client.get(f"{patient}/risk", params={"as_of": after})) == ["query.as_of"]
    assert paths(client.get(f"{patient}/risk", params={"as_of": "2024-01-14"})) == ["query.as_of"]
    # Clocks differ: one day ahead is allowed.
    assert client.post(f"{patient}/visits", json={"date": tomorrow}).status_code == 201


def test_the_day_of_resection_itself_can_be_a_visit_and_be_asked_about(client):
    today = {**PATIENT, "origin_date": str(TODAY + timedelta(days=1))}
    address = client.post("/v1/patients", json=today).headers["location"]
    assert client.get(f"{address}/risk").json()["as_of"] == today["origin_date"]
    assert client.post(f"{address}/visits", json={"date": today["origin_date"]}).status_code == 201


def test_f13_a_missing_input_is_flagged_and_answered(client):
    required = {key: BASELINE[key] for key in ("age_years", "sex", "size_mm", "technique")}
    address = client.post("/v1/patients", json={**PATIENT, "baseline": required}).headers["location"]
    inputs = {item["name"]: item for item in client.get(f"{address}/risk").json()["inputs"]}
    assert inputs["size_mm"]["status"] == "used"
    assert inputs["size_mm"]["value"] == 12.5
    assert inputs["grade"]["status"] == inputs["cga"]["status"] == "missing"
    assert inputs["grade"]["value"] is None


def test_f14_a_late_arriving_visit_counts_from_its_own_date(client, patient):
    client.post(f"{patient}/visits", json=VISIT)
    later = client.post(f"{patient}/visits", json={"date": "2025-07-15", "tests": {"ct": "negative"}}).json()
    early = client.get(f"{patient}/risk", params={"as_of": "2024-12-31"}).json()
    between = client.post(f"{patient}/visits", json={"date": "2025-01-15", "tests": {"pelvic_mri": "negative"}}).json()
    assert "A later visit is recorded" in between["warnings"][0]
    assert client.get(f"{patient}/risk", params={"as_of": "2024-12-31"}).json() == early
    recomputed = client.get(f"{patient}/risk", params={"as_of": "2025-07-15"}).json()
    assert recomputed["events"] != later["risk"]["events"]


def test_f14_a_retracted_visit_no_longer_counts_and_stays_in_the_database(client, patient, app):
    before = client.get(f"{patient}/risk").json()
    visit = client.post(f"{patient}/visits", json=VISIT).json()["visit_id"]
    assert problem(client.post(f"{patient}/visits", json=VISIT), 409)["type"].endswith(":duplicate")
    assert client.delete(f"{patient}/visits/{visit}", headers=ANY_VERSION).status_code == 204
    assert client.get(f"{patient}/risk").json() == before
    assert client.get(f"{patient}/visits").json() == {"visits": []}
    problem(client.delete(f"{patient}/visits/{visit}", headers=ANY_VERSION), 404)
    assert client.post(f"{patient}/visits", json={**VISIT, "tests": {}}).status_code == 201
    with app.state.service.database.engine.connect() as connection:
        assert connection.scalar(text("select count(*) from visit_statement")) == 2


def test_f15_a_positive_result_withholds_every_number_until_work_up(client, patient):
    client.post(f"{patient}/visits", json=VISIT)
    answer = client.post(f"{patient}/visits", json={"date": "2025-01-15", "tests": {"ct": "positive"}}).json()
    assert answer["risk"] is answer["schedule"] is answer["change"] is None
    assert "awaits work-up" in answer["warnings"][0]
    for question in ("risk", "schedule"):
        refusal = problem(client.get(f"{patient}/{question}"), 409)
        assert refusal["type"].endswith(":awaiting-work-up")
        assert client.get(f"{patient}/{question}", params={"as_of": "2025-01-14"}).status_code == 200
    # Work-up cleared it: the visit is retracted and the result recorded as negative.
    client.delete(f"{patient}/visits/{answer['visit_id']}", headers=ANY_VERSION)
    client.post(f"{patient}/visits", json={"date": "2025-01-15", "tests": {"ct": "negative"}})
    assert client.get(f"{patient}/schedule").status_code == 200


def test_f15_an_outcome_closes_follow_up(client, patient):
    client.post(f"{patient}/visits", json=VISIT)
    assert paths(
        client.post(f"{patient}/outcome", json={"date": "2024-07-14", "event": "local"}, headers=ANY_VERSION)
    ) == ["date"]
    assert paths(
        client.post(f"{patient}/outcome", json={"date": "2025-01-15", "event": "cured"}, headers=ANY_VERSION)
    ) == ["event"]
    outcome = {"date": "2025-01-15", "event": "local"}
    answer = client.post(f"{patient}/outcome", json=outcome, headers=ANY_VERSION)
    assert answer.status_code == 201
    assert answer.json() == outcome == client.get(patient).json()["outcome"]
    refused = [
        client.get(f"{patient}/risk"),
        client.get(f"{patient}/schedule", params={"as_of": "2025-01-15"}),
        client.post(f"{patient}/outcome", json=outcome, headers=ANY_VERSION),
        client.post(f"{patient}/visits", json={"date": "2025-01-16"}),
    ]
    for refusal in refused:
        assert problem(refusal, 409)["type"].endswith(":follow-up-closed")
    assert client.get(f"{patient}/risk", params={"as_of": "2025-01-14"}).status_code == 200


def test_f16_a_visit_beyond_what_the_model_supports_is_kept_and_says_so(client, model):
    address = client.post("/v1/patients", json={**PATIENT, "origin_date": "2010-01-15"}).headers["location"]
    answer = client.post(f"{address}/visits", json={"date": "2025-06-15", "tests": {"ct": "negative"}})
    assert answer.status_code == 201
    assert answer.json()["risk"] is None
    assert f"beyond month {model.predictor.supported_until_month:g}" in answer.json()["warnings"][0]
    assert problem(client.get(f"{address}/risk"), 409)["type"].endswith(":not-supported")


def test_deleting_erases_everything(client, patient, app):
    client.post(f"{patient}/visits", json=VISIT)
    client.post(f"{patient}/outcome", json={"date": "2025-01-15", "event": "none"}, headers=ANY_VERSION)
    assert client.delete(patient, headers=ANY_VERSION).status_code == 204
    problem(client.get(patient), 404)
    problem(client.delete(patient, headers=ANY_VERSION), 404)
    engine = app.state.service.database.engine
    if engine.dialect.name == "sqlite":
        assert b"lymphovascular_invasion" not in Path(f"{engine.url.database}-wal").read_bytes()
    with engine.connect() as connection:
        for table in ("patient", *(table.__tablename__ for table in STATEMENTS), "recommendation", "idempotency_key"):
            assert connection.scalar(text(f"select count(*) from {table}")) == 0


@pytest.mark.parametrize(
    "name", ["00000000-0000-4000-8000-000000000000", "x", "%00", "..", "A" * 500, "{0}", "\N{ARABIC-INDIC DIGIT ZERO}"]
)
def test_an_identifier_that_names_nobody_is_not_found(client, name):
    for address in (f"/v1/patients/{name}", f"/v1/patients/{name}/visits", f"/v1/patients/{name}/risk"):
        assert problem(client.get(address), 404)["errors"] == []
    assert problem(client.post(f"/v1/patients/{name}/visits", json=VISIT), 404)["errors"] == []


def test_of_many_who_record_the_same_day_exactly_one_succeeds(server, client, patient):
    dates = [f"2025-{month:02}-01" for month in range(1, 5)] * 4
    statuses = {day: [] for day in dates}

    def record(day):
        with httpx.Client(base_url=server, timeout=60, headers=client.headers) as http:
            statuses[day].append(http.post(f"{patient}/visits", json={"date": day}).status_code)

    threads = [threading.Thread(target=record, args=(day,)) for day in dates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(sorted(found) == [201, 409, 409, 409] for found in statuses.values())
    assert client.get(patient).json()["version"] == 5
    assert len(client.get(f"{patient}/visits").json()["visits"]) == 4


def test_a_record_made_for_another_study_is_not_answered(client, patient, app):
    with app.state.service.database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(text("update patient set study = 'csl'"))
    assert problem(client.get(f"{patient}/risk"), 409)["type"].endswith(":study-mismatch")
    assert problem(client.post(f"{patient}/visits", json=VISIT), 409)["type"].endswith(":study-mismatch")
    assert client.get(patient).status_code == 200
