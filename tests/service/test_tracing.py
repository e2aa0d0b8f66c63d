"""Traces, as a real collector on loopback gets them: what took how long, and nothing about anybody."""

import contextlib
import http.server
import logging
import socket
import statistics
import threading
import time
from collections import Counter

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from service.app import create_app
from service.settings import Settings, SettingsError, database_url, read_settings
from tests.service.conftest import NOW, PATIENT, VISIT, admin_of, serving


class Received(http.server.ThreadingHTTPServer):
    """A collector that keeps what it is sent: (path, bytes)."""

    def __init__(self):
        self.kept = []
        kept = self.kept

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                kept.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def collector():
    with Received() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def app_on(tmp_path, artifacts, endpoint, clock=lambda: NOW):
    url = database_url(f"sqlite:///{tmp_path / 'traced.sqlite'}")
    return create_app(Settings(url, artifacts, traces_endpoint=endpoint, requests_per_second=0), clock=clock)


def spans_of(kept):
    """Every span that was sent: (name, kind, seconds, attributes, the whole)."""
    for path, body in kept:
        assert path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    values = {item.key: item.value for item in span.attributes}
                    plain = {key: value.string_value or value.int_value for key, value in values.items()}
                    seconds = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
                    yield span.name, seconds, plain, span


def test_a_request_is_a_span_with_its_route_and_nothing_about_anybody(tmp_path, artifacts, collector):
    app = app_on(tmp_path, artifacts, f"{collector.address}/v1/traces")
    began = time.monotonic()
    with serving(app) as address, admin_of(app, address) as client:
        body = {**PATIENT, "patient_ref": "Jane-Doe-1961", "centre": "Northern-Clinic"}
        patient = client.post("/v1/patients", json=body, headers={"x-request-id": "r-1"}).headers["location"]
        visit = client.post(f"{patient}/visits", json={**VISIT, "note": "Jane-Doe-1961"}).json()
        client.get(f"{patient}/risk", params={"as_of": "2025-01-15"}, headers={"user-agent": "Jane-Doe-1961"})
        client.get(f"{patient}/risk", params={"as_of": "Jane-Doe-1961"})
        client.get("/v1/Jane-Doe-1961")
        client.request("JANE-DOE", "/v1/model", headers={"traceparent": "Jane-Doe-1961", "authorization": ""})
        client.get("/healthz")
    lasted = time.monotonic() - began
    spans = list(spans_of(collector.kept))
    assert Counter((name, attributes["http.response.status_code"]) for name, _, attributes, _ in spans) == {
        ("POST /v1/patients", 201): 1,
        ("POST /v1/patients/{patient_id}/visits", 201): 1,
        ("GET /v1/patients/{patient_id}/risk", 200): 1,
        ("GET /v1/patients/{patient_id}/risk", 422): 1,
        ("GET none", 404): 1,
        ("other /v1/model", 401): 1,
    }
    for _, seconds, attributes, span in spans:
        assert set(attributes) == {"http.request.method", "http.route", "http.response.status_code", "request_id"}
        assert not span.events
        assert not span.status.message
        assert 0 < seconds < lasted
    assert "r-1" in {attributes["request_id"] for _, _, attributes, _ in spans}
    sent = b"".join(body for _, body in collector.kept)
    assert b"recurrence-risk" in sent
    key = client.headers["authorization"].removeprefix("Bearer ")
    told = ["Jane", "JANE", "Northern", "2025-01-15", "as_of", "sigmoidoscopy", key, key.split("_")[1]]
    for word in (*told, patient.rpartition("/")[2], visit["visit_id"], visit["schedule"]["recommendation_id"]):
        assert word.encode() not in sent


def test_an_error_that_nobody_foresaw_is_a_span_without_its_words(tmp_path, artifacts, collector):
    broken = []

    def clock():
        if broken:
            raise RuntimeError("Jane Doe")
        return NOW

    app = app_on(tmp_path, artifacts, f"{collector.address}/v1/traces", clock)
    with serving(app) as address, admin_of(app, address) as client:
        broken.append(True)
        assert client.get("/v1/model").status_code == 500
    ((_, _, attributes, span),) = spans_of(collector.kept)
    assert attributes["http.response.status_code"] == 500
    assert (span.status.code, span.status.message, len(span.events)) == (2, "", 0)
    assert b"Jane" not in collector.kept[0][1]


def test_what_the_framework_would_send_by_itself_is_not_sent(tmp_path, artifacts, collector, monkeypatch):
    # Its spans have the path and the query, and its logs the words of errors.
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
    app = app_on(tmp_path, artifacts, None)
    with serving(app) as address, admin_of(app, address) as client:
        assert client.get("/v1/patients/Jane-Doe").status_code == 404
    assert collector.kept == []


@contextlib.contextmanager
def deaf():
    """A collector that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@contextlib.contextmanager
def away():
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    yield port


@pytest.mark.parametrize("collector_is", [deaf, away])
def test_a_collector_that_does_not_answer_slows_and_fails_nothing(tmp_path, artifacts, collector_is, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")  # it is tried all the time
    monkeypatch.setattr("logging.lastResort", logging.NullHandler())
    with collector_is() as port:
        app = app_on(tmp_path, artifacts, f"http://127.0.0.1:{port}/v1/traces")
        with serving(app) as address, admin_of(app, address) as client:
            seconds = []
            for _ in range(100):
                began = time.perf_counter()
                assert client.get("/v1/model").status_code == 200
                seconds.append(time.perf_counter() - began)
            stopping = time.monotonic()
    # It is waited for 2 s, off the requests' way.
    assert statistics.median(seconds) < 0.5
    assert max(seconds) < 1.9
    assert time.monotonic() - stopping < 10


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:4318",
        "grpc://127.0.0.1:4317",
        "http://",
        "http://user:secret@127.0.0.1:4318/v1/traces",
        "http://127.0.0.1:4318/v1/traces?key=secret",
        "http://127.0.0.1:99999/v1/traces",
        "http://[::1/v1/traces",
    ],
)
def test_f41_an_address_that_is_none_or_holds_a_secret_is_refused(address):
    with pytest.raises(SettingsError, match=r"^traces-endpoint: must be a URL such as") as refusal:
        read_settings(["--traces-endpoint", address], {})
    assert "secret" not in str(refusal.value)


def test_traces_go_nowhere_unless_somebody_says_where():
    assert read_settings([], {}).traces_endpoint is None
    given = "https://[::1]:4318/v1/traces"
    assert read_settings([], {"RECURRENCE_RISK_TRACES_ENDPOINT": given}).traces_endpoint == given
