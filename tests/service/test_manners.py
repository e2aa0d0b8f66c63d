"""What holds for every route: headers, the OpenAPI document, errors that were not foreseen."""

import re
from dataclasses import replace

import httpx
import numpy as np
import pytest

from service.access.roles import RULES
from service.app import create_app
from service.settings import Settings, database_url
from tests.service.checks import ANY_VERSION, problem
from tests.service.conftest import NOW, PATIENT, VISIT, admin_of, serving

# tests/service/access holds this table against the router.
OPERATIONS = {
    (method.lower(), path) for method, path in RULES if not path.startswith("/ui") and path != "/openapi.json"
}


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json()


def test_the_openapi_document_names_every_operation_and_no_other(document):
    assert {(method, path) for path, item in document["paths"].items() for method in item} == OPERATIONS


def test_every_reference_of_the_openapi_document_leads_somewhere(document):
    references = set(re.findall(r"'#/components/schemas/([A-Za-z]+)'", str(document)))
    assert references == set(document["components"]["schemas"])


def test_every_operation_documents_its_refusals_as_problem_documents(document):
    for item in document["paths"].values():
        for operation in item.values():
            refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            assert {"406", "422", "500", "503"} <= set(refusals)
            assert ("requestBody" in operation) == ("415" in refusals)
            for answer in refusals.values():
                assert list(answer["content"]) == ["application/problem+json"]


def test_f44_nothing_is_stored_by_caches_whatever_the_answer(client, patient):
    visit = client.post(f"{patient}/visits", json=VISIT)
    answers = [
        visit,
        *(client.get(f"{patient}{part}") for part in ("", "/visits", "/risk", "/schedule")),
        client.get("/v1/monitoring/overdue"),
        client.get("/ui", headers={"accept": "text/html"}),
        client.get(patient.replace("/v1", "/ui"), headers={"accept": "text/html"}),
        client.get("/v1/patients/nobody"),
        client.post("/v1/patients", content=b"x"),
        client.delete(patient, headers=ANY_VERSION),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "server" not in answer.headers


def test_f44_moments_are_utc_by_rfc_3339(client, patient):
    client.post(f"{patient}/visits", json=VISIT)
    for moment in (client.get(patient).json(), client.get(f"{patient}/visits").json()["visits"][0]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", moment["recorded_at"])


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[::2]"])
def test_a_request_that_was_meant_for_another_host_is_refused(client, host):
    refusal = problem(client.get("/v1/model", headers={"host": host}), 421)
    assert refusal["detail"] == "This service does not answer under that name."


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1", "[::1]:8000", "[::1]"])
def test_a_request_for_this_machine_is_answered(client, host):
    assert client.get("/v1/model", headers={"host": host}).status_code == 200


def test_an_error_that_nobody_foresaw_says_nothing(tmp_path, artifacts):
    broken = []

    def clock():
        if broken:
            raise RuntimeError("Jane Doe")
        return NOW

    app = create_app(Settings(database_url(f"sqlite:///{tmp_path / 'x.sqlite'}"), artifacts), clock=clock)
    with serving(app) as address, admin_of(app, address) as client:
        broken.append(True)
        answer = client.post("/v1/patients", json=PATIENT)
        assert problem(answer, 500)["detail"] == "Try again later."
        assert "Jane" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert httpx.get(f"{address}/readyz").status_code == 200


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_model_that_gives_no_number_is_not_quoted(tmp_path, artifacts, model):
    # What is no number inside a model must not reach a reader as an empty field.
    first, *others = model.predictor.causes
    draws = first.hazard.draws
    broken = replace(first.hazard, draws=replace(draws, shape=np.full_like(draws.shape, np.nan)))
    predictor = replace(model.predictor, causes=(replace(first, hazard=broken), *others))
    app = create_app(Settings(database_url(f"sqlite:///{tmp_path / 'x.sqlite'}"), artifacts), clock=lambda: NOW)
    app.state.service = replace(app.state.service, model=replace(model, predictor=predictor))
    with serving(app) as address, admin_of(app, address) as client:
        patient = client.post("/v1/patients", json=PATIENT).headers["location"]
        refusal = problem(client.get(f"{patient}/risk", params={"as_of": "2025-01-15"}), 409)
        assert refusal["type"].endswith(":not-supported")
        visit = client.post(f"{patient}/visits", json=VISIT).json()
        assert visit["risk"] is visit["schedule"] is visit["change"] is None
        assert visit["warnings"] == ["The model gives no finite number for this record"]


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "..", "%2e%2e", "%00", "~", "a" * 300, "rnet-*", "C:%5cx"])
def test_f24_a_version_that_is_a_path_is_not_found(client, name):
    for part in ("facts", "calibration"):
        problem(client.get(f"/v1/models/{name}/{part}"), 404)


def test_the_clock_is_the_one_that_the_app_was_given(client, patient):
    assert client.get(f"{patient}/risk").json()["as_of"] == str(NOW.date())
