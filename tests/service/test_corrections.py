"""Rows F14 and F18 of the failure catalogue: corrections keep what they correct, and nobody overwrites unseen."""

import os
import subprocess
import sys
import threading
from datetime import timedelta
from itertools import pairwise

import httpx
import pytest

from service.app import create_app
from service.audit_log.verify import verify
from service.record import Patient
from service.settings import Settings
from service.store.database import Database
from tests.service.checks import paths, problem
from tests.service.conftest import BASELINE, NOW, PATIENT, TODAY, VISIT, admin_of, key_for, serving
from tests.service.databases import KINDS, new_database

LATER_VISIT = {"date": "2025-01-15", "markers": {"cga": 120.0}, "tests": {"ct": "negative"}, "note": None}


@pytest.fixture(scope="module", params=KINDS)
def ticking(request, artifacts, tmp_path_factory):
    """A service whose clock goes a minute with each look, and the moments it showed."""
    moments = [NOW]

    def clock():
        moments.append(moments[-1] + timedelta(minutes=1))
        return moments[-1]

    url = new_database(request.param, request, tmp_path_factory.mktemp("ticking"))
    app = create_app(Settings(url, artifacts, requests_per_second=0), clock=clock)
    with serving(app) as address:
        yield app, address, moments


@pytest.fixture
def client(ticking):
    app, address, _ = ticking
    with admin_of(app, address) as http:
        yield http


@pytest.fixture
def patient(client, request):
    answer = client.post("/v1/patients", json={**PATIENT, "patient_ref": request.node.name})
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def change(client, method, address, body=None):
    """Change a record in its present version."""
    etag = client.get("/".join(address.split("/")[:4])).headers["etag"]
    answer = client.request(method, address, json=body, headers={"if-match": etag})
    assert answer.status_code in (200, 201, 204), answer.text
    return answer


def seen(client, patient, parts=("", "/visits", "/risk"), **parameters):
    """What can be asked about a patient."""
    return [client.get(f"{patient}{part}", params=parameters).json() for part in parts]


def test_f14_every_earlier_answer_can_be_given_again(client, patient, ticking):
    _, _, moments = ticking
    visit = client.post(f"{patient}/visits", json=VISIT).json()["visit_id"]
    later = client.post(f"{patient}/visits", json=LATER_VISIT).json()["visit_id"]
    steps = [
        ("PATCH", f"{patient}/visits/{visit}", {"markers": {"cga": 8.5}, "note": "a slip of the pen"}),
        ("PATCH", f"{patient}/visits/{visit}", {"date": "2024-07-16", "tests": {"ct": None, "eus": "negative"}}),
        ("PATCH", patient, {"baseline": {"size_mm": 15.5, "margin": None}, "tier": "tertiary"}),
        ("PATCH", patient, {"origin_date": "2024-02-01"}),
        ("POST", f"{patient}/visits", {"date": "2024-10-15", "tests": {"pelvic_mri": "negative"}}),
        ("DELETE", f"{patient}/visits/{later}", None),
        ("POST", f"{patient}/outcome", {"date": "2025-12-01", "event": "nodal"}),
        ("PATCH", f"{patient}/outcome", {"event": "none"}),
        ("DELETE", f"{patient}/outcome", None),
    ]
    states = [(moments[-1], seen(client, patient))]
    for step in steps:
        change(client, *step)
        states.append((moments[-1], seen(client, patient)))
    assert all(before[:2] != after[:2] for (_, before), (_, after) in pairwise(states))
    assert [state[0]["version"] for _, state in states] == list(range(3, 13))
    for moment, state in states:
        assert seen(client, patient, as_known_at=moment.isoformat()) == state


def test_f14_an_earlier_schedule_can_be_given_again(client, patient, ticking):
    client.post(f"{patient}/visits", json=VISIT)
    before, moment = seen(client, patient, ["/schedule"]), ticking[2][-1]
    change(client, "PATCH", patient, {"baseline": {"size_mm": 35, "margin": "R1"}})
    assert seen(client, patient, ["/schedule"]) != before
    assert seen(client, patient, ["/schedule"], as_known_at=moment.isoformat()) == before


