"""Recommendations are records: what was given, what it rested on, that it comes out again, what was decided."""

import json
import zlib
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from service.recommendations.store import Recommendation
from tests.service.checks import ANY_VERSION, paths, problem
from tests.service.conftest import BASELINE, PATIENT, TODAY, VISIT, key_for

NOBODY = "00000000-0000-4000-8000-000000000000"


def address(schedule):
    return f"/v1/recommendations/{schedule['recommendation_id']}"


def stored(app):
    with app.state.service.database.engine.connect() as connection:
        return connection.scalar(text("select count(*) from recommendation"))


@pytest.fixture
def given(client, patient):
    """The schedule in the answer to a visit."""
    return client.post(f"{patient}/visits", json=VISIT).json()["schedule"]


def test_a_visit_s_schedule_is_kept_with_all_that_it_rested_on(client, patient, given, model, app):
    kept = client.get(address(given)).json()
    assert kept["schedule"] == given
    assert kept["patient_id"] == patient.rpartition("/")[2]
    assert (kept["model_version"], kept["model_sha256"]) == (model.version, model.sha256)
    assert kept["policy"] == "match-guideline"
    assert kept["policy_text"] == app.state.service.planning.policies["match-guideline"].model_dump(mode="json")
    assert kept["inputs"] == {
        "origin_date": PATIENT["origin_date"],
        "baseline": BASELINE,
        "visits": [[VISIT["date"], VISIT["markers"], VISIT["tests"]]],
        "as_of": VISIT["date"],
        "tier": "regional",
        "whole": False,
    }
    assert kept["decisions"] == []
    assert "scar flat" not in json.dumps(kept)


def test_the_same_answer_is_the_same_recommendation_and_kept_once(client, patient, given, app):
    assert stored(app) == 1
    first, again = (client.get(f"{patient}/schedule").json() for _ in range(2))
    assert first == again
    assert first["recommendation_id"] != given["recommendation_id"]
    assert stored(app) == 2
    # A visit after the date that is asked about changes neither.
    client.post(f"{patient}/visits", json={"date": "2025-01-15", "tests": {"ct": "negative"}})
    before = client.get(f"{patient}/schedule", params={"as_of": VISIT["date"]}).json()["recommendation_id"]
    later = {"date": "2025-07-15", "tests": {"ct": "negative"}}
    client.post(f"{patient}/visits", json=later)
    assert client.get(f"{patient}/schedule", params={"as_of": VISIT["date"]}).json()["recommendation_id"] == before


@pytest.mark.parametrize("parameters", [{}, {"tier": "primary", "as_of": "2024-09-01"}, {"policy": "max-unseen-risk"}])
def test_a_replay_gives_the_identical_answer_whatever_was_recorded_since(client, patient, given, parameters):
    whole = client.get(f"{patient}/schedule", params=parameters).json()
    client.post(f"{patient}/visits", json={"date": str(TODAY), "tests": {"ct": "negative"}, "markers": {"cga": 700}})
    client.patch(patient, json={"baseline": {"size_mm": 40}, "tier": "tertiary"}, headers=ANY_VERSION)
    for schedule in (given, whole):
        replayed = client.post(f"{address(schedule)}/replay").json()
        assert replayed["identical"] is True
        assert replayed["output_sha256"] == replayed["replayed_sha256"]


def test_a_replay_says_so_if_the_answer_is_another(client, given, app):
    with app.state.service.database.engine.execution_options(writes=True).begin() as connection:
        inputs = connection.scalar(text("select inputs from recommendation"))
        changed = inputs.replace('"size_mm":12.5', '"size_mm":25.5')
        assert changed != inputs
        connection.execute(text("update recommendation set inputs = :changed"), {"changed": changed})
    assert client.post(f"{address(given)}/replay").json()["identical"] is False


