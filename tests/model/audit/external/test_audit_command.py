import json

import numpy as np
import pytest

from model.audit.__main__ import main
from model.audit.external.case_mix import prognosis
from model.learning.fitting import fit_predictor
from model.study.file import parse_study
from model.tables.cohort import read_cohort
from tests.model.builders import FOUND_BY_TEST, HEAD, surveilled
from tests.model.on_disk import save_model, write_site

STUDY = HEAD.format(until=24.0, horizon=24.0) + FOUND_BY_TEST.format(start=0.7, max=0.7, half_time=0.0)
HAZARD = 0.012


def write(folder, n, *, seed, hazard=HAZARD):
    """Patients of one site with their truth; nobody dies."""
    rng = np.random.default_rng(seed)
    histories, found, onset = surveilled(rng, n, hazard=hazard, every=6.0, sensitivity=0.7, until=48.0)
    write_site(folder, rng, histories, found)
    rows = (f"P{i},,{month},900\n" for i, month in enumerate(onset))
    (folder / "truth.csv").write_text("patient_id,lesion_recurrence,onset_recurrence,death_time\n" + "".join(rows))
    return folder


def prefix(cohort, folder, n):
    """Copy the first patients of a cohort."""
    folder.mkdir()
    (folder / "about.json").write_bytes((cohort / "about.json").read_bytes())
    for name in ("patients", "visits", "outcomes"):
        head, *rows = (cohort / f"{name}.csv").read_text().splitlines(keepends=True)
        kept = [row for row in rows if int(row.split(",")[0][1:]) < n]
        (folder / f"{name}.csv").write_text("".join([head, *kept]))
    return folder


@pytest.fixture(scope="module")
def trained_on(tmp_path_factory):
    return write(tmp_path_factory.mktemp("training") / "cohort", 500, seed=1)


@pytest.fixture(scope="module")
def model_folder(trained_on, tmp_path_factory):
    cohort = read_cohort(trained_on, parse_study(STUDY, file="tiny.toml"))
    predictor, fits = fit_predictor(cohort.study, cohort.histories, cohort.outcomes, seed=1)
    more = {"prognosis": prognosis(predictor, cohort.histories)}
    out, about = tmp_path_factory.mktemp("artifacts"), {"data_sha256": cohort.sha256}
    return save_model(cohort, predictor, fits, STUDY, out, facts=more, about=about)


@pytest.fixture
def audit(model_folder, tmp_path, capsys):
    """Run the command; returns (exit code, lines of stdout, lines of stderr, audit.json or None)."""

    def run(cohort, *arguments):
        capsys.readouterr()
        folder = tmp_path / "out"
        code = main(["--artifact", str(model_folder), "--cohort", str(cohort), "--out", str(folder), *arguments])
        printed = capsys.readouterr()
        document = json.loads((folder / "audit.json").read_text()) if code == 0 else None
        return code, *(t.replace(str(tmp_path), "DIR").splitlines() for t in (printed.out, printed.err)), document

    return run


@pytest.fixture
def site(tmp_path):
    """Patients of another place, where half as many recurrences begin."""
    return write(tmp_path / "site", 500, seed=2, hazard=HAZARD / 2)


