"""Row F26 of the failure catalogue, as far as it is in reach: the database is away, locked or read-only."""

import sqlite3

import pytest
from sqlalchemy import event, text

from service.app import create_app
from service.settings import Settings, database_url
from tests.service.checks import ANY_VERSION, problem
from tests.service.conftest import NOW, PATIENT, VISIT, admin_of, serving
from tests.service.postgres import postgres_server


def unavailable(answer):
    refusal = problem(answer, 503)
    assert refusal["type"].endswith(":database-unavailable")
    assert answer.headers["retry-after"] == "5"


def test_f26_postgresql_stops_and_comes_back(artifacts):
    with postgres_server() as postgres:
        app = create_app(Settings(postgres.url, artifacts), clock=lambda: NOW)
        with serving(app) as address, admin_of(app, address) as client:
            patient = client.post("/v1/patients", json=PATIENT).headers["location"]
            client.post(f"{patient}/visits", json=VISIT)
            postgres.stop()
            unavailable(client.get(patient))
            unavailable(client.post(f"{patient}/visits", json={"date": "2025-01-15"}))
            unavailable(client.get("/readyz"))
            assert client.get("/healthz").status_code == 200
            assert client.get("/ui", headers={"accept": "text/html"}).status_code == 503
            postgres.start()
            assert client.get("/readyz").status_code == 200
            assert [visit["date"] for visit in client.get(f"{patient}/visits").json()["visits"]] == [VISIT["date"]]
            assert client.post(f"{patient}/visits", json={"date": "2025-01-15"}).status_code == 201


def test_f26_a_patient_locked_in_postgresql_by_another_program(postgres, artifacts):
    app = create_app(Settings(postgres.url, artifacts), clock=lambda: NOW)
    with serving(app) as address, admin_of(app, address) as client:
        patient = client.post("/v1/patients", json={**PATIENT, "patient_ref": "locked"}).headers["location"]
        with app.state.service.database.engine.begin() as other:
            other.execute(text("select * from patient for update"))
            assert client.get(f"{patient}/risk").status_code == 200
            unavailable(client.post(f"{patient}/visits", json=VISIT))
        assert client.post(f"{patient}/visits", json=VISIT).status_code == 201
        client.delete(patient, headers=ANY_VERSION)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "service.sqlite"


@pytest.fixture
def app_on_file(file, artifacts):
    return create_app(Settings(database_url(f"sqlite:///{file}"), artifacts), clock=lambda: NOW)


@pytest.fixture
def sqlite_client(app_on_file):
    with serving(app_on_file) as address, admin_of(app_on_file, address) as client:
        yield client


def test_f26_sqlite_locked_by_another_program(sqlite_client, file):
    patient = sqlite_client.post("/v1/patients", json=PATIENT).headers["location"]
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("begin immediate")
    # Readers are not held up; a writer waits a while and then gives up whole.
    assert sqlite_client.get(f"{patient}/risk").status_code == 200
    unavailable(sqlite_client.post(f"{patient}/visits", json=VISIT))
    other.execute("rollback")
    other.close()
    assert sqlite_client.get(patient).json()["version"] == 1
    assert sqlite_client.post(f"{patient}/visits", json=VISIT).status_code == 201


def test_f26_sqlite_without_room(app_on_file, sqlite_client):
    patient = sqlite_client.post("/v1/patients", json=PATIENT).headers["location"]
    with app_on_file.state.service.database.engine.connect() as connection:
        used = connection.scalar(text("pragma page_count"))

    def limit(connection, *_):
        connection.execute(f"pragma max_page_count = {used}")

    # SQLite reports a file at its limit as it reports a full disk.
    engine = app_on_file.state.service.database.engine
    event.listen(engine, "checkout", limit)
    note = "x" * 2000
    answers = [
        sqlite_client.post(f"{patient}/visits", json={"date": f"2025-{month:02}-{day:02}", "note": note})
        for month in range(1, 13)
        for day in (1, 2)
    ]
    event.remove(engine, "checkout", limit)
    stored = [answer for answer in answers if answer.status_code == 201]
    assert 0 < len(stored) < len(answers)
    for answer in answers[len(stored) :]:
        unavailable(answer)
    assert len(sqlite_client.get(f"{patient}/visits").json()["visits"]) == len(stored)
