"""The pages of the project in a real browser: the audits of both example models, and the service with two patients."""

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from examples.browser import find_browser, running_browser
from examples.csl.__main__ import STUDY as CSL
from examples.csl.convert import DATA, converted, write
from examples.demo import example_patient
from examples.replay import enter_patient
from examples.serving import free_port, running_service
from model.audit.report import render
from model.audit.run import run as run_audit
from model.learning.fitting import fit_predictor
from model.literature.document import against
from model.literature.published import beside, read_literature
from model.saved import artifact
from model.saved.facts import model_facts
from model.study.file import DEFAULT_STUDY, read_study
from model.tables.cohort import read_cohort
from synthetic_data.__main__ import main as write_synthetic_cohort


@pytest.fixture(scope="session")
def browser():
    path = find_browser()
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("no Chromium or Chrome is installed, and CI skips nothing")
    if path is None:
        pytest.skip("no Chromium or Chrome is installed")
    with running_browser(path) as running:
        yield running


def saved(folder: Path, study_path: Path, cohort_folder: Path) -> Path:
    """Train on a small cohort and save with the audit that training writes, but of patients the model has seen."""
    study = read_study(study_path)
    cohort = read_cohort(cohort_folder, study)
    predictor, fits = fit_predictor(study, cohort.histories, cohort.outcomes, seed=1)
    facts = model_facts(cohort, predictor, fits, seed=1, learner="linear") | {"version": "shown"}
    audit = run_audit(cohort, np.arange(len(cohort)) % 2, [predictor] * 2, seed=1, jobs=1, version="shown")
    if literature := beside(study_path):
        audit["literature"] = against(predictor, read_literature(literature, study), seed=1, patients=20)
    texts = {"audit.json": artifact.json_text(audit), "model_facts.json": artifact.json_text(facts)}
    texts["audit.html"] = render(audit, facts)
    files = artifact.encode(predictor, study_path.read_text(encoding="utf-8"), texts)
    about = {"synthetic": facts["synthetic"]}
    return artifact.save(folder, artifact.version_of(study.name, files), files, created=datetime.now(UTC), about=about)[
        0
    ]


@pytest.fixture(scope="session")
def rnet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rnet")
    write_synthetic_cohort(["--patients", "600", "--seed", "7", "--out", str(folder / "cohort")])
    return saved(folder / "artifacts", DEFAULT_STUDY, folder / "cohort")


@pytest.fixture(scope="session")
def csl(tmp_path_factory):
    folder = tmp_path_factory.mktemp("csl")
    write(converted(DATA)[0], folder / "cohort")
    return saved(folder / "artifacts", CSL, folder / "cohort")


@pytest.fixture(scope="session")
def addresses(rnet, csl, tmp_path_factory):
    """Every page by a short name: files of both audits, and pages of a service that knows two patients."""
    database = tmp_path_factory.mktemp("service") / "service.sqlite"
    with running_service(rnet, database, free_port()) as (client, _):
        patient, visits = example_patient(datetime.now(tz=UTC).date())
        patient_id = enter_patient(client, patient)
        for visit in visits:
            client.post(f"/v1/patients/{patient_id}/visits", visit)
        awaiting = enter_patient(client, {**patient, "patient_ref": "awaiting", "centre": "A centre of some name"})
        client.post(f"/v1/patients/{awaiting}/visits", visits[0] | {"tests": {"ct": "positive"}, "note": "Long. " * 60})
        yield {
            "audit of rnet": (rnet / "audit.html").as_uri(),
            "audit of csl": (csl / "audit.html").as_uri(),
            "log in": f"{client.base}/ui/login",
            "patients": f"{client.base}/ui",
            "overdue patients": f"{client.base}/ui?show=overdue",
            "no patient found": f"{client.base}/ui?q=nobody",
            "patient": f"{client.base}/ui/patients/{patient_id}",
            "patient awaiting work-up": f"{client.base}/ui/patients/{awaiting}",
            "monitoring": f"{client.base}/ui/monitoring",
            "no such page": f"{client.base}/ui/patients/nobody",
            "bad address": f"{client.base}/ui?page=0",
            "key": client.key,
            "cookie": client.log_in(),
        }