def test_a_correction_changes_what_it_names_and_nothing_else(client, patient):
    visit = client.post(f"{patient}/visits", json=VISIT).json()["visit_id"]
    answer = change(client, "PATCH", f"{patient}/visits/{visit}", {"tests": {"ct": None}, "markers": {"cga": 90}})
    assert answer.json()["visit_id"] == visit
    assert answer.json()["risk"] == client.get(f"{patient}/risk", params={"as_of": VISIT["date"]}).json()
    (read,) = client.get(f"{patient}/visits").json()["visits"]
    assert {key: read[key] for key in VISIT} == {
        **VISIT,
        "markers": {"cga": 90},
        "tests": {"sigmoidoscopy": "negative"},
    }
    corrected = change(client, "PATCH", patient, {"baseline": {"grade": "G1"}})
    assert corrected.json() == client.get(patient).json()
    assert corrected.json()["baseline"] == {**BASELINE, "grade": "G1"}
    assert corrected.json()["tier"] == PATIENT["tier"]
    assert change(client, "PATCH", patient, {"tier": None}).json()["tier"] is None
    assert corrected.headers["etag"] == '"4"'


def test_corrections_keep_the_rules_of_what_they_correct(client, patient):
    first = client.post(f"{patient}/visits", json=VISIT).json()["visit_id"]
    client.post(f"{patient}/visits", json=LATER_VISIT)
    match = {"if-match": "*"}

    def refused(address, body):
        return client.patch(address, json=body, headers=match)

    assert paths(refused(patient, {"baseline": {"size_mm": 0, "sex": None}})) == ["baseline.size_mm", "baseline.sex"]
    assert paths(refused(patient, {"origin_date": "2024-07-16"})) == ["origin_date"]
    assert paths(refused(patient, {"origin_date": None})) == ["origin_date"]
    assert paths(refused(patient, {"patient_ref": "other"})) == ["patient_ref"]
    assert paths(refused(f"{patient}/visits/{first}", {"date": "2024-01-14"})) == ["date"]
    assert paths(refused(f"{patient}/visits/{first}", {"tests": {"ct": "perhaps"}})) == ["tests.ct"]
    assert problem(refused(f"{patient}/visits/{first}", {"date": "2025-01-15"}), 409)["type"].endswith(":duplicate")
    problem(refused(f"{patient}/visits/{patient.rpartition('/')[2]}", {"note": "x"}), 404)
    problem(refused(f"{patient}/outcome", {"event": "none"}), 404)
    problem(client.delete(f"{patient}/outcome", headers=match), 404)
    client.post(f"{patient}/outcome", json={"date": "2025-03-01", "event": "nodal"}, headers=match)
    assert paths(refused(f"{patient}/outcome", {"date": "2025-01-14"})) == ["date"]
    assert problem(refused(f"{patient}/visits/{first}", {"date": "2025-03-02"}), 409)["type"].endswith("closed")
    assert client.get(patient).json()["version"] == 4


def test_as_of_cuts_what_happened_later(client, patient):
    for body in (VISIT, LATER_VISIT):
        client.post(f"{patient}/visits", json=body)
    change(client, "POST", f"{patient}/outcome", {"date": "2025-06-01", "event": "none"})
    shown = [
        visit["date"] for visit in client.get(f"{patient}/visits", params={"as_of": "2025-01-14"}).json()["visits"]
    ]
    assert shown == [VISIT["date"]]
    assert client.get(patient, params={"as_of": "2025-05-31"}).json()["outcome"] is None
    assert client.get(patient, params={"as_of": "2025-06-01"}).json()["outcome"]["event"] == "none"


@pytest.mark.parametrize(
    "moment",
    ["2026-01-10", "2026-01-10T12:00:00", "2026-02-30T12:00:00Z", "1736510000", "0001-01-01T00:00:00+23:59", "", "now"],
)
def test_f06_what_is_no_moment_with_a_zone(client, patient, moment):
    for part in ("", "/visits", "/risk", "/schedule"):
        assert paths(client.get(f"{patient}{part}", params={"as_known_at": moment})) == ["query.as_known_at"]


def test_nothing_is_known_of_the_future_or_before_the_record(client, patient):
    assert paths(client.get(patient, params={"as_known_at": "2030-01-01T00:00:00Z"})) == ["query.as_known_at"]
    problem(client.get(patient, params={"as_known_at": "2026-01-10T12:29:59+00:00"}), 404)


