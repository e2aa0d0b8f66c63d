import json
from types import SimpleNamespace

import numpy as np
import pytest

from model.learning.fitting import fit_predictor
from model.learning.updating import CauseUpdate, Moved
from model.saved import artifact
from model.saved.update_facts import cause_lines, compared, one_step_lines, told
from model.study.file import parse_study
from model.tables.cohort import read_cohort
from model.update import main
from tests.model.builders import FOUND_BY_TEST, HEAD, surveilled
from tests.model.on_disk import save_model, write_site

STUDY = HEAD.format(until=24.0, horizon=24.0) + FOUND_BY_TEST.format(start=0.7, max=0.7, half_time=0.0)
HAZARD = 0.01


def write(folder, n, *, seed, hazard=HAZARD, synthetic=True):
    """Patients of one site; one in eight dies instead of being found or lost."""
    rng = np.random.default_rng(seed)
    histories, found, _ = surveilled(rng, n, hazard=hazard, every=6.0, sensitivity=0.7, until=48.0)
    return write_site(folder, rng, histories, found, death=1 / 8, synthetic=synthetic)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("training") / "cohort", 600, seed=1)
    cohort = read_cohort(folder, parse_study(STUDY, file="tiny.toml"))
    predictor, fits = fit_predictor(cohort.study, cohort.histories, cohort.outcomes, seed=1)
    return save_model(cohort, predictor, fits, STUDY, tmp_path_factory.mktemp("artifacts"))


@pytest.fixture
def update(model_folder, tmp_path, capsys):
    """Run the command; returns (exit code, lines of stdout, lines of stderr)."""

    def run(cohort, *arguments, out="out"):
        capsys.readouterr()
        code = main(
            ["--artifact", str(model_folder), "--cohort", str(cohort), "--out", str(tmp_path / out), *arguments]
        )
        printed = capsys.readouterr()
        return code, *(text.replace(str(tmp_path), "DIR").splitlines() for text in (printed.out, printed.err))

    return run


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_site_of_twice_the_hazard_gets_a_version_of_its_own(update, model_folder, tmp_path):
    before = contents(model_folder)
    cohort = write(tmp_path / "site", 250, seed=2, hazard=2 * HAZARD, synthetic=False)
    code, out, _ = update(cohort)
    assert code == 0
    assert contents(model_folder) == before
    folder = tmp_path / out[-1].removeprefix("DIR/")
    new, old = artifact.load(folder), artifact.load(model_folder)
    assert new.version != old.version
    assert new.manifest["updated_from"] == {"version": old.version, "sha256": old.sha256}
    assert set(new.manifest["data_sha256"]) == {"patients.csv", "visits.csv", "outcomes.csv"}
    assert sorted(contents(folder)) == [
        "audit.html", "audit.json", "audit_before_update.html", "audit_before_update.json", "golden.json",
        "manifest.json", "manifest.sha256", "model.npz", "model_facts.json", "study.toml",
    ]  # fmt: skip
    assert json.loads((folder / "audit.json").read_text())["version"] == new.version
    assert json.loads((folder / "audit_before_update.json").read_text())["version"] == old.version

    # 100 events or more: the recurrence is fitted anew, the deaths are shifted.
    recurrence, death = new.facts["update"]["causes"]
    assert (recurrence["method"], death["method"]) == ("refit", "intercept")
    assert recurrence["n"] >= 100 > death["n"] >= 10
    assert death["shift"]["low"] < death["shift"]["value"] < death["shift"]["high"]
    assert new.manifest["update"] == new.facts["update"]["causes"]
    assert new.facts["update"]["helped"] is True
    assert "updating helped" in out
    [ahead] = new.facts["update"]["one_step"]
    assert abs(np.log(ahead["after"]["value"])) < 0.2 < np.log(ahead["before"]["value"])
    assert f"  recurrence: {ahead['before']['value']:.2f} -> {ahead['after']['value']:.2f}" in out

    # What the facts said of training stands; effects that moved are no longer stated.
    assert new.facts["patients"] == 600
    assert new.facts["update"]["patients"] == 250
    assert {row["event"] for row in old.facts["effects"]} == {"recurrence", "death"}
    assert new.facts["effects"] == [row for row in old.facts["effects"] if row["event"] == "death"]
    # Trained on synthetic patients: real ones of a site do not undo that.
    assert new.facts["synthetic"] is new.manifest["synthetic"] is True


def test_the_same_again_is_the_very_same_version(update, tmp_path):
    cohort = write(tmp_path / "site", 40, seed=3)
    runs = [update(cohort, "--method", "slope") for _ in range(2)]
    assert runs[0][1] == runs[1][1]
    assert runs[1][2][-1] == "this very model was there already; it is left as it was"
    model = artifact.load(tmp_path / runs[0][1][-1].removeprefix("DIR/"))
    assert all("slope" in cause for cause in model.facts["update"]["causes"])