def test_half_the_risk_shows_as_half_the_observed_and_an_update_would_help(audit, model_folder, site, tmp_path):
    before = {path.name: path.read_bytes() for path in model_folder.iterdir()}
    code, out, err, document = audit(site, "--truth", str(site / "truth.csv"))
    assert code == 0
    assert {path.name: path.read_bytes() for path in model_folder.iterdir()} == before
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["audit.html", "audit.json"]
    assert document["version"] == model_folder.name
    assert document["cohort"]["patients"] == 500
    whole = document["one_step"][0]
    assert whole["ratio"]["value"] == pytest.approx(0.5, abs=0.1)
    assert whole["ratio"]["high"] < 0.7
    for row in document["by_horizon"]:
        if row["event"] == "recurrence" and row["too_few"] is None:
            assert row["oe"]["low"] < 0.6
            assert row["oe"]["high"] < 0.95
    onsets = [row for row in document["truth"] if row["landmark"] == 0.0]
    assert [row["horizon"] for row in onsets] == [12.0, 24.0]
    assert all(0.35 < row["onset_oe"]["value"] < 0.65 for row in onsets)

    recurrence, death = document["update_helps"]
    assert (recurrence["event"], recurrence["method"], recurrence["helps"]) == ("recurrence", "refit", "yes")
    assert recurrence["gain"]["value"] > 2 * recurrence["gain"]["standard_error"] > 0
    assert (death["method"], death["gain"], death["helps"]) == ("kept", None, None)
    assert document["external"]["same_data"] is False
    assert document["case_mix"]["inputs"][0]["notable"] is False

    assert out[-1] == "DIR/out"
    assert f"  recurrence: {whole['ratio']['value']:.2f} ({whole['ratio']['low']:.2f} to " in out[1]
    assert any("helps: yes" in line for line in out)
    assert not any("warning" in line for line in err)
    page = (tmp_path / "out" / "audit.html").read_text()
    assert model_folder.name in page
    assert "python -m model.audit" in page

    # The same again with two processes: the very same files.
    again = ["--artifact", str(model_folder), "--cohort", str(site), "--out", str(tmp_path / "again"), "--jobs", "2"]
    assert main([*again, "--truth", str(site / "truth.csv")]) == 0
    for name in ("audit.json", "audit.html"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_a_shift_is_told_with_its_interval(audit, tmp_path):
    # 10 to 49 events: a shift and no more.
    code, _, _, document = audit(write(tmp_path / "small", 110, seed=4, hazard=2 * HAZARD / 3))
    assert code == 0
    row = document["update_helps"][0]
    assert (row["method"], row["slope"]) == ("intercept", None)
    assert 10 <= row["n"] < 50
    # The shift is what observed over expected says, up to its weak prior and what is still to come.
    assert row["hazard_ratio"]["low"] < row["hazard_ratio"]["value"] < row["hazard_ratio"]["high"]
    assert row["hazard_ratio"]["value"] == pytest.approx(document["one_step"][0]["ratio"]["value"], rel=0.1)


def test_the_very_tables_of_training_are_audited_and_told_to_be_them(audit, trained_on):
    code, _, err, document = audit(trained_on)
    assert code == 0
    assert err[0] == "warning: the model was trained on these very tables: this is no validation"
    assert document["external"]["same_data"] is True
    assert document["case_mix"]["tell_apart"] == 0.5
    assert document["one_step"][0]["ratio"]["value"] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("n", [10, 60])
def test_a_part_of_the_training_cohort_can_be_audited_however_small(audit, trained_on, tmp_path, n):
    code, _, _, document = audit(prefix(trained_on, tmp_path / "part", n))
    assert code == 0
    assert document["cohort"]["patients"] == n
    assert document["external"]["same_data"] is False
    assert document["update_helps"][0]["n"] == document["cohort"]["events"]["recurrence"]


def test_nothing_is_written_over(audit, trained_on, tmp_path):
    (tmp_path / "out").mkdir()
    code, out, err, _ = audit(trained_on)
    assert (code, out, err) == (2, [], ["DIR/out exists already"])
    assert not list((tmp_path / "out").iterdir())


def spoiled(cohort, folder, name, right, wrong):
    prefix(cohort, folder, 40)
    text = (folder / f"{name}.csv").read_text()
    assert right in text
    (folder / f"{name}.csv").write_text(text.replace(right, wrong, 1))
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("patients", "P3,", "P3,a"), "patients.csv:5: x: must be a number with a decimal point, or blank"),
        (("visits", "negative", "clear"), "visits.csv:2: scan: must be one of negative, positive (value withheld)"),
        (("outcomes", "event", "ending"), "outcomes.csv:1: event: this column is required and missing"),
    ],
)
def test_tables_that_do_not_fit_the_study_of_the_model_are_told_and_nothing_is_written(
    audit, trained_on, tmp_path, change, message
):
    code, out, err, _ = audit(spoiled(trained_on, tmp_path / "bad", *change))
    assert (code, out) == (2, [])
    assert err[0].startswith(message)
    assert not (tmp_path / "out").exists()


def test_nine_patients_are_too_few(audit, trained_on, tmp_path):
    code, _, err, _ = audit(prefix(trained_on, tmp_path / "nine", 9))
    assert code == 2
    assert err[-1] == "patients: 9 patients are too few to audit a model on: at least 10 are needed"


def test_a_folder_that_is_no_model_is_told(tmp_path, capsys):
    assert main(["--artifact", str(tmp_path), "--cohort", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "not a model folder" in capsys.readouterr().err


def test_help_shows_examples(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "python -m model.audit --artifact artifacts/VERSION --cohort DIR --out audit" in capsys.readouterr().out
