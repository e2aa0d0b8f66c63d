"""A silent model: its differences are added up, nothing else is kept, and nobody waits for it."""

import time
from datetime import date

import pytest
from sqlalchemy import text

from model.saved import artifact
from service.models.differences import Difference, Sums
from service.models.shadow import MOST_WAITING, Answered, Shadow
from service.record import Patient
from tests.service.checks import problem
from tests.service.conftest import PATIENT, VISIT

BEGIN = {"reason": "before it is made live"}


def shown(client):
    return client.get("/v1/models").json()["shadow"]


def wait_for(client, count):
    end = time.monotonic() + 60
    while (found := shown(client))["compared"] + found["refused"] < count:
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def risks(client, path):
    return {
        (event["name"], at["months"]): at["probability"]
        for event in client.get(path, params={"as_of": "2025-01-15"}).json()["events"]
        for at in event["horizons"]
    }


def test_the_differences_are_those_between_the_two_models_answers(either, start, second, model):
    client, app = start()
    patient = client.post("/v1/patients", json=PATIENT).headers["location"]
    path = f"{patient}/risk"
    answer = client.post(f"/v1/models/{second.name}/shadow", json=BEGIN)
    assert (answer.status_code, answer.json()["share"]) == (200, 1.0)
    assert client.get("/v1/model").json()["model"]["version"] == model.version
    ours, *others = [risks(client, path) for _ in range(3)]
    assert others == [ours, ours]
    found = wait_for(client, 3)
    assert (found["version"], found["compared"], found["until"]) == (second.name, 3, None)
    assert client.delete(f"/v1/models/{second.name}/shadow").status_code == 204
    client.post(f"/v1/models/{second.name}/activate", json=BEGIN)
    theirs = risks(client, path)
    assert len(found["differences"]) == len(ours) == len(theirs)
    for row in found["differences"]:
        place = row["event"], row["horizon_months"]
        expected = abs(ours[place] - theirs[place])
        assert expected > 0
        assert row["count"] == 3
        assert row["mean"] == pytest.approx(expected, rel=1e-9)
        assert row["greatest"] == pytest.approx(expected, rel=1e-9)
    kept = shown(client)
    assert kept["until"] is not None
    assert (kept["compared"], kept["dropped"]) == (3, 0)
    # Sums, and who is meant is nowhere in them.
    with app.state.service.database.engine.connect() as connection:
        rows = connection.execute(text("select * from shadow_difference")).mappings().all()
    assert {*rows[0]} == {"sequence", "event", "horizon_months", "n", "total", "greatest"}


def test_visits_and_pages_are_compared_too_by_a_share_of_them(start, second):
    client, _ = start()
    patient = client.post("/v1/patients", json=PATIENT).headers["location"]
    client.post(f"/v1/models/{second.name}/shadow", json={**BEGIN, "share": 0.5})
    client.post(f"{patient}/visits", json=VISIT)
    client.get(patient.replace("/v1", "/ui"), headers={"accept": "text/html"})
    for _ in range(6):
        client.get(f"{patient}/risk", params={"as_of": "2025-01-15"})
    assert wait_for(client, 4)["compared"] == 4


def test_any_change_of_the_live_model_ends_it(start, second, model):
    client, app = start()
    client.post(f"/v1/models/{second.name}/shadow", json=BEGIN)
    assert [each["state"] for each in client.get("/v1/models").json()["models"]].count("shadow") == 1
    client.post(f"/v1/models/{second.name}/activate", json=BEGIN)
    assert shown(client)["until"] is not None
    problem(client.delete(f"/v1/models/{second.name}/shadow"), 404)
    assert app.state.service.models.shadow.is_idle


def test_the_model_that_answers_cannot_answer_silently(start, model):
    client, _ = start()
    refused = problem(client.post(f"/v1/models/{model.version}/shadow", json=BEGIN), 409)
    assert refused["errors"][0]["rule"] == "it is the model that answers"
    for share in (0, 1.5, -1, "1", True):
        problem(client.post(f"/v1/models/{model.version}/shadow", json={**BEGIN, "share": share}), 422)


def question(study):
    patient = Patient(date(2024, 1, 15), {"age_years": 61.0, "sex": "male", "technique": "esd"})
    return Answered(patient, date(2025, 1, 15), {(study.event_names[0], study.horizon_months[0]): 0.25})


def test_nobody_waits_what_is_too_much_is_dropped_and_counted(start, second):
    client, app = start()
    client.post(f"/v1/models/{second.name}/shadow", json=BEGIN)
    models, study = app.state.service.models, app.state.service.model.predictor.study
    # A shadow whose thread never started: nothing is taken from its queue.
    shadow = Shadow(models.database)
    shadow.use(models.history().shadow, artifact.load(second))
    began = time.monotonic()
    for _ in range(MOST_WAITING + 7):
        shadow.offer(question(study))
    assert time.monotonic() - began < 1
    shadow.keep()
    assert shown(client)["dropped"] == 7


def test_a_record_that_the_silent_model_cannot_read_is_counted_as_refused(start, second):
    client, app = start()
    client.post(f"/v1/models/{second.name}/shadow", json=BEGIN)
    beyond = question(app.state.service.model.predictor.study)
    unread = Answered(Patient(beyond.patient.origin_date, {"unknown_column": 1.0}), beyond.as_of, beyond.risk)
    late = Answered(beyond.patient, date(2124, 1, 15), beyond.risk)
    for asked in (unread, late, beyond):
        app.state.service.models.shadow.offer(asked)
    found = wait_for(client, 3)
    assert (found["compared"], found["refused"]) == (1, 2)


def test_sums_add_up_whoever_adds():
    one, other = Sums(), Sums()
    one.add({("local", 12.0): 0.1})
    one.add(None)
    other.add({("local", 12.0): 0.3, ("nodal", 12.0): 0.0})
    other.dropped += 2
    one += other
    assert (one.compared, one.refused, one.dropped) == (2, 1, 2)
    assert one.by_place["local", 12.0] == Difference(2, pytest.approx(0.4), 0.3)
    assert one.by_place["nodal", 12.0] == Difference(1, 0.0, 0.0)
    assert not Sums()
