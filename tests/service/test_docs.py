"""docs/http.md: its requests work as written, and it leaves no operation out."""

import json
import re
from pathlib import Path

import pytest

GUIDE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
CALL = re.compile(
    r"^curl (?:-\w )?(?:-X (?P<method>\w+) )?\"?http://127\.0\.0\.1:8000(?P<path>[^\s\"]+)\"?"
    r"(?P<headers>(?: -H (?:'[^']*'|\"\$AUTH\"))*)(?: -d '(?P<body>[^']*)')?",
    re.MULTILINE,
)


@pytest.fixture
def calls():
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    found = [match for block in blocks for match in CALL.finditer(block)]
    assert len(found) == sum(block.count("curl ") for block in blocks)
    return found


def test_the_worked_example_works(client, calls):
    identifier = None
    for call in calls:
        path = call["path"].replace("$ID", identifier or "")
        body = json.loads(call["body"]) if call["body"] else None
        headers = dict(header.split(": ") for header in re.findall(r"'([^']*)'", call["headers"]))
        method = call["method"] or ("POST" if body else "GET")
        answer = client.request(method, path, json=body, headers=headers)
        assert answer.status_code in (200, 201), (path, answer.text)
        assert path == "/v1/schedule" or method != "POST" or "null" not in answer.text.split('"inputs"')[0]
        identifier = identifier or answer.json()["patient_id"]
    assert client.get(f"/ui/patients/{identifier}").status_code == 200


def test_the_guide_names_every_operation(client):
    for path, item in client.get("/openapi.json").json()["paths"].items():
        for method in item:
            shown = path.replace("patient_id", "id")
            assert f"`{method.upper()} {shown}" in GUIDE, (method, path)


def test_the_error_of_the_guide_is_what_the_service_says(client):
    shown = json.loads(re.search(r"```json\n(.*?)```", GUIDE, re.DOTALL)[1])
    body = {"patient_ref": "x", "origin_date": "2024-01-15"}
    baseline = {"age_years": 61, "sex": "male", "technique": "esd", "siez_mm": 12}
    assert client.post("/v1/patients", json={**body, "baseline": baseline}).json() == shown