def test_a_replay_says_what_is_not_as_it_was(client, patient, given, app, monkeypatch):
    whole = client.get(f"{patient}/schedule").json()
    planning = app.state.service.planning
    kept = client.get(address(whole)).json()["rules"]
    assert kept == planning.sums
    assert set(kept) == {"guidelines", "tiers"}

    def replayed(schedule=whole):
        answer = client.post(f"{address(schedule)}/replay").json()
        return answer["identical"], answer["changed"]

    assert replayed() == replayed(given) == (True, [])
    first, *others = planning.guidelines.guideline
    edited = first.model_copy(update={"title": "Edited since"})
    guidelines = planning.guidelines.model_copy(update={"guideline": (edited, *others)})
    tiers = planning.tiers.model_copy(update={"tier": planning.tiers.tier[:1]})
    policy = planning.policies[whole["policy"]]
    policies = {**planning.policies, whole["policy"]: policy.model_copy(update={"price": policy.price * 2})}
    ready = app.state.service.models.live
    for changes, expected in (
        ({"guidelines": guidelines}, (False, ["guidelines"])),
        ({"policies": policies}, (True, ["policy"])),
        ({"policies": {}}, (True, ["policy"])),
        ({"guidelines": None}, (False, ["guidelines"])),
        ({"tiers": tiers, "policies": policies}, (True, ["tiers", "policy"])),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(app.state.service.models, "live", replace(ready, planning=replace(planning, **changes)))
            assert replayed() == expected
    assert replayed() == (True, [])


def test_the_same_answer_by_other_rules_is_another_recommendation():
    made = Recommendation(UUID(NOBODY), "v", "0" * 64, "p", "{}", "{}", "{}", {"tiers": "1"})
    same = replace(made, rules={"tiers": "1"})
    assert made.recommendation_id == same.recommendation_id
    assert len({replace(made, rules=rules).recommendation_id for rules in ({"tiers": "1"}, {"tiers": "2"}, None)}) == 3


def test_what_an_older_program_gave_is_shown_as_it_was_given(client, patient, given, app):
    """Fields come and go: what was kept is a record, and not of today's shape."""
    engine = app.state.service.database.engine.execution_options(writes=True)
    with engine.begin() as connection:
        output = json.loads(zlib.decompress(connection.scalar(text("select output from recommendation"))))
        del output["treatment"]
        output["former"] = 1
        older = zlib.compress(json.dumps(output).encode())
        connection.execute(text("update recommendation set output = :older, rules = null"), {"older": older})
    kept = client.get(address(given)).json()
    assert kept["schedule"] == {**output, "recommendation_id": given["recommendation_id"]}
    assert kept["rules"] is None
    (exported,) = client.get(f"{patient}/export").json()["recommendations"]
    assert exported == kept
    answer = client.post(f"{address(given)}/replay").json()
    assert (answer["identical"], answer["changed"]) == (False, None)
    with engine.begin() as connection:
        connection.execute(text("""update recommendation set policy_text = '{"former": 1}'"""))
    refusal = problem(client.post(f"{address(given)}/replay"), 409)
    assert refusal["detail"] == "It cannot be worked out anew: its policy is one of another version of the program"


def test_a_replay_needs_the_model_that_answered(client, given, app):
    for column, other in (("model_sha256", "0" * 64), ("model_version", "rnet-000000000000")):
        with app.state.service.database.engine.execution_options(writes=True).begin() as connection:
            connection.execute(text(f"update recommendation set {column} = :other"), {"other": other})
        assert "model" in problem(client.post(f"{address(given)}/replay"), 404)["detail"]


def test_decisions_are_kept_and_the_last_one_counts(client, given):
    decision = f"{address(given)}/decision"
    first = client.post(decision, json={"decision": "overridden", "reason": "frail: fewer visits"})
    assert first.status_code == 201
    client.post(decision, json={"decision": "accepted"})
    kept = client.get(address(given)).json()["decisions"]
    assert [(each["decision"], each["reason"]) for each in kept] == [
        ("overridden", "frail: fewer visits"),
        ("accepted", None),
    ]
    assert kept[0] == first.json()
    # Reads are written down a little later, those of others before us too.
    head = client.get("/v1/audit/verify").json()["head_sequence"]
    log = client.get("/v1/audit", params={"cursor": str(max(head - 40, 0))}).json()["entries"]
    made = [entry for entry in log if entry["action"] == "recommendation.decide"]
    ours = [
        entry["details"]["decision"] for entry in made if address(given).endswith(entry["details"]["recommendation_id"])
    ]
    assert ours == ["overridden", "accepted"]


def test_a_decision_keeps_its_rules(client, given):
    decision = f"{address(given)}/decision"
    for body in ({"decision": "overridden"}, {"decision": "overridden", "reason": " "}):
        assert paths(client.post(decision, json=body)) == ["reason"]
    assert paths(client.post(decision, json={"decision": "perhaps"})) == ["decision"]
    assert paths(client.post(decision, json={})) == ["decision"]
    key = {"idempotency-key": "d"}
    first, again = (client.post(decision, json={"decision": "accepted"}, headers=key) for _ in range(2))
    assert (first.json(), again.headers["idempotency-replayed"]) == (again.json(), "true")
    assert len(client.get(address(given)).json()["decisions"]) == 1


@pytest.mark.parametrize("name", [NOBODY, "x", NOBODY.upper().replace("4", "A")])
def test_a_recommendation_that_is_none_is_not_found(client, given, name):
    there = f"/v1/recommendations/{name}"
    answers = (
        client.get(there),
        client.post(f"{there}/replay"),
        client.post(f"{there}/decision", json={"decision": "accepted"}),
    )
    for answer in answers:
        assert problem(answer, 404)["detail"] == "There is no such recommendation."


def test_f20_another_centre_s_recommendation_is_not_there(client, server, app, given):
    with httpx.Client(base_url=server, headers=key_for(app, "clinician", centres=["other"])) as other:
        refusal = problem(other.get(address(given)), 404)
        assert refusal == problem(other.get(f"/v1/recommendations/{NOBODY}"), 404)


def test_nothing_is_kept_of_a_schedule_without_a_record_or_of_a_withheld_one(client, patient, app):
    body = {"patient": {"origin_date": PATIENT["origin_date"], "baseline": BASELINE}}
    assert client.post("/v1/schedule", json=body).json()["recommendation_id"] is None
    answer = client.post(f"{patient}/visits", json={"date": "2024-07-15", "tests": {"ct": "positive"}}).json()
    assert answer["schedule"] is None
    assert stored(app) == 0
