import hashlib
import json

import pytest

from examples.csl.convert import DATA, converted, write
from model.saved import artifact
from model.study.file import DEFAULT_STUDY
from model.train import main
from tests.model.tables import OUTCOMES, PATIENTS, STUDY, VISITS, write_tables

MANY = "patient_id,age,ki67\n" + "".join(f"P{number},17,130\n" for number in range(40))


@pytest.fixture
def refused(tmp_path, capsys):
    """Train on tables and a study that are wrong: returns stderr's lines, once it is sure that nothing was written."""

    def train(study=STUDY, **tables):
        folder = write_tables(tmp_path / "cohort", **tables)
        (tmp_path / "study.toml").write_text(study)
        before = sorted(tmp_path.rglob("*"))
        arguments = ["--cohort", str(folder), "--study", str(tmp_path / "study.toml"), "--out", str(tmp_path / "out")]
        assert main(arguments) == 2
        assert sorted(tmp_path.rglob("*")) == before
        printed = capsys.readouterr()
        assert not printed.out
        return [line.replace(str(tmp_path), "DIR") for line in printed.err.splitlines()]

    return train


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"study": STUDY.replace("horizons", "horizon")},
            'DIR/study.toml:6: horizon: unknown key; did you mean "horizons"?',
        ),
        (
            {"patients": PATIENTS.replace("C,55,30", "C,55,130")},
            "patients.csv:4: ki67: must be from 0.1 to 100 (value withheld)",
        ),
        (
            {"visits": VISITS + "C,31,,,\n"},
            "visits.csv:6: time: this visit lies after the end of the patient's follow-up (event: death)",
        ),
        ({"patients": PATIENTS + "A,61,,,,,\n"}, "patients.csv:5: patient_id: this patient stands more than once"),
        ({"outcomes": ""}, "outcomes.csv: the file is empty"),
        (
            {"outcomes": OUTCOMES.replace("recurrence", "none"), "visits": VISITS.replace("positive", "negative")},
            "outcomes.csv: event: no patient has a target event (recurrence): nothing can be learned",
        ),
        (
            {"patients": PATIENTS.replace(",", ";")},
            "patients.csv:1: columns are separated by semicolons; use commas",
        ),
        ({"visits": bytes(range(256))}, "visits.csv: not a UTF-8 text file (byte 128)"),
        ({}, "patients: 3 patients are too few to train and cross-validate: at least 10 are needed"),
    ],
    ids=[
        "a misspelt study key", "a ki-67 of 130", "a visit after death", "a duplicate patient", "an empty file",
        "no events", "semicolons", "a binary file", "three patients",
    ],
)  # fmt: skip
def test_f37_one_fault_is_one_clear_line_and_nothing_is_written(refused, tables, message):
    assert refused(**tables) == [message]


def test_fifty_problems_are_shown_and_the_rest_counted(refused):
    lines = refused(patients=MANY)
    assert len(lines) == 51
    # 80 values out of range, 40 patients without an outcome; 4 visits and 3 outcomes of nobody.
    assert lines[-1] == "... and 77 more problems (127 in all)"
    assert lines[:3] == [
        "patients.csv:2: age: must be from 18 to 100 (value withheld)",
        "patients.csv:2: ki67: must be from 0.1 to 100 (value withheld)",
        "patients.csv:2: patient_id: this patient has no row in outcomes",
    ]


def test_an_unknown_column_is_a_warning(refused):
    warning, error = refused(patients=PATIENTS.replace("ratio", "ratoi"))
    assert warning == 'warning: patients.csv: ratoi: unknown column, ignored; is it "ratio"?'
    assert "too few" in error


def test_a_study_that_is_not_there(tmp_path, capsys):
    folder = write_tables(tmp_path / "cohort")
    assert main(["--cohort", str(folder), "--study", str(tmp_path / "no.toml"), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'no.toml'}: no such study file\n"


def test_the_default_study_reads_nothing_of_another(tmp_path, capsys):
    assert main(["--cohort", str(write_tables(tmp_path / "cohort")), "--out", str(tmp_path / "out")]) == 2
    missing = [line for line in capsys.readouterr().err.splitlines() if line.endswith("required and missing")]
    assert [line.split(": ")[1] for line in missing] == ["age_years", "sex", "size_mm", "technique"]
    assert DEFAULT_STUDY.name == "rnet.toml"


@pytest.mark.parametrize("arguments", [["--seed", "-1"], ["--jobs", "0"], ["--sead", "1"]])
def test_a_wrong_argument_is_told_with_exit_2(tmp_path, capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(["--cohort", str(tmp_path), *arguments])
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_f38_equal_trainings_have_equal_sums_with_any_number_of_jobs(tmp_path, capsys):
    write(converted(DATA)[0], tmp_path / "cohort")
    arguments = ["--cohort", str(tmp_path / "cohort"), "--study", str(DATA.parent / "csl.toml")]
    sums = []
    for jobs in ("1", "2"):
        assert main([*arguments, "--out", str(tmp_path / jobs), "--jobs", jobs]) == 0
        printed = capsys.readouterr()
        [folder] = (tmp_path / jobs).iterdir()
        assert printed.out.splitlines()[-1] == str(folder)
        assert "446 patients" in printed.err
        loaded = artifact.load(folder)
        sums.append((loaded.version, loaded.sha256, loaded.manifest["files"]))
    assert sums[0] == sums[1]
    # The manifest names the data by their sums, and the facts say that they are real.
    content = (tmp_path / "cohort" / "patients.csv").read_bytes()
    assert loaded.manifest["data_sha256"]["patients.csv"] == hashlib.sha256(content).hexdigest()
    assert loaded.manifest["synthetic"] is loaded.facts["synthetic"] is False
    assert json.loads((folder / "audit.json").read_text())["version"] == loaded.version
    # The same again changes nothing; another seed is another version beside it.
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert main([*arguments, "--out", str(tmp_path / "2")]) == 0
    assert "already" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert main([*arguments, "--out", str(tmp_path / "2"), "--seed", "2"]) == 0
    assert len(list((tmp_path / "2").iterdir())) == 2
