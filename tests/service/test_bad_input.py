"""Rows F01 to F06 and F16 of the failure catalogue: bodies and parameters that are refused, and how."""

import json
import time

import pytest

from tests.service.checks import paths, problem
from tests.service.conftest import BASELINE, PATIENT, VISIT

JSON = {"content-type": "application/json"}


def send(client, text, address="/v1/patients", **headers):
    """Post bytes as they are."""
    content = text if isinstance(text, bytes) else text.encode()
    return client.post(address, content=content, headers={**JSON, **headers})


def with_size(literal):
    """A patient whose size is written as given."""
    return json.dumps({**PATIENT, "baseline": {**BASELINE, "size_mm": "@"}}).replace('"@"', literal)


@pytest.mark.parametrize("letter", ["%00", "%0a", "%1b", "%7f", "%c2%85"])
def test_f01_parameters_with_control_characters_are_named(client, patient, letter):
    for address, name in (
        (patient, "as_of"),
        ("/v1/audit", "cursor"),
        ("/v1/api-keys", "limit"),
        ("/ui/login", "next"),
    ):
        assert f"query.{name}" in paths(client.get(f"{address}?{name}=a{letter}", headers={"accept": "*/*"}))


def test_f04_a_media_type_made_to_take_long_takes_no_time(client):
    began = time.perf_counter()
    for parameters in (';x="' + ";" * 60_000, ";" * 60_000):
        problem(send(client, "{}", **{"content-type": f"application/json{parameters}"}), 415)
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_f01_numbers_that_are_none_are_named(client, literal):
    assert paths(send(client, with_size(literal))) == ["baseline.size_mm"]


@pytest.mark.parametrize("text", ["\\ud800", "a\\u0000b", "line\\nbreak", "\\u001b[2J", "\\t", " ", "", "\\u0085"])
def test_f01_text_that_is_no_line_is_named(client, text):
    body = json.dumps({**PATIENT, "patient_ref": "@"}).replace("@", text)
    assert paths(send(client, body)) == ["patient_ref"]


def test_f01_keys_that_are_no_text(client, patient):
    assert "(key withheld)" in paths(send(client, '{"\\ud800": 1}'))
    for part in ("markers", "tests"):
        visit = json.dumps({"date": "2025-01-15", part: {"\ud800": 1}})
        assert paths(send(client, visit, f"{patient}/visits"))[0].startswith(part)


def test_f01_a_note_may_have_lines_but_no_control_characters(client, patient):
    assert client.post(f"{patient}/visits", json={**VISIT, "note": "a\nb\tc"}).status_code == 201
    assert paths(client.post(f"{patient}/visits", json={**VISIT, "note": "a\x07"})) == ["note"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"3",
        b'"text"',
        b"{",
        b"{} {}",
        b"{}x",
        b"{'a': 1}",
        b'{"patient_ref": "a", "patient_ref": "b"}',
        b'{"baseline": {"sex": "male", "sex": "female"}}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b'{"patient_ref": "\xff"}',
        b'{"patient_ref": "\xed\xa0\x80"}',
        b'{"a": tru}',
    ],
)
def test_f02_what_is_not_one_json_object(client, body):
    assert problem(send(client, body), 400)["title"] == "Bad Request"


def test_f03_too_much_of_anything(client):
    problem(send(client, b'{"a": "' + b"x" * 1_000_000 + b'"}'), 413)
    problem(client.post("/v1/patients", content=iter([b" " * 600_000] * 2), headers=JSON), 413)
    problem(send(client, '{"a":' * 33 + "1" + "}" * 33), 400)
    problem(send(client, "[" * 100_000), 400)
    problem(send(client, with_size("1" * 5000)), 400)
    assert paths(send(client, with_size("1" * 99))) == ["baseline.size_mm"]
    assert paths(client.post("/v1/patients", json={**PATIENT, "patient_ref": "x" * 101})) == ["patient_ref"]
    assert paths(client.post("/v1/patients", json={**PATIENT, "baseline": dict.fromkeys(map(str, range(201)))})) == [
        "baseline"
    ]
    stateless = {"patient": {"origin_date": "2024-01-15", "baseline": BASELINE}, "visits": [{}] * 1001}
    assert paths(client.post("/v1/schedule", json=stateless)) == ["visits"]


@pytest.mark.parametrize("levels", [31, 32])
def test_f03_as_deep_as_allowed_is_read(client, levels):
    assert paths(send(client, '{"a":' * levels + "1" + "}" * levels))[-1] == "a"


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "", "json"]
)
def test_f04_a_body_of_another_type(client, media):
    refusal = client.post("/v1/patients", content=json.dumps(PATIENT), headers={"content-type": media})
    assert problem(refusal, 415)["detail"] == "The body must be application/json in UTF-8."


