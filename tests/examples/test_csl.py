import csv
import sys

import numpy as np
import pytest

from examples.csl import convert
from examples.csl.convert import DATA, converted, write
from model.errors import BadInputError
from model.study.file import read_study
from model.tables.cohort import read_cohort

STUDY = read_study(DATA.parent / "csl.toml")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("csl") / "cohort"
    write(converted(DATA)[0], folder)
    return read_cohort(folder, STUDY)


def raw(name):
    with (DATA / f"csl_{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_whole_trial_is_there(cohort):
    assert len(cohort) == 446
    assert (cohort.outcomes.cause == 1).sum() == 270
    # 2,481 visits and the measurement at entry, less the one visit after the end of follow-up.
    assert np.isfinite(cohort.histories.visit_month).sum() == 2481 + 446 - 1
    assert not np.isnan(cohort.histories.baseline).any()
    assert not cohort.warnings


def test_each_patient_is_the_trials_own(cohort):
    for patient, outcome in zip(raw("baseline"), raw("outcome"), strict=True):
        row = cohort.patient_id.index(patient["id"])
        age, sex, arm = cohort.histories.baseline[row]
        assert age == float(patient["age"]) + 60
        assert ("female", "male")[int(sex)] == {"0": "female", "1": "male"}[patient["sex"]]
        assert ("placebo", "prednisone")[int(arm)] == {"0": "prednisone", "1": "placebo"}[patient["treat"]]
        assert cohort.histories.marker[row, 0, 0] == float(patient["prot.base"])
        assert cohort.outcomes.exit_month[row] == pytest.approx(12 * float(outcome["time_years"]))
        assert cohort.outcomes.cause[row] == int(outcome["death"])


def test_each_visit_is_the_trials_own(cohort):
    months = {patient: cohort.histories.visit_month[row] for row, patient in enumerate(cohort.patient_id)}
    values = {patient: cohort.histories.marker[row, :, 0] for row, patient in enumerate(cohort.patient_id)}
    missing = 0
    for visit in raw("visits"):
        at = np.isclose(months[visit["id"]], 12 * float(visit["time"]), rtol=1e-12)
        missing += not at.any()
        assert values[visit["id"]][at].tolist() == [float(visit["prot"])] * at.sum()
    assert missing == 1


def test_the_cohort_says_that_it_is_real_and_whose(cohort):
    assert cohort.about["synthetic"] is False
    assert "Schlichting" in cohort.about["source"]
    assert "GPL" in cohort.about["licence"]


def test_the_visit_after_the_end_of_follow_up_is_refused_when_kept(tmp_path):
    tables, late = converted(DATA, drop_late_visits=False)
    assert late == 1
    write(tables, tmp_path / "cohort")
    with pytest.raises(BadInputError) as caught:
        read_cohort(tmp_path / "cohort", STUDY)
    [problem] = caught.value.problems
    rule = "this visit lies after the end of the patient's follow-up"
    assert (problem.file, problem.column, problem.rule) == ("visits.csv", "time", rule)
    with (tmp_path / "cohort" / "visits.csv").open(newline="") as file:
        patient, time, _ = list(csv.reader(file))[problem.line - 1]
    [ending] = [float(outcome["time_years"]) for outcome in raw("outcome") if outcome["id"] == patient]
    assert float(time) - ending == pytest.approx(1 / 365, abs=1e-4)  # by one day


def test_the_command_writes_a_new_folder_or_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["convert", "--out", str(tmp_path / "new" / "csl")])
    assert convert.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "left out 1 visit dated after the end of its patient's follow-up",
        str(tmp_path / "new" / "csl"),
    ]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert convert.main() == 2
    assert "exists already" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
