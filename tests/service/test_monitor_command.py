"""`python -m service.monitor`: the answers of monitoring as files."""

import json
import os
import stat
from dataclasses import replace
from itertools import islice

import pytest

from examples.fill_store import enter, patients_of
from service.monitor import main
from service.settings import database_url
from service.store.database import Database
from tests.service.conftest import NOW, TODAY


@pytest.fixture(autouse=True)
def umask():
    """The command makes its files private, and with them whatever other tests would write after it."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def store(tmp_path_factory, artifacts, model):
    """A SQLite file with some patients, all of them still followed."""
    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'x.sqlite'}"
    database = Database(database_url(url))
    database.create_tables()
    study = model.predictor.study
    records = islice(patients_of(artifacts.parent / "cohort", study, TODAY), 30)
    enter(database, [(name, replace(patient, outcome=None)) for name, patient in records], study, NOW)
    database.close()
    return url


def test_it_writes_what_the_endpoints_answer_and_says_it_in_short(store, artifacts, tmp_path, capsys):
    out, late = tmp_path / "m" / "monitoring.json", tmp_path / "m" / "overdue.json"
    assert main(["--database", store, "--artifacts", str(artifacts), "--out", str(out), "--overdue", str(late)]) == 0
    found, overdue = json.loads(out.read_text()), json.loads(late.read_text())
    assert found["calibration"]["patients"] == found["drift"]["patients"] == 30
    assert set(found) == {"calibration", "drift"}
    assert 0 < overdue["total"] <= overdue["open_patients"] == 30
    assert all(row["patient_ref"] not in out.read_text() for row in overdue["patients"])
    assert stat.S_IMODE(late.stat().st_mode) == 0o600
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"overdue: {overdue['total']} of 30 patients under follow-up"
    assert said[1] == "30 patients, 0 more that this model cannot read"
    assert "Trained on synthetic data" in said[-2]
    assert said[-1] == str(out)


def test_refusals_exit_with_2_and_one_line_and_write_nothing(store, artifacts, tmp_path, capsys, monkeypatch):
    out, empty = tmp_path / "monitoring.json", tmp_path / "empty.sqlite"
    empty.touch()
    good = ["--database", store, "--artifacts", str(artifacts), "--out"]
    refused = [
        ["--database", "sqlite:///nowhere.sqlite", *good[2:], str(out)],
        ["--database", f"sqlite:///{empty}", *good[2:], str(out)],
        ["--database", "postgresql+psycopg://user:secret@127.0.0.1:1/name", *good[2:], str(out)],
        [*good[:2], "--artifacts", str(tmp_path), "--out", str(out)],
        [*good, str(tmp_path)],
    ]
    for arguments in refused:
        assert main(arguments) == 2, arguments
        said = [line for line in capsys.readouterr().err.splitlines() if line not in ("calibration", "drift of inputs")]
        assert len(said) == 1, said
        assert "secret" not in said[0]
    monkeypatch.setenv("RECURRENCE_RISK_DATABSE", "x")
    assert main([*good, str(out)]) == 2
    assert "RECURRENCE_RISK_DATABSE" in capsys.readouterr().err
    assert not out.exists()
