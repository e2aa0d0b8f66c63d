import re
import shutil

import numpy as np
import pandas as pd
import pytest

from model.estimator import RecurrenceModel
from model.predict import main
from synthetic_data.__main__ import main as write_synthetic_cohort

FOUND = ["local", "nodal", "distant"]
COLUMNS = ["patient_id", "landmark", "event", "horizon", "probability", "low", "high"]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Fresh synthetic patients, few of them without an event: 4 found by tests and 3 dead by month 60, 9 others."""
    folder = tmp_path_factory.mktemp("fresh") / "cohort"
    write_synthetic_cohort(["--patients", "600", "--seed", "9", "--out", str(folder)])
    tables = dict(zip(("patients", "visits", "outcomes"), frames(folder), strict=True))
    ending = tables["outcomes"].set_index("patient_id")
    early = ending["time"] <= 60
    found, died = (
        ending.index[early & ending["event"].isin(FOUND)][:4],
        ending.index[early & (ending["event"] == "death")][:3],
    )
    kept = [*found, *died, *ending.index[~early][:6], *ending.index[early & (ending["event"] == "none")][:3]]
    for name, table in tables.items():
        table[table["patient_id"].isin(kept)].to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.fixture
def predict(model_folder, cohort, tmp_path, capsys):
    """Run the command; returns (exit code, lines of stdout, lines of stderr, the table or None)."""

    def run(*arguments, cohort=cohort, out="risks.csv"):
        capsys.readouterr()
        path = tmp_path / out
        code = main(["--artifact", str(model_folder), "--cohort", str(cohort), "--out", str(path), *arguments])
        printed = capsys.readouterr()
        table = read(path) if path.is_file() else None
        lines = [text.replace(str(tmp_path), "DIR").splitlines() for text in (printed.out, printed.err)]
        return code, *lines, table

    return run


def read(path):
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, float_precision="round_trip")


def frames(folder):
    return [read(folder / f"{name}.csv") for name in ("patients", "visits", "outcomes")]


def test_the_file_holds_what_python_answers_for_all_who_are_still_without_an_event(predict, model_folder, cohort):
    patients, visits, outcomes = frames(cohort)
    gone = outcomes.loc[(outcomes["event"] != "none") & (outcomes["time"] <= 60), "patient_id"]
    assert len(gone) == 7
    code, out, err, table = predict("--landmark", "60")
    assert code == 0
    assert out[-1] == "DIR/risks.csv"
    assert out[0] == "Decision support for clinicians, not a medical device; it has no regulatory clearance."
    assert out[1].startswith("Trained on synthetic data: not for decisions about real patients.")
    assert err[:3] == [
        "Rectal neuroendocrine tumour after resection: 16 patients, 9 predictions",
        "  7 left out: their event came by the landmark",
        "  3 were last followed before the landmark: predicted as alive and with nothing found by then",
    ]
    assert err[-1] == "  9 of 9 predicted"
    asked = pd.Series(60.0, index=patients.loc[~patients["patient_id"].isin(gone), "patient_id"])
    expected = RecurrenceModel.load(model_folder).predict(patients, visits, landmark=asked)
    pd.testing.assert_frame_equal(table, expected, check_exact=True)
    assert list(table) == COLUMNS


def test_rows_ask_for_moments_of_ones_own_and_parquet_holds_the_same_with_any_number_of_jobs(
    predict, cohort, tmp_path, trained
):
    # Everybody at month 0 and, in the opposite order, at the end of their follow-up, where events are known.
    ending = frames(cohort)[2]
    ending = ending[ending["time"] <= trained.predictor.supported_until_month].rename(columns={"time": "landmark"})
    asked = pd.concat([ending.assign(landmark=0.0), ending[::-1]], ignore_index=True)
    rows = tmp_path / "moments.csv"
    asked[["patient_id", "landmark"]].to_csv(rows, index=False)
    code, _, err, table = predict("--rows", str(rows))
    assert code == 0
    gone = (asked["event"] != "none") & (asked["landmark"] > 0)
    assert f"  {gone.sum()} left out: their event came by the landmark" in err
    pd.testing.assert_frame_equal(
        table[::16].reset_index(drop=True)[["patient_id", "landmark"]],
        asked.loc[~gone, ["patient_id", "landmark"]].reset_index(drop=True),
    )
    code, _, _, stored = predict("--rows", str(rows), "--jobs", "2", out="risks.parquet")
    assert code == 0
    pd.testing.assert_frame_equal(stored, table, check_exact=True)


def test_without_outcomes_only_positive_tests_tell_whose_event_came(predict, cohort, tmp_path, trained):
    folder = shutil.copytree(cohort, tmp_path / "without")
    (folder / "outcomes.csv").unlink()
    _, visits, outcomes = frames(cohort)
    tests = [test.name for test in trained.cohort.study.test]
    positive = visits[(visits[tests] == "positive").any(axis=1) & (visits["time"] <= 60)]
    died = outcomes.loc[(outcomes["event"] == "death") & (outcomes["time"] <= 60), "patient_id"]
    code, _, err, table = predict("--landmark", "60", cohort=folder)
    assert code == 0
    n_found = positive["patient_id"].nunique()
    assert n_found
    why = "there is no outcomes table to tell whose event came before"
    assert err[1] == f"  {n_found} left out for a positive test by the landmark: {why}"
    assert set(died) < set(table["patient_id"])
    assert not set(positive["patient_id"]) & set(table["patient_id"])
    _, _, err, table = predict("--landmark", "0", cohort=folder)
    assert err[1] == f"  nothing was left out: {why}"
    assert table["patient_id"].nunique() == 16


def test_a_cohort_without_events_can_be_predicted(predict, cohort, tmp_path):
    folder = shutil.copytree(cohort, tmp_path / "calm")
    patients, visits, outcomes = frames(cohort)
    kept = outcomes.loc[outcomes["event"] == "none", "patient_id"][:3]
    for name, frame in {"patients": patients, "visits": visits, "outcomes": outcomes}.items():
        frame[frame["patient_id"].isin(kept)].to_csv(folder / f"{name}.csv", index=False)
    code, _, err, table = predict("--landmark", "12", cohort=folder)
    assert code == 0
    assert err[1] == "  0 left out: their event came by the landmark"
    assert table["patient_id"].nunique() == 3


def test_f36_nobody_left_is_a_table_without_rows(predict, tmp_path):
    rows = tmp_path / "moments.csv"
    rows.write_text("patient_id,landmark\n")
    for out in ("risks.csv", "risks.parquet"):
        code, _, err, table = predict("--rows", str(rows), out=out)
        assert code == 0
        assert err[0].endswith("16 patients, 0 predictions")
        assert list(table) == COLUMNS
        assert table.empty


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        (
            "patient_id,landmark\nPATIENT,600\nnobody,1\nPATIENT,\nPATIENT,soon\n",
            [
                "moments.csv:2: landmark: must be from 0 to LATEST (value withheld)",
                "moments.csv:3: patient_id: no such patient in patients",
                "moments.csv:4: landmark: a value is required",
                "moments.csv:5: landmark: must be a number with a decimal point (value withheld)",
            ],
        ),
        ("patient_id\nPATIENT\n", ["moments.csv:1: landmark: this column is required and missing"]),
        ("", ["moments.csv: the file is empty"]),
    ],
)
def test_f36_wrong_rows_are_all_named_and_nothing_is_written(predict, cohort, tmp_path, content, messages):
    (tmp_path / "moments.csv").write_text(content.replace("PATIENT", frames(cohort)[0]["patient_id"][0]))
    (tmp_path / "risks.csv").write_text("patient_id\nold\n")
    code, out, err, table = predict("--rows", str(tmp_path / "moments.csv"))
    assert (code, out) == (2, [])
    assert [re.sub(r"0 to \d+ ", "0 to LATEST ", line) for line in err] == messages
    assert table["patient_id"].tolist() == ["old"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["moments.csv", "risks.csv"]


def test_a_landmark_beyond_what_was_learned_is_refused(predict, trained):
    latest = trained.predictor.supported_until_month
    code, out, err, table = predict("--landmark", f"{latest + 0.5:g}")
    assert (code, out, table) == (2, [], None)
    assert err == [f"landmark {latest + 0.5:g} is not within what the model supports, 0 to {latest:g} months"]


def test_f36_faults_of_the_tables_are_told_as_in_training(predict, cohort, tmp_path):
    folder = shutil.copytree(cohort, tmp_path / "spoilt")
    with (folder / "visits.csv").open("a") as visits:
        visits.write("nobody,12" + "," * (len(frames(cohort)[1].columns) - 2) + "\n")
    n_lines = (folder / "visits.csv").read_text().count("\n")
    code, _, err, table = predict("--landmark", "0", cohort=folder)
    assert (code, table) == (2, None)
    assert err == [f"visits.csv:{n_lines}: patient_id: no such patient in patients"]


def test_f36_wrong_rows_go_to_a_file_with_their_lines_and_all_others_are_predicted(predict, cohort, tmp_path):
    patients, visits, outcomes = frames(cohort)
    calm = outcomes.loc[outcomes["event"] == "none", "patient_id"].tolist()
    poisoned, doubled, unseen = calm[:3]
    spoilt = shutil.copytree(cohort, tmp_path / "spoilt")
    patients["size_mm"] = patients["size_mm"].astype(object)
    patients.loc[patients["patient_id"] == poisoned, "size_mm"] = "=1+1"
    patients = pd.concat([patients, patients[patients["patient_id"] == doubled]])
    patients.to_csv(spoilt / "patients.csv", index=False)
    outcomes[outcomes["patient_id"] != unseen].to_csv(spoilt / "outcomes.csv", index=False)
    with (spoilt / "visits.csv").open("a") as file:
        file.write("nobody,12" + "," * (len(visits.columns) - 2) + "\n" + "too,few\n")
    visits_end = (spoilt / "visits.csv").read_text().count("\n")
    moments = tmp_path / "moments.csv"
    moments.write_text("patient_id,landmark\n" + "".join(f"{one},0\n" for one in calm) + f"{calm[4]},1e9\nx,1\n")
    wrong = tmp_path / "wrong.csv"
    code, out, err, table = predict("--rows", str(moments), "--errors", str(wrong), cohort=spoilt)
    assert code == 3
    assert sorted(set(calm) - set(table["patient_id"])) == sorted([poisoned, doubled, unseen])
    _, _, _, whole = predict("--rows", str(moments), "--errors", str(tmp_path / "few.csv"), out="whole.csv")
    rest = whole[whole["patient_id"].isin(table["patient_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(table, rest, rtol=1e-9)  # last digits depend on who stands beside
    few = f"the row must have {len(visits.columns)} comma-separated values, as the header has"
    told = [tuple(row) for row in pd.read_csv(wrong, keep_default_na=False).itertuples(index=False)]
    place = {one: 2 + frames(cohort)[0]["patient_id"].tolist().index(one) for one in calm}
    asked = {one: 2 + calm.index(one) for one in calm}
    left_out = "this patient was left out: a row of the cohort's tables breaks a rule"
    assert sorted(told) == sorted(
        [
            ("visits.csv", visits_end, "", few),
            ("visits.csv", visits_end - 1, "patient_id", "no such patient in patients"),
            ("patients.csv", place[poisoned], "size_mm", "must be a number with a decimal point (value withheld)"),
            ("patients.csv", 18, "patient_id", "this patient stands more than once"),
            ("patients.csv", place[unseen], "patient_id", "this patient has no row in outcomes"),
            *(("moments.csv", asked[one], "patient_id", left_out) for one in (poisoned, doubled, unseen)),
            ("moments.csv", len(calm) + 2, "landmark", told[-2][3]),
            ("moments.csv", len(calm) + 3, "patient_id", "no such patient in patients"),
        ]
    )
    assert told[-2][3].startswith("must be from 0 to ")
    assert "=1+1" not in wrong.read_text()
    assert err[-1] == "completed with errors: 10 in all, listed in DIR/wrong.csv; what they are about is not predicted"
    assert out[-1] == "DIR/risks.csv"


def test_f36_without_a_wrong_row_the_file_of_errors_has_none(predict, tmp_path):
    code, _, err, table = predict("--landmark", "0", "--errors", str(tmp_path / "wrong.csv"))
    assert (code, len(table) > 0) == (0, True)
    assert (tmp_path / "wrong.csv").read_text() == "file,line,column,rule\n"
    assert not any("errors" in line for line in err)


def test_f36_nobody_is_to_blame_for_a_missing_column_and_everybody_may_be_left_out(predict, cohort, tmp_path):
    spoilt = shutil.copytree(cohort, tmp_path / "spoilt")
    patients = frames(cohort)[0]
    patients.drop(columns="size_mm").to_csv(spoilt / "patients.csv", index=False)
    code, _, err, table = predict("--landmark", "0", "--errors", str(tmp_path / "wrong.csv"), cohort=spoilt)
    assert (code, table) == (2, None)
    assert err == ["patients.csv:1: size_mm: this column is required and missing"]
    assert not (tmp_path / "wrong.csv").exists()
    (tmp_path / "moments.csv").write_text("patient_id\nP1\n")
    code, _, err, table = predict("--rows", str(tmp_path / "moments.csv"), "--errors", str(tmp_path / "wrong.csv"))
    assert (code, table) == (2, None)
    assert err == ["moments.csv:1: landmark: this column is required and missing"]
    patients.assign(size_mm="x").to_csv(spoilt / "patients.csv", index=False)
    code, _, err, table = predict("--landmark", "0", "--errors", str(tmp_path / "wrong.csv"), cohort=spoilt)
    assert (code, len(table), len(pd.read_csv(tmp_path / "wrong.csv"))) == (3, 0, 16)


def test_a_model_that_was_changed_predicts_nothing(predict, model_folder, tmp_path, cohort, capsys):
    copy = shutil.copytree(model_folder, tmp_path / model_folder.name)
    (copy / "study.toml").write_text("")
    out = tmp_path / "risks.csv"
    assert main(["--artifact", str(copy), "--cohort", str(cohort), "--landmark", "0", "--out", str(out)]) == 2
    assert "study.toml was changed after it was written" in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_in_the_place_of_the_result_is_told_before_the_work(predict, tmp_path):
    (tmp_path / "risks.csv").mkdir()
    code, _, err, _ = predict("--landmark", "0")
    assert code == 2
    assert err[-1] == "DIR/risks.csv: Is a directory"
    assert not any("predicted" in line for line in err)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "one of the arguments --landmark --rows is required"),
        (["--landmark", "1", "--rows", "x"], "not allowed with argument"),
        (["--landmark", "nan"], "must be a number"),
        (["--landmark", "x"], "must be a number"),
        (["--landmark", "1", "--jobs", "0"], "must be a whole number, 1 or more"),
        (["--landmark", "1", "--out", "risks.xlsx"], "must end in .csv or .parquet"),
    ],
)
def test_a_wrong_argument_is_told_with_exit_2(predict, capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        predict(*arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_the_model_can_be_loaded_from_its_folder(model_folder, trained, cohort):
    model = RecurrenceModel.load(str(model_folder))
    assert (model.get_params()["random_state"], model.get_params()["learner"]) == (1, "linear")
    assert model.supported_until_ == trained.predictor.supported_until_month
    patients, visits, _ = frames(cohort)
    risks = model.predict(patients[:1], visits[:0], landmark=0, bands=False)
    assert np.isfinite(risks["probability"]).all()
