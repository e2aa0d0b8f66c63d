"""Models side by side: made live, rolled back, noticed by every process, and refused with reasons (F24, F29, F30)."""

import json
import os
import shutil
import threading

import pytest

from model.saved import artifact
from model.saved.artifact import SCHEMA_VERSION
from service.app import create_app
from service.settings import Settings
from tests.model.test_artifact import reseal
from tests.service.checks import problem
from tests.service.conftest import NOW, PATIENT, key_for, serving
from tests.service.models.conftest import broken, save

REASON = {"reason": "better calibrated here"}


def live(client):
    return client.get("/v1/model").json()["model"]["version"]


def activate(client, version):
    return client.post(f"/v1/models/{version}/activate", json=REASON)


def rules(answer):
    return [fault["rule"] for fault in problem(answer, 409)["errors"]]


def state(client, version):
    (found,) = [each for each in client.get("/v1/models").json()["models"] if each["version"] == version]
    return found


def test_a_model_is_made_live_and_rolled_back_and_the_history_says_so(either, start, model, second):
    client, _ = start()
    assert live(client) == model.version
    answer = activate(client, second.name)
    assert answer.status_code == 200
    assert answer.json()["action"] == "activate"
    assert live(client) == second.name
    shown = client.get("/v1/models").json()
    assert shown["live"] == second.name
    assert shown["problem"] is None
    assert {each["version"]: each["state"] for each in shown["models"]} == {model.version: "ready", second.name: "live"}
    assert [each["live_since"] is not None for each in shown["models"]] == [
        each["version"] == second.name for each in shown["models"]
    ]
    back = client.post("/v1/models/rollback", json={"reason": "too high in our patients"})
    assert back.json()["version"] == model.version
    assert live(client) == model.version
    history = client.get("/v1/models").json()["history"]
    assert [(each["action"], each["version"]) for each in history[:2]] == [
        ("rollback", model.version),
        ("activate", second.name),
    ]
    assert history[0]["reason"] == "too high in our patients"
    assert history[0]["caller"].startswith("key:")
    assert history[-1]["action"] == "start"
    log = client.get("/v1/audit").json()["entries"]
    assert [each["action"] for each in log if each["action"].startswith("model.")][-2:] == [
        "model.activate",
        "model.rollback",
    ]
    assert client.get("/v1/audit/verify").json()["fault"] is None


def test_rolling_back_goes_back_one_by_one_and_then_no_further(start, model, second):
    client, _ = start()
    for version in (second.name, model.version, second.name, second.name):  # Made live again, it is not before itself.
        activate(client, version)
    for expected in (model.version, second.name, model.version):
        assert client.post("/v1/models/rollback", json=REASON).json()["version"] == expected
        assert live(client) == expected
    assert rules(client.post("/v1/models/rollback", json=REASON)) == ["no other model answered before this one"]


def test_another_process_answers_by_the_new_model_at_its_next_request(either, start, second, model):
    (one, _), (other, _) = start(), start()
    assert activate(one, second.name).status_code == 200
    assert live(other) == second.name
    assert other.post("/v1/models/rollback", json=REASON).status_code == 200
    assert live(one) == model.version


@pytest.mark.usefixtures("either")
def test_of_two_who_activate_at_once_the_later_one_is_told_and_changes_nothing(start, second, model, monkeypatch):
    (one, app), (other, _) = start(), start()
    models = app.state.service.models
    tried = models.tried

    def meanwhile(version, past):
        found = tried(version, past)
        assert activate(other, second.name).status_code == 200
        return found

    monkeypatch.setattr(models, "tried", meanwhile)
    assert problem(activate(one, model.version), 409)["type"].endswith(":model-changed")
    assert live(one) == live(other) == second.name
    assert [each["action"] for each in one.get("/v1/models").json()["history"]] == ["activate", "start"]
    actions = [each["action"] for each in one.get("/v1/audit").json()["entries"]]
    assert actions.count("model.activate") == 1
    assert one.get("/v1/audit/verify").json()["holds"] is True


def test_the_live_model_is_the_same_after_a_restart_whichever_is_newest(start, folder, second, model):
    client, _ = start()
    activate(client, second.name)
    again, _ = start()
    assert live(again) == second.name
    assert [each["action"] for each in again.get("/v1/models").json()["history"]] == ["activate", "start"]


def test_a_folder_that_is_named_at_the_start_is_made_live_and_written_down(start, folder, second, url):
    client, _ = start()
    app = create_app(Settings(url, folder / second.name), clock=lambda: NOW)
    with serving(app):
        assert live(client) == second.name
        last = client.get("/v1/models").json()["history"][0]
    assert (last["action"], last["version"], last["caller"]) == ("start", second.name, "service")


def test_f24_a_version_that_is_a_path_or_a_link_is_not_loaded(start, folder, second):
    client, _ = start()
    shutil.move(folder / second.name, folder.parent / "outside")
    (folder / second.name).symlink_to(folder.parent / "outside")
    assert rules(activate(client, second.name)) == ["the folder is a link to another one"]
    assert state(client, second.name)["state"] == "refused"
    for name in ("..%2foutside", "..", "%2e%2e", ".writing-x", "*", "", "a" * 300, "%00"):
        assert activate(client, name).status_code in (404, 405), name
    assert client.post("/v1/models/..%2foutside/shadow", json=REASON).status_code == 404


