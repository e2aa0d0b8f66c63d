"""Cohorts at the edge of what can be learned from."""

import numpy as np
import pytest

from model.train import main as train
from tests.model.builders import EXACT, HEAD


def write(folder, n, times, events):
    folder.mkdir()
    rows = range(n)
    (folder / "patients.csv").write_text("patient_id,x\n" + "".join(f"{i},{i % 3}\n" for i in rows))
    lines = (f"{i},{time},{event}\n" for i, time, event in zip(rows, times, events, strict=True))
    (folder / "outcomes.csv").write_text("patient_id,time,event\n" + "".join(lines))


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(HEAD.format(until=24.0, horizon=24.0) + EXACT)
    return path


def test_f39_ten_patients_and_one_event_train_and_are_told_to_be_too_few(tmp_path, study, capsys):
    write(tmp_path / "cohort", 10, np.arange(10) + 5.0, ["death"] + ["none"] * 9)
    arguments = ["--cohort", str(tmp_path / "cohort"), "--study", str(study), "--out", str(tmp_path / "out")]
    assert train(arguments) == 0
    folder = capsys.readouterr().out.strip()
    assert "too few events (1)" in (tmp_path / folder / "audit.json").read_text()


def test_f37_nine_patients_are_refused(tmp_path, study, capsys):
    write(tmp_path / "cohort", 9, np.arange(9) + 5.0, ["death"] * 9)
    arguments = ["--cohort", str(tmp_path / "cohort"), "--study", str(study), "--out", str(tmp_path / "out")]
    assert train(arguments) == 2
    assert "9 patients are too few" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
