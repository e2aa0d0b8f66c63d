"""Generated requests against the running service: no 500, and every refusal is a problem document."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.checks import ANY_VERSION, problem
from tests.service.conftest import BASELINE, PATIENT, VISIT

SETTINGS = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["2024-07-15", "2025-02-30", "male", "G2", "negative", "positive", "none", "local", "tertiary"])
)
names = st.sampled_from(
    [*PATIENT, *VISIT, *BASELINE, "ct", "eus", "cga", "five_hiaa", "event", "patient", "visits", "as_of"]
)
keys = names | st.text(max_size=10)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5), max_leaves=12
)
documents = st.dictionaries(keys, values, max_size=6)


@st.composite
def changed(draw, body):
    """A body that was right, with some of its places changed, removed or added."""
    body = json.loads(json.dumps(body))
    for _ in range(draw(st.integers(0, 3))):
        places = [body, *(part for part in body.values() if isinstance(part, dict))]
        place = draw(st.sampled_from(places))
        key = draw(st.sampled_from(sorted(place)) | keys) if place else draw(keys)
        if draw(st.booleans()):
            place.pop(key, None)
        else:
            place[key] = draw(values)
    return body


STATELESS = {
    "patient": {"origin_date": "2024-01-15", "baseline": BASELINE},
    "visits": [{"date": "2024-07-15", "tests": {"ct": "negative"}, "markers": {"cga": 80}}],
    "as_of": "2025-01-15",
    "tier": "primary",
}
OUTCOME = {"date": "2025-12-01", "event": "nodal"}
bodies = st.sampled_from([PATIENT, VISIT, STATELESS, OUTCOME]).flatmap(changed) | documents
posts = st.sampled_from(["/v1/patients", "{}/visits", "{}/outcome", "/v1/schedule", "{}", "/v1/model"])
gets = st.sampled_from(
    ["{}", "{}/visits", "{}/risk", "{}/schedule", "/v1/model", "/ui", "/v1/models/x/facts", "/readyz"]
)


def foreseen_status(answer):
    """The status of an answer; a refusal must be a problem document."""
    return problem(answer, answer.status_code)["status"] if answer.status_code >= 400 else answer.status_code


@SETTINGS
@given(path=posts, body=bodies)
def test_any_json_is_answered_or_refused(client, patient, path, body):
    # Python writes NaN and lone surrogates as it is asked to: the service must cope with both.
    address = path.format(patient) if path != "{}" else patient
    answer = client.post(address, content=json.dumps(body), headers={"content-type": "application/json"})
    assert foreseen_status(answer) < 500, answer.text
    if answer.status_code == 201 and "visit_id" in answer.json():
        assert client.delete(f"{patient}/visits/{answer.json()['visit_id']}", headers=ANY_VERSION).status_code == 204


@SETTINGS
@given(path=posts, content=st.binary(max_size=60), media=st.sampled_from(["application/json", "text/plain", "x"]))
def test_any_bytes_are_refused(client, patient, path, content, media):
    answer = client.post(path.format(patient), content=content, headers={"content-type": media})
    assert 400 <= foreseen_status(answer) < 500, answer.text


@SETTINGS
@given(
    path=gets,
    parameters=st.dictionaries(
        st.sampled_from(["as_of", "tier", "page"]) | st.text(max_size=8),
        st.sampled_from(["2025-01-15", "2024-01-15", "2023-01-01", "regional", "2"]) | st.text(max_size=12),
        max_size=2,
    ),
    accept=st.sampled_from(["*/*", "application/json", "text/html;q=0.5, */*;q=0.1", "a/b", ";q=2,,"]),
)
def test_any_question_is_answered_or_refused(client, patient, path, parameters, accept):
    answer = client.get(path.format(patient), params=parameters, headers={"accept": accept})
    shown = answer.headers["content-type"] == "text/html; charset=utf-8"
    assert (answer.status_code if shown else foreseen_status(answer)) < 500, answer.text


@SETTINGS
@given(
    segments=st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), max_size=5),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]),
)
def test_any_path_is_answered_or_refused(client, segments, method):
    address = "/".join(quote(segment, safe="") for segment in segments)
    answer = client.request(method, f"/{address}")
    assert foreseen_status(answer) < 500, answer.text


@pytest.mark.parametrize("body", [PATIENT | {"patient_ref": "Z"}, STATELESS])
def test_the_bodies_that_the_campaign_starts_from_are_right(client, body):
    path = "/v1/schedule" if body is STATELESS else "/v1/patients"
    assert client.post(path, json=body).status_code in (200, 201)
