"""What those who run the service go by: its metrics and the plain form of its answers."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from service.app import create_app
from service.settings import Settings, database_url
from tests.service.checks import ANY_VERSION
from tests.service.conftest import NOW, PATIENT, VISIT, admin_of, serving

CONTAINER = (Path(__file__).parents[2] / "Containerfile").read_text(encoding="utf-8")
# A process that has written into the database, but not yet to its end.
IN_MID_WRITE = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("begin immediate")
connection.execute("update audit_head set sequence = 1000000")
print("writing", flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("operations") / "service.sqlite"


@pytest.fixture(scope="module")
def app(file, artifacts):
    return create_app(Settings(database_url(f"sqlite:///{file}"), artifacts), clock=lambda: NOW)


@pytest.fixture(scope="module")
def own(app):
    with serving(app) as address, admin_of(app, address) as http:
        yield http


def test_f32_a_chain_that_was_found_broken_stands_in_the_metrics(own, app):
    def broken():
        own.get("/v1/audit/verify")
        return float(re.search(r"^recurrence_risk_audit_broken (\S+)$", own.get("/metrics").text, re.MULTILINE)[1])

    def rename(before, after):
        with app.state.service.database.engine.execution_options(writes=True).begin() as connection:
            statement = "update audit_entry set caller = :after where caller = :before and sequence = 1"
            assert connection.execute(text(statement), {"before": before, "after": after}).rowcount == 1

    assert broken() == 0
    rename("service.migrate", "nobody")
    assert broken() == 1
    rename("nobody", "service.migrate")
    assert broken() == 0


def test_an_answer_without_content_has_no_type_and_no_body(own):
    patient = own.post("/v1/patients", json=PATIENT).headers["location"]
    visit = own.post(f"{patient}/visits", json=VISIT).json()["visit_id"]
    for path in (f"{patient}/visits/{visit}", patient):
        answer = own.delete(path, headers=ANY_VERSION)
        assert answer.status_code == 204
        assert answer.content == b""
        assert not {"content-type", "content-length"} & set(answer.headers)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-request-id"]


def test_f42_the_lock_of_a_killed_process_is_nobody_s(own, file):
    patient = own.post("/v1/patients", json={**PATIENT, "patient_ref": "locked"}).headers["location"]
    command = [sys.executable, "-c", IN_MID_WRITE, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "writing\n"
        refused = own.post(f"{patient}/visits", json=VISIT)
        other.send_signal(signal.SIGKILL)
    assert refused.status_code == 503
    # Its half of a write is gone with it.
    assert own.post(f"{patient}/visits", json=VISIT).status_code == 201
    assert own.get("/v1/audit/verify").json()["holds"]


def test_a_container_that_asks_itself_hears_whether_it_answers(own):
    check = json.loads(re.search(r"^HEALTHCHECK .*\n *CMD (.*)$", CONTAINER, re.MULTILINE)[1])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        nobody = listening.getsockname()[1]
    for port, well in ((own.base_url.port, True), (nobody, False)):
        environment = {**os.environ, "RECURRENCE_RISK_PORT": str(port)}
        done = subprocess.run([sys.executable, *check[1:]], env=environment, capture_output=True, check=False)
        assert (done.returncode == 0) == well
