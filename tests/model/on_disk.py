"""Models and cohorts written to folders, as the commands read them."""

import json
from datetime import UTC, datetime

import numpy as np

from model.saved import artifact
from model.saved.facts import model_facts

RESULT = {-1: "", 0: "negative", 1: "positive"}


def save_model(cohort, predictor, fits, study_text, out, *, facts=None, about=None):
    """Save a model with empty reports, and facts and manifest entries beside the usual; returns its folder."""
    known = model_facts(cohort, predictor, fits, seed=1, learner="linear") | (facts or {})
    reports = {"audit.json": "{}\n", "audit.html": "\n", "model_facts.json": json.dumps(known)}
    files = artifact.encode(predictor, study_text, reports)
    version, created = artifact.version_of(predictor.study.name, files), datetime(2026, 1, 10, tzinfo=UTC)
    return artifact.save(out, version, files, created=created, about={"seed": 1, **(about or {})})[0]


def write_site(folder, rng, histories, found, *, death=0.0, synthetic=True):
    """Write one site's tables: a covariate x that says nothing, one test; some who are not found may have died."""
    folder.mkdir()
    n = len(histories)
    x = rng.standard_normal(n)
    (folder / "patients.csv").write_text("patient_id,x\n" + "".join(f"P{i},{x[i]:.3f}\n" for i in range(n)))
    visits = [
        f"P{i},{month},{RESULT[int(scan)]},\n"
        for i in range(n)
        for month, scan in zip(histories.visit_month[i], histories.test[i, :, 0], strict=True)
        if np.isfinite(month)
    ]
    (folder / "visits.csv").write_text("patient_id,time,scan,look\n" + "".join(visits))
    event = np.where(found.cause == 1, "recurrence", np.where(rng.random(n) < death, "death", "none"))
    rows = (f"P{i},{month},{event[i]}\n" for i, month in enumerate(found.exit_month))
    (folder / "outcomes.csv").write_text("patient_id,time,event\n" + "".join(rows))
    (folder / "about.json").write_text(json.dumps({"title": "A site", "synthetic": synthetic}))
    return folder
