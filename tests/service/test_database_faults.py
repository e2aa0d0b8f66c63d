"""Row F26 of the failure catalogue, as far as it is in reach: the database is away, locked or read-only."""

import os
import sqlite3

import pytest
from sqlalchemy import create_engine, event, text

from service.app import create_app
from service.settings import Settings, database_url
from tests.service.checks import ANY_VERSION, problem
from tests.service.conftest import NOW, PATIENT, VISIT, admin_of, serving
from tests.service.databases import new_database
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


def test_f26_postgresql_takes_no_writes_as_a_standby_does_and_then_it_does_again(request, artifacts, tmp_path):
    url = new_database("postgresql", request, tmp_path)
    app = create_app(Settings(url, artifacts), clock=lambda: NOW)
    operator = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")

    def switch(state):
        with operator.connect() as connection:
            connection.execute(text(f"alter database {url.database} set default_transaction_read_only = {state}"))
        app.state.service.database.engine.dispose()

    with serving(app) as address, admin_of(app, address) as client:
        patient = client.post("/v1/patients", json=PATIENT).headers["location"]
        switch("on")
        assert client.get(patient).status_code == 200
        unavailable(client.post(f"{patient}/visits", json=VISIT))
        unavailable(client.get("/readyz"))
        switch("off")
        assert client.get("/readyz").status_code == 200
        assert client.post(f"{patient}/visits", json=VISIT).status_code == 201
    # What was read meanwhile is in the audit log all the same.
    read = create_engine(url)
    with read.connect() as connection:
        assert connection.scalar(text("select count(*) from audit_entry where action = 'patient.read'")) == 1
    for engine in (operator, read):
        engine.dispose()


def test_f26_tables_that_a_newer_program_has_changed_under_this_one(request, artifacts, tmp_path):
    url = new_database("postgresql", request, tmp_path)
    app = create_app(Settings(url, artifacts), clock=lambda: NOW)
    with serving(app) as address, admin_of(app, address) as client:
        patient = client.post("/v1/patients", json=PATIENT).headers["location"]
        with app.state.service.database.engine.begin() as connection:
            connection.execute(text("alter table visit_statement rename column note to remark"))
            connection.execute(text("update alembic_version set version_num = '9999'"))
        unavailable(client.get(patient))
        unavailable(client.post(f"{patient}/visits", json=VISIT))
        assert problem(client.get("/readyz"), 503)["type"].endswith(":database-revision")


def test_f26_a_sqlite_file_that_takes_no_writes_is_not_ready(app_on_file, sqlite_client, monkeypatch):
    # Whoever runs as root may write whatever the file's mode says: the system is asked, and here answers otherwise.
    assert sqlite_client.get("/readyz").status_code == 200
    file = app_on_file.state.service.database.engine.url.database
    monkeypatch.setattr("os.access", lambda path, mode: (str(path), mode) != (file, os.W_OK))
    unavailable(sqlite_client.get("/readyz"))


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


# What PostgreSQL says when a disk is full, at a statement or only at the end of the transaction.
FULL_DISK = """
create function full_disk() returns trigger language plpgsql as $$
begin raise exception 'could not extend file' using errcode = '53100'; end $$;
"""
AT = {
    "a statement": "create trigger full_disk before insert on audit_entry execute function full_disk()",
    "the commit": "create constraint trigger full_disk after insert on audit_entry deferrable initially deferred "
    "for each row execute function full_disk()",
}


@pytest.mark.parametrize("moment", AT)
def test_f26_postgresql_without_room(moment, request, tmp_path, artifacts):
    app = create_app(Settings(new_database("postgresql", request, tmp_path), artifacts), clock=lambda: NOW)
    with serving(app) as address, admin_of(app, address) as client:
        patient = client.post("/v1/patients", json=PATIENT).headers["location"]
        engine = app.state.service.database.engine
        with engine.begin() as connection:
            for statement in (FULL_DISK, AT[moment]):
                connection.execute(text(statement))
        unavailable(client.post(f"{patient}/visits", json=VISIT, headers={"idempotency-key": "k"}))
        unavailable(client.post("/v1/patients", json={**PATIENT, "patient_ref": "another"}))
        assert client.get(f"{patient}/risk").status_code == 200
        with engine.begin() as connection:
            connection.execute(text("drop trigger full_disk on audit_entry"))
        # Nothing was half-written: neither the visit nor that its key had been used.
        assert client.get(f"{patient}/visits").json()["visits"] == []
        answer = client.post(f"{patient}/visits", json=VISIT, headers={"idempotency-key": "k"})
        assert answer.status_code == 201
        assert "idempotency-replayed" not in answer.headers
        assert client.get("/v1/audit/verify").json()["holds"]


def test_f32_without_its_head_a_change_is_answered_503(client, patient, app):
    engine = app.state.service.database.engine.execution_options(writes=True)
    app.state.service.reads.flush()
    with engine.begin() as connection:
        kept = connection.execute(text("select * from audit_head")).one()
        connection.execute(text("delete from audit_head"))
    refusal = problem(client.post(f"{patient}/visits", json=VISIT), 503)
    with engine.begin() as connection:
        connection.execute(text("insert into audit_head values (:head_id, :sequence, :hash)"), kept._mapping)
    assert refusal["type"].endswith(":audit-log-unavailable")
    assert client.get(f"{patient}/visits").json()["visits"] == []
    assert client.post(f"{patient}/visits", json=VISIT).status_code == 201
