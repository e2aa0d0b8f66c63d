"""Row F17 of the failure catalogue: a write that is asked for twice under one key is done once, and answered alike."""

import threading
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from tests.service.checks import ANY_VERSION, paths, problem
from tests.service.conftest import NOW, PATIENT, VISIT, key_for

KEY = {"idempotency-key": "3f0c-1", **ANY_VERSION}
OUTCOME = {"date": "2025-12-01", "event": "nodal"}


@pytest.fixture
def at(app):
    """Set the service's clock."""
    before = app.state.service

    def set_clock(moment):
        app.state.service = replace(before, clock=lambda: moment)

    yield set_clock
    app.state.service = before


@pytest.mark.parametrize(("part", "body"), [("visits", VISIT), ("outcome", OUTCOME)])
def test_f17_the_same_request_again_gets_the_same_answer_and_changes_nothing(client, patient, part, body):
    first = client.post(f"{patient}/{part}", json=body, headers=KEY)
    assert first.status_code == 201
    version = client.get(patient).headers["etag"]
    again = client.post(f"{patient}/{part}", json=dict(reversed(body.items())), headers=KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["etag"] == first.headers["etag"] == version == client.get(patient).headers["etag"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


def test_f17_a_new_patient_is_entered_once(client):
    first, again = (client.post("/v1/patients", json=PATIENT, headers=KEY) for _ in range(2))
    assert (again.status_code, again.json(), again.headers["location"]) == (
        201,
        first.json(),
        first.headers["location"],
    )


def test_f17_a_key_belongs_to_one_request_of_one_caller(client, patient, server, app):
    assert client.post(f"{patient}/visits", json=VISIT, headers=KEY).status_code == 201
    other = {**VISIT, "date": "2024-08-15"}
    assert paths(client.post(f"{patient}/visits", json=other, headers=KEY)) == ["Idempotency-Key"]
    assert paths(client.post(f"{patient}/outcome", json=OUTCOME, headers=KEY)) == ["Idempotency-Key"]
    with httpx.Client(base_url=server, timeout=60, headers=key_for(app, "admin")) as somebody_else:
        assert somebody_else.post(f"{patient}/visits", json=other, headers=KEY).status_code == 201


def test_f17_a_refused_request_leaves_its_key_free(client, patient):
    assert paths(client.post(f"{patient}/visits", json={**VISIT, "date": "2024-01-01"}, headers=KEY)) == ["date"]
    assert client.post(f"{patient}/visits", json=VISIT, headers=KEY).status_code == 201
    taken = {**KEY, "idempotency-key": "another"}
    problem(client.post(f"{patient}/visits", json=VISIT, headers=taken), 409)
    assert client.post(f"{patient}/outcome", json=OUTCOME, headers=taken).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "\x7f", "é".encode()])
def test_f17_a_key_that_is_none(client, patient, key):
    problem(client.post(f"{patient}/visits", json=VISIT, headers={"idempotency-key": key}), 400)
    assert client.get(f"{patient}/visits").json() == {"visits": []}


def test_f17_a_key_of_200_characters_is_kept_for_a_day(client, patient, at):
    key = {**KEY, "idempotency-key": "x" * 200}
    first = client.post(f"{patient}/visits", json=VISIT, headers=key)
    at(NOW + timedelta(hours=23, minutes=59))
    assert client.post(f"{patient}/visits", json=VISIT, headers=key).content == first.content
    at(NOW + timedelta(hours=24))
    problem(client.post(f"{patient}/visits", json=VISIT, headers=key), 409)  # it is a second visit of that day
    assert client.post(f"{patient}/visits", json={**VISIT, "date": "2024-08-15"}, headers=key).status_code == 201


def test_f17_of_many_at_once_one_writes_and_the_others_get_its_answer_or_are_told_to_wait(server, client, patient):
    answers = []

    def send():
        with httpx.Client(base_url=server, timeout=60, headers=client.headers) as http:
            answers.append(http.post(f"{patient}/visits", json=VISIT, headers=KEY))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in written}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in written) == 1
    for answer in answers:
        assert answer in written or problem(answer, 409)["type"].endswith(":in-flight")
    assert client.get(patient).headers["etag"] == '"2"'
    assert client.post(f"{patient}/visits", json=VISIT, headers=KEY).content == written[0].content


def test_erasing_a_patient_erases_the_answers_kept_for_keys(client, patient):
    client.post(f"{patient}/visits", json=VISIT, headers=KEY)
    client.delete(patient, headers=ANY_VERSION)
    problem(client.post(f"{patient}/visits", json=VISIT, headers=KEY), 404)
