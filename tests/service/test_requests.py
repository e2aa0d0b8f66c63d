"""What is said about each request: its name, one log line, counts; and what happens when too many come."""

import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.api import visits
from service.app import create_app
from service.logs import JsonLines
from service.settings import Settings, database_url
from tests.service.checks import problem
from tests.service.conftest import NOW, PATIENT, VISIT, admin_of, key_for, serving

OURS = re.compile(r"[0-9a-f]{32}")


@pytest.fixture(scope="module")
def own_app(tmp_path_factory, artifacts):
    url = database_url(f"sqlite:///{tmp_path_factory.mktemp('requests') / 'x.sqlite'}")
    return create_app(Settings(url, artifacts, most_in_flight=3), clock=lambda: NOW)


@pytest.fixture(scope="module")
def own_server(own_app):
    with serving(own_app) as address:
        yield address


@pytest.fixture
def own(own_app, own_server):
    with admin_of(own_app, own_server) as http:
        yield http


@pytest.fixture
def lines(caplog):
    """So many log lines of requests, as they are written: just after the answer is on its way."""
    caplog.set_level(logging.INFO, logger="service.requests")

    def told(number):
        until = time.monotonic() + 10
        while len(caplog.records) < number and time.monotonic() < until:
            time.sleep(0.01)
        return [json.loads(JsonLines().format(record)) for record in caplog.records]

    return told


def test_a_request_has_the_name_that_its_sender_gave_it(own):
    for name in ("a", "order-17.b_2", "x" * 100):
        assert own.get("/v1/model", headers={"x-request-id": name}).headers["x-request-id"] == name


@pytest.mark.parametrize("name", ["", "two words", "x" * 101, "a\tb", "<b>", "a;b", "{jndi:x}"])
def test_f23_a_name_that_is_no_plain_word_is_replaced(own, name):
    assert OURS.fullmatch(own.get("/v1/model", headers={"x-request-id": name}).headers["x-request-id"])


def test_refusals_of_every_layer_carry_the_name(own):
    stranger = {"authorization": ""}
    for answer in (
        own.get("/healthz"),
        own.get("/v1/model", headers=stranger),
        own.get("/nowhere"),
        own.post("/v1/patients", content=b"x"),
        own.get("/v1/model", headers={"host": "evil.example"}),
    ):
        assert OURS.fullmatch(answer.headers["x-request-id"])


def test_the_audit_log_and_the_answer_name_the_request_alike(own, own_app):
    patient = own.post("/v1/patients", json={**PATIENT, "patient_ref": "named"}, headers={"x-request-id": "r-1"})
    with own_app.state.service.database.engine.connect() as connection:
        found = connection.exec_driver_sql("select request_id from audit_entry where action = 'patient.create'").all()
    assert patient.status_code == 201
    assert ("r-1",) in [tuple(row) for row in found]


def test_f23_one_line_a_request_without_a_word_of_the_patient(own, lines):
    secret = "Jane Doe 1961\nlevel=error"
    body = {**PATIENT, "patient_ref": "Jane Doe 1961"}
    patient = own.post("/v1/patients", json=body).headers["location"]
    own.post(f"{patient}/visits", json={**VISIT, "note": secret})
    own.get(f"/v1/patients/{secret.replace(' ', '%20').replace(chr(10), '%0A')}")
    own.get("/v1/Jane?name=Jane")
    own.get(f"{patient}/risk?as_of=Jane")
    told = lines(5)
    assert [(line["method"], line["route"], line["status"]) for line in told] == [
        ("POST", "/v1/patients", 201),
        ("POST", "/v1/patients/{patient_id}/visits", 201),
        ("GET", "/v1/patients/{patient_id}", 404),
        ("GET", None, 404),
        ("GET", "/v1/patients/{patient_id}/risk", 422),
    ]
    for line in told:
        assert set(line) == {
            *("time", "level", "process", "logger", "message"),
            *("method", "route", "status", "ms", "caller", "request_id"),
        }
        assert line["caller"].startswith("key:")
        assert line["ms"] > 0
        text = json.dumps(line)
        assert "Jane" not in text
        assert patient.rpartition("/")[2] not in text


def test_a_log_line_is_one_line_and_an_error_s_words_are_left_out():
    def fail(name):
        raise ValueError(name)

    try:
        fail("Jane" + " Doe")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("service", logging.ERROR, "x", 1, "two\nlines %s", ("\x1b[31m\u2028",), info)
    written = JsonLines().format(record)
    assert written.isascii()
    assert written.isprintable()
    assert "Jane Doe" not in written
    assert json.loads(written)["error"] == "ValueError"
    assert json.loads(written)["message"] == "two\nlines \x1b[31m\u2028"


def test_no_key_stands_in_the_log(own_app, own_server, lines):
    header = key_for(own_app, "admin")
    for headers in (header, {"authorization": header["authorization"][:-1]}):
        httpx.get(f"{own_server}/v1/model", headers=headers)
    httpx.post(f"{own_server}/ui/login", data={"key": header["authorization"].partition(" ")[2]})
    told = lines(3)
    assert len(told) == 3
    assert header["authorization"][-20:-10] not in json.dumps(told)


