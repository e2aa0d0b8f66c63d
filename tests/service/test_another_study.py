"""The service knows no disease: the trial of cirrhosis in examples/csl, without tests and with exact deaths only."""

import json

import numpy as np
import pytest

from examples.csl import convert
from model.learning.fitting import fit_predictor
from model.saved import artifact
from model.saved.facts import model_facts
from model.study.file import read_study
from model.tables.cohort import read_cohort
from service.app import create_app
from service.settings import Settings, database_url
from tests.service.checks import ANY_VERSION, paths
from tests.service.conftest import NOW, admin_of, serving

BASELINE = {"age_years": 58, "sex": "male", "arm": "placebo"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("csl")
    tables, _ = convert.converted(convert.DATA)
    convert.write(tables, folder / "cohort")
    text = (convert.DATA.parent / "csl.toml").read_text()
    study = read_study(convert.DATA.parent / "csl.toml")
    cohort = read_cohort(folder / "cohort", study)
    predictor, fits = fit_predictor(study, cohort.histories, cohort.outcomes, seed=1)
    facts = json.dumps(model_facts(cohort, predictor, fits, seed=1, learner="linear"))
    files = artifact.encode(predictor, text, {"model_facts.json": facts})
    artifact.save(folder / "artifacts", artifact.version_of("csl", files), files, created=NOW, about={})
    settings = Settings(database_url(f"sqlite:///{folder / 'x.sqlite'}"), folder / "artifacts")
    app = create_app(settings, clock=lambda: NOW)
    with serving(app) as address, admin_of(app, address) as http:
        yield http


def test_a_falling_prothrombin_index_raises_the_risk_of_death(client):
    body = {"patient_ref": "1", "origin_date": "2024-01-15", "baseline": BASELINE}
    patient = client.post("/v1/patients", json=body).headers["location"]
    risks = []
    for date, index in (("2024-01-15", 90), ("2024-07-15", 60), ("2025-01-15", 35)):
        answer = client.post(f"{patient}/visits", json={"date": date, "markers": {"prothrombin_index": index}}).json()
        assert answer["warnings"] == []
        assert answer["model"]["synthetic"] is None
        assert answer["model"]["notice"] == "Decision support, not a medical device."
        assert answer["schedule"]["next"]["tests"] == []
        assert answer["change"]["drivers"][0]["name"] == "prothrombin_index"
        risks.append(answer["risk"]["events"][0]["horizons"][1]["probability"])
    assert np.all(np.diff(risks) > 0)
    page = client.get(patient.replace("/v1", "/ui"), headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "Prothrombin index" in page.text


def test_what_the_study_does_not_know_is_refused(client):
    body = {"patient_ref": "2", "origin_date": "2024-01-15", "baseline": {**BASELINE, "size_mm": 3}, "tier": "primary"}
    assert paths(client.post("/v1/patients", json=body)) == ["baseline.size_mm", "tier"]


def test_horizons_are_in_months_and_a_missing_audit_is_not_found(client):
    described = client.get("/v1/model").json()
    assert described["horizons_months"] == [12, 24, 36]
    assert described["tests"] == described["tiers"] == []
    assert client.get(f"/v1/models/{described['model']['version']}/calibration").status_code == 404


def test_monitoring_needs_neither_tests_nor_visits(client):
    body = {"origin_date": "2023-01-15", "baseline": BASELINE}
    for number in range(12):
        patient = client.post("/v1/patients", json={**body, "patient_ref": f"m-{number}"}).headers["location"]
        if number < 3:
            client.post(f"{patient}/outcome", json={"date": "2024-03-01", "event": "death"}, headers=ANY_VERSION)
    answer = client.get("/v1/monitoring/calibration").json()
    whole = answer["to_date"][0]
    assert (whole["event"], whole["observed"], whole["visits"]) == ("death", 3, 0)
    assert whole["expected"] > 1
    assert {row["event"] for row in answer["alarms"]} == {"death"}
    assert {row["kind"] for row in client.get("/v1/monitoring/drift").json()["inputs"]} == {"baseline", "marker"}
    assert client.get("/v1/monitoring/overdue").status_code == 200
