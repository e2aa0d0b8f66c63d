"""Models that must not answer whatever their sums say, and a process that is killed while it makes one live."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from model.errors import ArtifactError
from model.saved import artifact
from model.study.file import DEFAULT_STUDY, parse_study
from service.app import create_app
from service.settings import Settings
from tests.model.test_artifact import reseal
from tests.service.checks import problem
from tests.service.conftest import NOW, PATIENT
from tests.service.models.conftest import save

REASON = {"reason": "to be tried"}


def live(client):
    return client.get("/v1/model").json()["model"]["version"]


def activate(client, version):
    return client.post(f"/v1/models/{version}/activate", json=REASON)


def shadow(client, version):
    return client.post(f"/v1/models/{version}/shadow", json=REASON)


def rules(answer):
    return [fault["rule"] for fault in problem(answer, 409)["errors"]]


def restudied(folder, model, before, after):
    """The same numbers for a study whose text differs in one line."""
    text = DEFAULT_STUDY.read_text(encoding="utf-8")
    assert text.count(before) == 1
    text = text.replace(before, after)
    predictor = replace(model.predictor, study=parse_study(text, file="study.toml"))
    return save(folder, predictor, model.facts, study_text=text)


@pytest.mark.parametrize("ask", [activate, shadow])
def test_a_model_of_another_study_is_refused_and_the_live_one_goes_on(start, folder, model, second, ask):
    client, _ = start()
    made = restudied(folder, model, 'name = "rnet"', 'name = "other"')
    assert rules(ask(client, made.name)) == ["it is for the study other, and our records for rnet"]
    assert live(client) == model.version
    (shown,) = [each for each in client.get("/v1/models").json()["models"] if each["version"] == made.name]
    assert (shown["state"], shown["study"]) == ("refused", "other")


def test_a_service_does_not_start_by_a_model_of_another_study_than_its_records(start, folder, model, second, url):
    client, _ = start()
    made = restudied(folder, model, 'name = "rnet"', 'name = "other"')
    named = Settings(url, made)
    client.post("/v1/patients", json=PATIENT)
    with pytest.raises(ArtifactError, match="it is for the study other, and our records for rnet"):
        create_app(named, clock=lambda: NOW)
    assert live(client) == model.version
    assert [each["action"] for each in client.get("/v1/models").json()["history"]] == ["start"]


@pytest.mark.parametrize("ask", [activate, shadow, lambda client, _: client.post("/v1/models/rollback", json=REASON)])
def test_f29_other_files_under_a_name_that_was_live_are_refused_though_every_sum_is_right(
    start, folder, model, second, ask
):
    """Whoever can write the folder can make every sum right, and a name need not be the sum's."""
    client, _ = start()
    for version in (second.name, model.version):
        activate(client, version)
    reseal(folder / second.name, files={"model_facts.json": b'{"forged": true}'})
    assert artifact.load(folder / second.name).facts == {"forged": True}
    said = ["they are not those that had this name before"]
    assert rules(ask(client, second.name)) == said
    assert live(client) == model.version
    (shown,) = [each for each in client.get("/v1/models").json()["models"] if each["version"] == second.name]
    assert (shown["state"], shown["problems"]) == ("refused", said)


def test_f29_nor_are_they_if_their_folder_is_named_at_the_start(start, folder, model, second, url):
    client, _ = start()
    for version in (second.name, model.version):
        activate(client, version)
    reseal(folder / second.name, files={"model_facts.json": b'{"forged": true}'})
    with pytest.raises(ArtifactError, match="they are not those that had this name before"):
        create_app(Settings(url, folder / second.name), clock=lambda: NOW)
    assert live(client) == model.version


@pytest.mark.parametrize(
    "files",
    [{"a\0b": "0" * 64}, [[7, "0" * 64]], {"x" * 5000: "0" * 64}, {"": "0" * 64}, {"../x": "0" * 64}, {"model.npz": 7}],
)
def test_f29_a_manifest_that_names_no_files_is_refused_and_not_a_fault(start, folder, model, second, files):
    client, _ = start()
    reseal(folder / second.name)
    manifest = json.loads((folder / second.name / "manifest.json").read_text())
    written = json.dumps({**manifest, "files": files}).encode()
    (folder / second.name / "manifest.json").write_bytes(written)
    assert rules(activate(client, second.name))
    assert client.get("/v1/models").status_code == 200
    assert live(client) == model.version


def test_a_silent_model_of_other_horizons_is_asked_and_has_nothing_to_compare(start, folder, model, second):
    client, _ = start()
    made = restudied(folder, model, "horizons = [12.0, 24.0, 36.0, 60.0]", "horizons = [6.0, 18.0]")
    assert shadow(client, made.name).status_code == 200
    patient = client.post("/v1/patients", json=PATIENT).headers["location"]
    assert client.get(f"{patient}/risk").status_code == 200
    assert client.get("/v1/models").json()["shadow"]["differences"] == []


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("committed", ["before", "after"])
def test_f27_a_process_killed_while_it_activates_leaves_the_old_model_live_or_the_new_one(
    request, start, model, second, committed
):
    wanted = int(committed == "after")
    folder, url = request.getfixturevalue("folder"), request.getfixturevalue("url")
    client, _ = start()
    command = [sys.executable, "-m", "tests.service.models.activator", committed, str(folder), second.name]
    secret = {"URL": url.render_as_string(hide_password=False)}
    killed = subprocess.run(command, env=os.environ | secret, capture_output=True, text=True, timeout=100, check=False)
    assert killed.returncode == -9, killed.stderr
    expected = (model.version, second.name)[wanted]
    again, _ = start()
    for each in (client, again):  # one that went on, and one that was started afterwards
        shown = each.get("/v1/models").json()
        assert [one["version"] for one in shown["models"] if one["state"] == "live"] == [expected]
        assert (shown["live"], shown["problem"]) == (expected, None)
        assert live(each) == expected
        assert each.get("/readyz").json()["problems"] == []
    assert [each["action"] for each in shown["history"]] == ["activate", "start"][1 - wanted :]
    assert again.get("/v1/audit/verify").json()["holds"] is True
    assert activate(again, expected).status_code == 200


def test_f27_a_model_that_was_half_written_is_none(start, folder, model, second):
    """What a killed training leaves behind has a name that nobody can ask for."""
    shutil.copytree(folder / second.name, folder / ".writing-x")
    client, _ = start()
    assert {each["version"] for each in client.get("/v1/models").json()["models"]} == {model.version, second.name}
    problem(activate(client, ".writing-x"), 404)