def changes_of(patient, visit):
    return [
        ("PATCH", patient, {"tier": "tertiary"}),
        ("DELETE", patient, None),
        ("PATCH", f"{patient}/visits/{visit}", {"note": "x"}),
        ("DELETE", f"{patient}/visits/{visit}", None),
        ("POST", f"{patient}/outcome", {"date": "2025-12-01", "event": "none"}),
        ("PATCH", f"{patient}/outcome", {"event": "none"}),
        ("DELETE", f"{patient}/outcome", None),
    ]


def test_f18_a_change_must_name_the_version_that_it_is_about(client, patient):
    visit = client.post(f"{patient}/visits", json=VISIT)
    assert visit.headers["etag"] == '"2"'
    for method, address, body in changes_of(patient, visit.json()["visit_id"]):
        refusal = problem(client.request(method, address, json=body), 428)
        assert refusal["type"].endswith(":version-required")
        for stale in ('"1"', '"3"', "2", 'W/"2"', "", '"1", "3"'):
            refusal = problem(client.request(method, address, json=body, headers={"if-match": stale}), 412)
            assert refusal["type"].endswith(":stale-version")
    assert client.get(patient).headers["etag"] == '"2"'
    assert problem(client.post(f"{patient}/visits", json=LATER_VISIT, headers={"if-match": '"1"'}), 412)
    assert client.post(f"{patient}/visits", json=LATER_VISIT, headers={"if-match": '"1", "2"'}).status_code == 201


def test_f18_of_many_who_change_one_version_exactly_one_wins(client, patient, ticking):
    """Sixteen read the same version and change it; whoever loses reads again. All changes are there in the end."""
    app, address, _ = ticking
    key, lost = key_for(app, "admin"), []

    def add_one():
        with httpx.Client(base_url=address, timeout=60, headers=key) as http:
            while True:
                read = http.get(patient)
                size = read.json()["baseline"]["size_mm"] + 1
                body = {"baseline": {"size_mm": size}}
                answer = http.patch(patient, json=body, headers={"if-match": read.headers["etag"]})
                if answer.status_code == 200:
                    return
                lost.append(problem(answer, 412)["type"])

    threads = [threading.Thread(target=add_one) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read = client.get(patient).json()
    assert (read["baseline"]["size_mm"], read["version"]) == (PATIENT["baseline"]["size_mm"] + 16, 17)
    assert lost


def test_an_export_holds_every_value_that_was_ever_recorded_and_who_read_it(client, patient):
    visit = client.post(f"{patient}/visits", json=VISIT).json()
    change(client, "PATCH", f"{patient}/visits/{visit['visit_id']}", {"note": "mended"})
    change(client, "PATCH", patient, {"tier": "tertiary"})
    change(client, "POST", f"{patient}/outcome", {"date": "2025-12-01", "event": "none"})
    change(client, "DELETE", f"{patient}/outcome")
    found = client.get(f"{patient}/export").json()
    assert found["patient"] == client.get(patient).json()
    told = [(each["kind"], each["superseded_at"] is None) for each in found["statements"]]
    assert told == [("patient", False), ("visit", False), ("visit", True), ("patient", True), ("outcome", False)]
    assert [each["values"].get("note") for each in found["statements"][1:3]] == ["scar flat", "mended"]
    assert found["statements"][1]["superseded_at"] == found["statements"][2]["recorded_at"]
    assert visit["schedule"]["recommendation_id"] in {each["recommendation_id"] for each in found["recommendations"]}
    assert [entry["action"] for entry in found["audit"] if "read" not in entry["action"]] == [
        "patient.create",
        "visit.create",
        "visit.correct",
        "patient.correct",
        "outcome.create",
        "outcome.retract",
        "patient.export",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_f18_two_processes_lose_no_change_and_fork_no_chain(kind, request, tmp_path):
    url = new_database(kind, request, tmp_path)
    database = Database(url)
    database.create_tables()
    with database.writing() as patients:
        record = Patient(TODAY, {"size_mm": 1.0})
        patient_id = patients.add(record, patient_ref="A", centre=None, study="rnet", now=NOW)
    environment = {**os.environ, "URL": url.render_as_string(hide_password=False)}
    command = [sys.executable, "-m", "tests.service.adder", str(patient_id), "40"]
    processes = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    with database.reading() as patients:
        stored, found = patients.get(patient_id), verify(patients.session)
    database.close()
    assert (stored.patient.baseline["size_mm"], stored.version) == (81, 81)
    assert (found.fault, found.head.sequence) == (None, 1 + 80)
