"""Monitoring over HTTP: the model against a clinic's own patients, in both kinds of database."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import islice

import numpy as np
import pytest

from examples.fill_store import enter, patients_of
from model.audit.out_of_fold import predict_every_visit
from model.tables.cohort import read_cohort
from service.api.next_visits import next_visits
from service.monitoring import kept, reading
from service.record import Patient, Visit, histories, histories_of_all
from service.ui.finding import NOT_WORTH_IT, ListedPatient
from tests.service.checks import ANY_VERSION, problem
from tests.service.conftest import BASELINE, NOW, PATIENT, TODAY, VISIT
from tests.service.test_pages import HTML, Page

N = 120


@pytest.fixture(scope="session")
def records(artifacts, model):
    return list(islice(patients_of(artifacts.parent / "cohort", model.predictor.study, TODAY), N))


@pytest.fixture
def ids(client, app, records, model):
    """The service with the first patients of the cohort that its model was trained on."""
    return enter(app.state.service.database, records, model.predictor.study, NOW)


def still_followed(records):
    return [(name, replace(patient, outcome=None)) for name, patient in records]


def calibration(client):
    return client.get("/v1/monitoring/calibration").json()


def to_date(answer, event):
    return next(row for row in answer["to_date"] if (row["event"], row["period"]) == (event, "all"))


def test_an_empty_service_is_answered_with_nothing_to_tell(client):
    answer = calibration(client)
    assert (answer["patients"], answer["another_study"]) == (0, 0)
    assert {row["too_few"] for row in answer["by_quarter"]} == {"too few patients (0)"}
    assert not any(alarm["alarm"] for alarm in answer["alarms"])
    assert {row["n"] for row in client.get("/v1/monitoring/drift").json()["inputs"]} == {0}
    late = client.get("/v1/monitoring/overdue").json()
    assert (late["open_patients"], late["total"], late["patients"]) == (0, 0, [])


def test_the_tables_and_the_store_tell_the_same(client, ids, artifacts, model, records):
    # Two roads: the cohort's tables through the audit, and the same patients entered by date.
    answer = calibration(client)
    cohort = read_cohort(artifacts.parent / "cohort", model.predictor.study)
    first = np.arange(N)
    steps = predict_every_visit(model.predictor, cohort.histories, cohort.outcomes, first)
    assert answer["patients"] == N
    for cause, event in enumerate(model.predictor.study.event_names[:3], 1):
        row = to_date(answer, event)
        assert row["visits"] == pytest.approx(len(steps[cause].month), abs=3)  # days are whole here
        assert row["expected"] == pytest.approx(steps[cause].probability.sum(), rel=0.02)
        assert row["observed"] + row["beside"] == (cohort.outcomes.cause[:N] == cause).sum()
    assert to_date(answer, "death")["observed"] == (cohort.outcomes.cause[:N] == 4).sum()
    targets = [to_date(answer, event)["observed"] for event in model.predictor.study.event_names[:3]]
    assert to_date(answer, None)["observed"] == sum(targets)


def test_the_page_tells_what_the_answer_does(client, ids):
    judged = calibration(client)
    page = Page(client.get("/ui/monitoring", headers=HTML))
    assert f"about the {N} patients recorded here" in page.html
    for event in ("local", "nodal", "distant", "death", None):
        row = to_date(judged, event)
        assert f"{row['observed']} / {row['expected']:.1f}" in page.html
    ringing = [alarm for alarm in judged["alarms"] if alarm["alarm"]]
    assert ('<p class="key">None</p>' in page.html) == (not ringing)
    assert all(name not in page.html for name in ids)


def test_use_of_tests_is_told_beside_that_of_training(client, ids, records, model):
    rows = [row for row in client.get("/v1/monitoring/drift").json()["inputs"] if row["kind"] == "test"]
    told = [row for row in rows if row["share"] is not None]
    assert told
    trained = model.facts["at_visits"]
    for row in told:
        usual = [n / of for n, of in zip(trained["recorded"][row["input"]], trained["visits"], strict=True) if of]
        assert min(usual) <= row["trained_share"] <= max(usual)
        assert ("use" in row["drift"]) <= (abs(row["share"] - row["trained_share"]) >= 0.1)
    # All visits of the cohort's first patients: the shares of all its patients' visits, up to chance.
    n_visits = sum(len(patient.visits) for _, patient in records)
    for name, counts in trained["recorded"].items():
        here = sum(
            (name in visit.tests) + (name in visit.markers) for _, patient in records for visit in patient.visits
        )
        assert here / n_visits == pytest.approx(sum(counts) / sum(trained["visits"]), abs=0.1)
    page = Page(client.get("/ui/monitoring", headers=HTML)).text
    last = [row for row in told if row["quarter"] == told[-1]["quarter"]]
    for row in last:
        assert f"{100 * row['share']:.0f} % training: {100 * row['trained_share']:.0f} %" in page.replace(
            "differs ", ""
        )


def test_without_outcomes_inputs_are_compared_all_the_same(client, app, records, model):
    enter(app.state.service.database, still_followed(records), model.predictor.study, NOW)
    rows = client.get("/v1/monitoring/drift").json()["inputs"]
    assert sum(row["n"] for row in rows if row["input"] == "age_years") == N
    n_visits = sum(len(patient.visits) for _, patient in records)
    assert sum(row["n"] for row in rows if row["input"] == "ct") == n_visits
    assert calibration(client)["patients"] == N


def test_a_correction_counts_at_once_and_an_answer_is_the_same_until_then(client, ids, records):
    before = calibration(client)
    assert calibration(client) == before
    name, _ = next(item for item in records if len(item[1].visits) > 2 and item[1].visits[0].tests)
    address = f"/v1/patients/{ids[name]}"
    visit_id = client.get(f"{address}/visits").json()["visits"][0]["visit_id"]
    assert client.delete(f"{address}/visits/{visit_id}", headers=ANY_VERSION).status_code == 204
    after = calibration(client)
    assert to_date(after, None)["visits"] == to_date(before, None)["visits"] - 1
    # The later visits are expected to find more, since that one no longer says that nothing was there.
    assert to_date(after, None)["expected"] != to_date(before, None)["expected"]


def test_chunks_make_no_difference(client, ids, monkeypatch, app):
    whole = calibration(client)
    app.state.service.kept._answers.clear()
    monkeypatch.setattr(reading, "PATIENTS_AT_ONCE", 50)
    parts = calibration(client)
    assert parts["alarms"] == [{**row, "score": pytest.approx(row["score"])} for row in whole["alarms"]]
    for row, same in zip(parts["to_date"], whole["to_date"], strict=True):
        assert (row["observed"], row["patients"]) == (same["observed"], same["patients"])
        assert row["expected"] == pytest.approx(same["expected"])
        assert row["ratio"] == (same["ratio"] and pytest.approx(same["ratio"]))


def test_a_positive_test_awaits_work_up_until_the_outcome_says_what_it_was(client, app, model):
    patient = Patient(date(2024, 6, 15), BASELINE)
    records = []
    for number in range(12):
        results = {"sigmoidoscopy": "negative", "ct": "positive" if number == 0 else "negative"}
        records.append((f"{number}", patient.with_visit(Visit(date(2025, 1, 10), {}, results))))
    ids = enter(app.state.service.database, records, model.predictor.study, NOW)

    def quarter(event):
        rows = calibration(client)["by_quarter"]
        return next(row for row in rows if (row["event"], row["quarter"]) == (event, "2025-Q1"))

    assert (quarter("nodal")["awaiting"], quarter("nodal")["observed"]) == (1, 0)
    assert quarter("local")["awaiting"] == 0  # a CT does not see it
    assert client.get("/v1/monitoring/overdue").json()["without_plan"]["awaiting_work_up"] == 1
    outcome = {"date": "2025-01-30", "event": "nodal"}
    assert client.post(f"/v1/patients/{ids['0']}/outcome", json=outcome, headers=ANY_VERSION).status_code == 201
    assert (quarter("nodal")["awaiting"], quarter("nodal")["observed"]) == (0, 1)
    assert quarter(None)["beside"] == 0


def test_records_of_another_study_are_counted_and_left_out(client, app, ids, records, model):
    database = app.state.service.database
    _, patient = records[0]
    strange = replace(patient, baseline={**patient.baseline, "shoe_size": 43.0})
    with database.writing() as patients:
        patients.add(strange, patient_ref="strange", centre="x", study=model.predictor.study.name, now=NOW)
        patients.add(patient, patient_ref="other", centre="x", study="csl", now=NOW)
    answer = calibration(client)
    assert (answer["patients"], answer["another_study"]) == (N, 2)
    drift = client.get("/v1/monitoring/drift").json()
    assert (drift["patients"], drift["another_study"]) == (N, 2)
    assert client.get("/v1/monitoring/overdue").json()["without_plan"]["another_study"] == 2


def test_calibration_and_drift_tell_nothing_about_anybody(client, ids):
    for part in ("calibration", "drift"):
        answer = client.get(f"/v1/monitoring/{part}")
        assert not any(name in answer.text or str(patient_id) in answer.text for name, patient_id in ids.items())
        for row in answer.json().get("inputs", []):
            assert row["n"] >= 10 or row["mean"] is row["share"] is None
        for row in answer.json().get("by_quarter", []):
            assert row["patients"] >= 10 or row["observed"] is row["expected"] is None


def test_overdue_is_who_the_pages_call_overdue(client, app, ids, model, records):
    database = app.state.service.database
    still = [(f"open-{name}", patient) for name, patient in still_followed(records[:40])]
    open_ids = enter(database, still, model.predictor.study, NOW)
    late = client.get("/v1/monitoring/overdue").json()
    assert late["open_patients"] == len(still)
    with database.reading() as patients:
        stored = [patients.get(patient_id) for patient_id in open_ids.values()]
    planned = next_visits(model, app.state.service.planning, stored, TODAY)
    pages = [ListedPatient.of(*each, TODAY) for each in zip(stored, planned, strict=True)]
    shown = {str(page.stored.patient_id) for page in pages if page.days_overdue > 0}
    assert {row["patient_id"] for row in late["patients"]} == shown
    assert late["total"] == len(shown) > 10
    assert sum(late["without_plan"].values()) == sum(
        page.next is None and page.message != NOT_WORTH_IT for page in pages
    )
    days = [row["days_overdue"] for row in late["patients"]]
    assert days == sorted(days, reverse=True)
    first = late["patients"][0]
    assert date.fromisoformat(first["window"]["latest"]) + timedelta(days=days[0]) == TODAY


def test_who_comes_is_no_longer_overdue_and_who_has_time_is_not_yet(client):
    body = {**PATIENT, "origin_date": "2023-01-15"}
    patient = client.post("/v1/patients", json=body).headers["location"]
    assert client.get("/v1/monitoring/overdue").json()["total"] == 1
    window = client.get(f"{patient}/schedule", params={"as_of": "2023-01-15"}).json()["next"]["window"]
    assert client.get("/v1/monitoring/overdue").json()["patients"][0]["window"] == window
    client.post(f"{patient}/visits", json={**VISIT, "date": str(TODAY)})
    late = client.get("/v1/monitoring/overdue").json()
    assert (late["open_patients"], late["total"]) == (1, 0)
    client.post(f"{patient}/outcome", json={"date": str(TODAY), "event": "none"}, headers=ANY_VERSION)
    assert client.get("/v1/monitoring/overdue").json()["open_patients"] == 0


def test_many_records_are_the_same_arrays_as_one_by_one(records, model):
    study = model.predictor.study
    patients = [patient for _, patient in records[:30]]
    together = histories_of_all(study, patients)
    for number, patient in enumerate(patients):
        alone, n_visits = histories(study, patient), len(patient.visits)
        assert np.array_equal(together.baseline[number], alone.baseline[0], equal_nan=True)
        assert (together.visit_month[number, :n_visits] == alone.visit_month[0]).all()
        assert np.isinf(together.visit_month[number, n_visits:]).all()
        assert np.array_equal(together.marker[number, :n_visits], alone.marker[0], equal_nan=True)
        assert (together.test[number, :n_visits] == alone.test[0]).all()


def test_the_state_of_the_store_changes_with_every_change(client, app, patient):
    database = app.state.service.database

    def state():
        with database.reading() as patients:
            return patients.state()

    seen = [state()]
    visit = client.post(f"{patient}/visits", json=VISIT).json()
    seen.append(state())
    client.delete(f"{patient}/visits/{visit['visit_id']}", headers=ANY_VERSION)
    seen.append(state())
    client.post(f"{patient}/outcome", json={"date": str(TODAY), "event": "none"}, headers=ANY_VERSION)
    seen.append(state())
    client.delete(patient, headers=ANY_VERSION)
    seen.append(state())
    assert len(set(seen)) == len(seen)
    assert state() == seen[-1]


def test_f22_while_an_answer_is_worked_out_others_are_asked_to_come_again(client, app, monkeypatch, patient):
    monkeypatch.setattr(kept, "PATIENCE_SECONDS", 0.01)
    with app.state.service.kept._working:
        refusal = client.get("/v1/monitoring/calibration")
    assert problem(refusal, 503)["type"].endswith(":busy")
    assert refusal.headers["retry-after"] == "5"
    assert calibration(client)["patients"] == 1