def test_too_few_events_leave_the_model_as_it_is(update, model_folder, tmp_path):
    code, out, _ = update(write(tmp_path / "site", 20, seed=4))
    assert code == 0
    assert [line.split(", ")[1] for line in out[:2]] == ["kept", "kept"]
    assert out[2:] == [
        f"no cause has enough local events: {model_folder.name} is left as it is",
        str(model_folder).replace(str(tmp_path), "DIR"),
    ]
    assert not (tmp_path / "out").exists()


def test_a_method_asked_for_in_spite_of_few_events_is_used_and_commented(update, tmp_path):
    code, out, _ = update(write(tmp_path / "site", 20, seed=4), "--method", "intercept")
    assert code == 0
    [line] = [line for line in out if line.startswith("  recurrence: ") and "local events" in line]
    assert "intercept, hazard x " in line
    assert line.endswith("fewer events than the 10 it should have")
    assert (tmp_path / out[-1].removeprefix("DIR/")).is_dir()


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        (
            "patients",
            ("P3,", "P3,a"),
            "patients.csv:5: x: must be a number with a decimal point, or blank (value withheld)",
        ),
        (
            "outcomes",
            ("recurrence", "none"),
            "outcomes.csv: event: no patient has a target event (recurrence): nothing can be learned",
        ),
    ],
)
def test_tables_that_do_not_fit_the_models_study_are_refused(update, tmp_path, table, change, message):
    cohort = write(tmp_path / "site", 20, seed=4)
    path = cohort / f"{table}.csv"
    path.write_text(path.read_text().replace(*change))
    code, out, err = update(cohort)
    assert (code, out) == (2, [])
    assert message in err
    assert not (tmp_path / "out").exists()


def test_nine_patients_are_refused(update, tmp_path):
    code, out, err = update(write(tmp_path / "site", 9, seed=5, hazard=0.1))
    assert (code, out) == (2, [])
    assert err == ["patients: 9 patients are too few to update and cross-validate: at least 10 are needed"]


def test_a_folder_that_is_no_model_is_refused(tmp_path, capsys):
    cohort = write(tmp_path / "site", 20, seed=4)
    assert main(["--artifact", str(tmp_path), "--cohort", str(cohort)]) == 2
    assert "no readable manifest.json" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--method", "kept"], ["--seed", "-1"], ["--jobs", "0"]])
def test_a_wrong_argument_is_told_with_exit_2(tmp_path, capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(["--artifact", str(tmp_path), "--cohort", str(tmp_path), *arguments])
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_gains_are_summed_over_patients_with_the_error_of_a_sum():
    study = SimpleNamespace(event_names=("recurrence", "death"))
    rows = compared(study, np.array([[1.0, -1.0], [3.0, -1.0]]))
    assert [(row["event"], row["value"]) for row in rows] == [("recurrence", 4.0), ("death", -2.0), ("all", 2.0)]
    # Two patients 1 and 3: standard deviation sqrt(2), of their sum sqrt(2) sqrt(2).
    assert [row["standard_error"] for row in rows] == pytest.approx([2.0, 0.0, 2.0])


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ((9.0, 1.0, 10.0), ["updating helped"]),
        ((3.0, 1.0, 4.0), ["updating helped no more than chance may have"]),
        ((9.0, -1.0, 8.0), ["updating helped", "it made it worse for death"]),
        (
            (1.0, -3.0, -2.0),
            ["UPDATING MADE IT WORSE on patients it had not seen: the old model is the better one here"],
        ),
    ],
)
def test_the_verdict_is_plain(gains, verdict):
    names = ("recurrence", "death", "all")
    rows = [{"event": name, "value": gain, "standard_error": 2.5} for name, gain in zip(names, gains, strict=True)]
    assert told(rows)[4:] == verdict


def test_a_cause_line_holds_the_ratio_and_the_slope_with_their_intervals():
    study = SimpleNamespace(event_names=("recurrence", "death"))
    moved = Moved(None, np.array([np.log(2), -0.4]), np.diag([0.1, 0.05]) ** 2, converged=False)
    lines = cause_lines(study, [CauseUpdate("slope", 60, moved, moved), CauseUpdate("kept", 3)])
    assert lines == [
        # exp(log 2 -+ 0.196), and 0.6 -+ 0.098
        "  recurrence: 60 local events, slope, hazard x 2.00 (1.64 to 2.43), slope 0.60 (0.50 to 0.70), NOT converged",
        "  death: 3 local events, kept",
    ]


def test_no_ratio_is_shown_where_none_could_be_computed():
    assert one_step_lines([{"event": "recurrence", "before": None, "after": None}]) == []