def samples(own):
    text = own.get("/metrics").text
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_count_by_template_and_never_by_path(own):
    patient = own.post("/v1/patients", json={**PATIENT, "patient_ref": "counted"}).headers["location"]
    before = samples(own)
    for _ in range(3):
        own.get(patient)
    own.get(f"/v1/nowhere/{patient}")
    own.request("BREW", patient)
    after = samples(own)

    def more(*key):
        return after.get(key, 0) - before.get(key, 0)

    counted = "recurrence_risk_requests_total"
    assert more(counted, "/v1/patients/{patient_id}", "200", "GET") == 3
    assert more(counted, "404", "GET", "none") == 1
    assert more(counted, "/v1/patients/{patient_id}", "405", "other") == 1
    assert more("recurrence_risk_request_seconds_count", "/v1/patients/{patient_id}") == 4
    assert after[("recurrence_risk_requests_in_flight",)] == 1
    assert patient.rpartition("/")[2] not in own.get("/metrics").text


def test_metrics_are_for_whoever_watches_and_for_admins(own_app, own_server):
    for role, status in (("metrics", 200), ("admin", 200), ("auditor", 403), ("clinician", 403)):
        answer = httpx.get(f"{own_server}/metrics", headers=key_for(own_app, role))
        assert answer.status_code == status
    assert httpx.get(f"{own_server}/metrics").status_code == 401


def test_f22_what_would_only_wait_is_refused_and_probes_are_answered(own, own_app, own_server, monkeypatch):
    held, inside = threading.Event(), threading.Semaphore(0)
    check = type(own_app.state.service.access).caller

    def slow(self, headers, *, session):
        inside.release()
        held.wait(30)
        return check(self, headers, session=session)

    monkeypatch.setattr(type(own_app.state.service.access), "caller", slow)
    statuses = []
    url, headers = f"{own_server}/v1/model", dict(own.headers)
    waiting = [
        threading.Thread(target=lambda: statuses.append(httpx.get(url, headers=headers, timeout=60).status_code))
        for _ in range(3)
    ]
    for thread in waiting:
        thread.start()
    for _ in waiting:
        assert inside.acquire(timeout=30)
    refusal = httpx.get(url, headers=headers)
    assert problem(refusal, 503)["type"].endswith(":overloaded")
    assert refusal.headers["retry-after"] == "5"
    assert httpx.get(f"{own_server}/healthz").status_code == 200
    assert httpx.get(f"{own_server}/readyz").status_code == 200
    held.set()
    for thread in waiting:
        thread.join()
    assert statuses == [200, 200, 200]
    assert httpx.get(url, headers=headers).status_code == 200


@pytest.fixture
def hasty(tmp_path, artifacts):
    """A client of a service that waits for an answer for a second."""
    url = database_url(f"sqlite:///{tmp_path / 'x.sqlite'}")
    app = create_app(Settings(url, artifacts, deadline_seconds=1), clock=lambda: NOW)
    with serving(app) as address, admin_of(app, address) as client:
        yield client


def test_f22_an_answer_that_comes_too_late_is_504_and_what_was_written_is_whole(hasty, monkeypatch):
    patient = hasty.post("/v1/patients", json=PATIENT).headers["location"]
    late = threading.Event()
    tell = visits.tell

    def slow(*arguments, **named):
        late.wait(20)
        return tell(*arguments, **named)

    monkeypatch.setattr(visits, "tell", slow)
    began = time.monotonic()
    refusal = hasty.post(f"{patient}/visits", json=VISIT)
    assert problem(refusal, 504)["type"].endswith(":late")
    assert 0.9 < time.monotonic() - began < 10
    late.set()
    whole = [visit["date"] for visit in hasty.get(f"{patient}/visits").json()["visits"]]
    assert whole in ([], [VISIT["date"]])


def test_f22_a_sender_who_does_not_finish_is_left(hasty):
    host, port = hasty.base_url.host, hasty.base_url.port
    with socket.create_connection((host, port), timeout=20) as open_end:
        head = (
            f"POST /v1/patients HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
        )
        open_end.sendall(f"{head}Authorization: {hasty.headers['authorization']}\r\n\r\n{{".encode())
        assert open_end.recv(100).startswith(b"HTTP/1.1 504")


def test_every_answer_has_the_headers_that_keep_it_private(own, own_app):
    expected = {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cross-origin-resource-policy": "same-origin",
    }
    answers = [own.get(path) for path in ("/v1/model", "/ui", "/ui/login", "/ui/style.css", "/nowhere", "/healthz")]
    for answer in [*answers, own.get("/v1/model", headers={"authorization": "x"})]:
        assert expected.items() <= dict(answer.headers).items()
        # Pages have forms, whose origin a browser would not name under the stricter policy.
        is_page = answer.headers["content-type"].startswith("text/html")
        assert answer.headers["referrer-policy"] == ("strict-origin" if is_page else "no-referrer")
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} <= set(policy)
        assert "access-control-allow-origin" not in answer.headers
        assert "strict-transport-security" not in answer.headers


COUNT = """
import sys
from service.api.metrics import Metrics
metrics = Metrics()
for _ in range(int(sys.argv[1])):
    metrics.answered("GET", "/v1/model", 200, 0.02)
print(metrics.text().decode())
"""


def test_several_processes_are_counted_together(tmp_path):
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for number, total in ((2, 2.0), (3, 5.0)):
        command = [sys.executable, "-c", COUNT, str(number)]
        text = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        found = {s.name: s.value for family in text_string_to_metric_families(text) for s in family.samples}
        assert found["recurrence_risk_requests_total"] == total
        assert found["recurrence_risk_request_seconds_count"] == total