def spoil_bit(folder):
    content = bytearray((folder / "model.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.npz").write_bytes(content)


SPOILT = {
    "bit flipped": (spoil_bit, "model.npz was changed after it was written"),
    "truncated": (lambda folder: os.truncate(folder / "model.npz", 1000), "model.npz was changed"),
    "missing": (lambda folder: (folder / "study.toml").unlink(), "study.toml is missing"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "no readable manifest.json"),
    "stray code": (lambda folder: (folder / "sitecustomize.py").write_text("raise 1"), "is not part of the model"),
    "other schema": (
        lambda folder: reseal(folder, schema_version=9),
        f"schema version 9, this program reads {SCHEMA_VERSION}",
    ),
    "pipe": (lambda folder: ((folder / "model.npz").unlink(), os.mkfifo(folder / "model.npz")), "not a plain file"),
    "other numbers": (
        lambda folder: reseal(folder, files={"golden.json": b"{}"}),
        "the golden cases cannot be answered (KeyError)",
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_f29_a_spoilt_model_is_refused_by_name_and_the_live_one_goes_on(start, folder, second, model, how):
    client, _ = start()
    spoil, said = SPOILT[how]
    spoil(folder / second.name)
    refused = rules(activate(client, second.name))
    assert said in refused[0]
    assert str(folder) not in refused[0]
    assert live(client) == model.version
    if how != "other numbers":
        shown = state(client, second.name)
        assert shown["state"] == "refused"
        assert said in shown["problems"][0]
        assert problem(client.get(f"/v1/models/{second.name}/facts"), 404)


def test_f29_a_live_model_that_was_spoilt_is_not_loaded_the_last_good_one_goes_on_and_readiness_says_so(
    start, folder, second, model
):
    client, _ = start()
    activate(client, second.name)
    spoil_bit(folder / second.name)
    # Loaded before, it goes on where it runs: its numbers were verified.
    assert live(client) == second.name
    other, _ = start()
    ready = other.get("/readyz").json()
    assert (ready["status"], ready["model"]) == ("ready", model.version)
    (said,) = ready["problems"]
    assert said.startswith(f"{second.name} ought to answer, and may not: model.npz was changed after it was written")
    assert live(other) == model.version
    assert other.get("/v1/models").json()["problem"] == said
    assert "recurrence_risk_model_problem 1.0" in other.get("/metrics").text
    # Another model that is made live ends it.
    assert activate(client, model.version).status_code == 200
    assert other.get("/readyz").json()["problems"] == []
    assert "recurrence_risk_model_problem 0.0" in other.get("/metrics").text


def test_f30_a_model_that_gives_no_number_is_refused_with_the_reason(start, folder, model, second):
    client, _ = start()
    made = save(folder, broken(model.predictor), model.facts, golden=False)
    assert rules(activate(client, made.name)) == [
        "low: not every risk is a finite number",
        "high: not every risk is a finite number",
    ]
    assert rules(client.post(f"/v1/models/{made.name}/shadow", json=REASON))
    assert live(client) == model.version


def test_f30_other_answers_than_those_it_was_made_with_are_refused(start, folder, model, second):
    client, _ = start()
    golden = json.loads((folder / second.name / "golden.json").read_text())
    golden["answers"]["unseen.value"][2][0] += 1e-4  # Every sum is right, and one answer is not.
    reseal(folder / second.name, files={"golden.json": json.dumps(golden).encode()})
    assert rules(activate(client, second.name)) == ["unseen.value: differs from the golden answers by up to 0.0001"]
    assert live(client) == model.version


def test_a_model_from_before_golden_answers_may_answer_and_it_is_said(start, folder, model):
    client, _ = start()
    made = save(folder, model.predictor, model.facts, golden=False)
    assert any("no golden answers" in doubt for doubt in state(client, made.name)["doubts"])
    assert state(client, model.version)["doubts"] == []
    assert activate(client, made.name).status_code == 200
    assert live(client) == made.name


def test_what_libraries_it_was_made_with_is_said(start, folder, second):
    client, _ = start()
    manifest = artifact.load(folder / second.name).manifest
    reseal(folder / second.name, libraries={**manifest["libraries"], "numpy": "1.0.0"})
    assert state(client, second.name)["doubts"] == [
        "It was made with other versions of libraries than this program's: numpy 1.0.0."
    ]
    assert activate(client, second.name).status_code == 200


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "a\nb"}, {"reason": "x" * 301}, {"reason": 1}])
def test_a_change_needs_a_reason(start, second, model, body):
    client, _ = start()
    for path in (f"{second.name}/activate", "rollback", f"{second.name}/shadow"):
        problem(client.post(f"/v1/models/{path}", json=body), 422)
    assert live(client) == model.version


def test_only_model_admins_change_models_and_clinicians_may_look(start, second):
    client, app = start()
    for role, changes, looks in (("model-admin", 200, 200), ("clinician", 403, 200), ("metrics", 403, 403)):
        headers = key_for(app, role)
        answer = client.post(f"/v1/models/{second.name}/activate", json=REASON, headers=headers)
        assert answer.status_code == changes
        assert client.get("/v1/models", headers=headers).status_code == looks


def test_activated_50_times_under_load_no_request_fails_and_each_answer_names_a_model_that_was_live(
    start, model, second
):
    (client, _), (other, _) = start(), start()
    patient = client.post("/v1/patients", json=PATIENT).headers["location"]
    names = {model.version, second.name}
    seen, faults, ended = [], [], threading.Event()

    def ask(http):
        while not ended.is_set():
            answer = http.get(f"{patient}/risk", params={"as_of": "2025-01-15"})
            if answer.status_code == 200:
                seen.append(answer.json()["model"]["version"])
            else:
                faults.append(answer.text)

    threads = [threading.Thread(target=ask, args=(http,)) for http in (client, other, other)]
    for thread in threads:
        thread.start()
    for number in range(50):
        version = (second.name, model.version)[number % 2]
        assert activate(client, version).status_code == 200
        # The process that was not asked answers by it from the next request on.
        assert live(other) == version
    ended.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert set(seen) == names
    assert len(seen) > 20
