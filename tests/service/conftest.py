"""The service as it runs: a trained model, a real database of either kind, a real port."""

import contextlib
import json
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from sqlalchemy import delete

from model.learning.fitting import fit_predictor
from model.saved import artifact
from model.saved.facts import model_facts
from model.study.file import DEFAULT_STUDY, read_study
from model.tables.cohort import read_cohort
from service.app import create_app
from service.settings import Settings, database_url
from service.store.tables import PatientRow
from synthetic_data.__main__ import main as write_synthetic_cohort
from tests.service.postgres import postgres_server

NOW = datetime(2026, 1, 10, 12, 30, tzinfo=UTC)
TODAY = date(2026, 1, 10)
AUDIT = {"audit.json": '{"study": "rnet"}', "audit.html": "<!doctype html><title>Audit</title>"}

BASELINE = {
    "age_years": 61,
    "sex": "male",
    "size_mm": 12.5,
    "depth": "submucosa",
    "grade": "G2",
    "ki67_percent": 4.0,
    "lymphovascular_invasion": True,
    "margin": "R1",
    "technique": "esd",
}
PATIENT = {"patient_ref": "A-1", "origin_date": "2024-01-15", "tier": "regional", "baseline": BASELINE}
VISIT = {
    "date": "2024-07-15",
    "markers": {"cga": 80.5},
    "tests": {"sigmoidoscopy": "negative", "ct": "negative"},
    "note": "scar flat",
}


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory):
    """A folder with one small but real model, trained on synthetic patients."""
    folder = tmp_path_factory.mktemp("model")
    write_synthetic_cohort(["--patients", "1200", "--seed", "7", "--out", str(folder / "cohort")])
    study = read_study(DEFAULT_STUDY)
    cohort = read_cohort(folder / "cohort", study)
    predictor, fits = fit_predictor(study, cohort.histories, cohort.outcomes, seed=1)
    facts = json.dumps(model_facts(cohort, predictor, fits, seed=1, learner="linear"))
    files = artifact.encode(predictor, DEFAULT_STUDY.read_text(), {"model_facts.json": facts, **AUDIT})
    about = {"synthetic": cohort.about["synthetic"]}
    artifact.save(folder / "artifacts", artifact.version_of("rnet", files), files, created=NOW, about=about)
    return folder / "artifacts"


@pytest.fixture(scope="session")
def model(artifacts):
    return artifact.load(artifact.newest(artifacts))


@pytest.fixture(scope="session")
def postgres():
    """One PostgreSQL server for all tests of this process."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def url(request, tmp_path_factory):
    """Each kind of database in turn."""
    if request.param == "sqlite":
        return database_url(f"sqlite:///{tmp_path_factory.mktemp('database') / 'service.sqlite'}")
    return request.getfixturevalue("postgres").url


@pytest.fixture(scope="session")
def app(url, artifacts):
    return create_app(Settings(url, Path(artifacts), requests_per_second=0), clock=lambda: NOW)


@pytest.fixture(scope="session")
def server(app):
    with serving(app) as address:
        yield address


@pytest.fixture
def client(app, server):
    """An HTTP client of an empty service."""
    with app.state.service.database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(delete(PatientRow))
    with admin_of(app, server) as http:
        yield http


def key_for(app, *roles, centres=None, days=1):
    """A new key of the service, as the header that shows it."""
    access = app.state.service.access
    now = access.clock()
    with access.changing_keys() as keys:
        _, secret = keys.add(name="test", roles=roles, centres=centres, expires_at=now + timedelta(days=days), now=now)
    return {"authorization": f"Bearer {secret.text}"}


def admin_of(app, address):
    """An HTTP client with an admin's key."""
    return httpx.Client(base_url=address, timeout=60, headers=key_for(app, "admin"))


@pytest.fixture
def patient(client):
    """The address of a patient without visits."""
    answer = client.post("/v1/patients", json=PATIENT)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


@contextlib.contextmanager
def serving(app):
    """Serve an app on a free port of loopback, as `python -m service` does, and give its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", server_header=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