def test_f04_a_body_without_a_type(client):
    request = client.build_request("POST", "/v1/patients", content=json.dumps(PATIENT))
    request.headers.pop("content-type", None)
    assert problem(client.send(request), 415)["detail"] == "The body must be application/json in UTF-8."


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*;q=0.1, text/html", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        ("*/*, application/json;q=0", 406),
        ("nonsense", 406),
    ],
)
def test_f04_answers_are_json_or_refused(client, accept, status):
    assert client.get("/v1/model", headers={"accept": accept}).status_code == status


def test_f04_unknown_paths_and_wrong_verbs(client, patient):
    for path in ("/", "/v1", "/v1/patients/", "/docs", "/redoc", "/v1/model/", "/v1/nothing"):
        problem(client.get(path), 404)
    for path, allowed in {
        "/v1/patients": "POST",
        patient: "GET, PATCH, DELETE",
        f"{patient}/visits": "GET, POST",
        f"{patient}/risk": "GET",
        "/ui": "GET",
        "/openapi.json": "GET",
    }.items():
        refusal = client.put(path, json={})
        problem(refusal, 405)
        assert refusal.headers["allow"] == allowed


def test_f05_unknown_names_are_refused_with_the_nearest_known(client, patient):
    refusal = client.post("/v1/patients", json={**PATIENT, "origin_dat": "x", "baseline": {"siez_mm": 3}})
    assert paths(refusal) == ["origin_dat"]
    refusal = client.post("/v1/patients", json={**PATIENT, "baseline": {**BASELINE, "siez_mm": 3}})
    assert problem(refusal, 422)["errors"] == [{"path": "baseline.siez_mm", "rule": "unknown; did you mean size_mm?"}]
    assert paths(client.post(f"{patient}/visits", json={"date": "2025-01-15", "tests": {"xray": "negative"}})) == [
        "tests.xray"
    ]
    assert paths(client.get(f"{patient}/risk", params={"asof": "2025-01-15"})) == ["query.asof"]
    assert paths(client.get(f"{patient}/schedule?polici=x&as_of=2025-01-15&as_of=2025-01-16")) == [
        "query.polici",
        "query.as_of",
    ]
    assert paths(client.get("/healthz?x")) == ["query.x"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size_mm", "12"),
        ("size_mm", True),
        ("size_mm", [12]),
        ("size_mm", {"value": 12}),
        ("size_mm", 0.4),
        ("size_mm", 80.1),
        ("ki67_percent", "<3"),
        ("ki67_percent", 130),
        ("lymphovascular_invasion", 1),
        ("lymphovascular_invasion", "true"),
        ("sex", "Male"),
        ("sex", 1),
        ("sex", ["male"]),
        ("grade", "G4"),
        ("grade", False),
    ],
)
def test_f05_a_value_of_another_kind_is_refused_and_never_repeated(client, name, value):
    answer = client.post("/v1/patients", json={**PATIENT, "baseline": {**BASELINE, name: value}})
    assert paths(answer) == [f"baseline.{name}"]


def test_f05_values_and_keys_that_could_be_anything_are_not_echoed(client, patient):
    secret = "Jane Doe 1961"
    bodies = [
        {**PATIENT, secret: secret, "tier": secret, "origin_date": secret, "baseline": {secret: secret}},
        {**PATIENT, "tier": secret, "baseline": {**BASELINE, secret: secret, "sex": secret}},
    ]
    for body in bodies:
        assert secret not in client.post("/v1/patients", json=body).text
    visit = {"date": "2025-01-15", "tests": {"ct": secret, secret: secret}, "markers": {"cga": secret}}
    answer = client.post(f"{patient}/visits", json=visit)
    assert secret not in answer.text
    assert paths(answer) == ["markers.cga", "tests.ct", "tests.(key withheld)"]


@pytest.mark.parametrize(
    "date",
    [
        1705276800,
        "1705276800",
        "2024-02-30",
        "2024-01-15T00:00:00",
        "2024-01-15T00:00:00Z",
        "0001-01-01",
        "9999-12-31",
        "2024-1-5",
        "20240105",
        "2024-W02-1",
        " 2024-01-15",
        "٢٠٢٤-01-15",
        None,
        True,
        "",
    ],
)
def test_f06_what_is_not_a_calendar_date_of_our_time(client, patient, date):
    assert paths(client.post("/v1/patients", json={**PATIENT, "origin_date": date})) == ["origin_date"]
    assert paths(client.post(f"{patient}/visits", json={"date": date})) == ["date"]
    if isinstance(date, str):
        assert paths(client.get(f"{patient}/risk", params={"as_of": date})) == ["query.as_of"]


def test_every_fault_is_listed_at_once(client):
    body = {"origin_date": "2027-01-15", "tier": "x", "baseline": {"size_mm": 0, "sex": "x", "age_years": 61}}
    assert paths(client.post("/v1/patients", json={"patient_ref": "A", **body})) == [
        "baseline.size_mm",
        "baseline.sex",
        "baseline.technique",
        "origin_date",
        "tier",
    ]
