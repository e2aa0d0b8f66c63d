"""`model.train --validate`: parts of the cohort judged by models fitted without them."""

import json
from pathlib import Path

import numpy as np
import pytest

from model.train import main
from tests.model.builders import EXACT, HEAD


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """In centre c, and from 2019 on, twice as many die."""
    folder = tmp_path_factory.mktemp("validated")
    (folder / "tiny.toml").write_text(HEAD.format(until=6.0, horizon=24.0) + EXACT)
    rng = np.random.default_rng(3)
    n = 450
    centre = np.repeat(["a", "b", "c"], n // 3)
    months = rng.exponential(np.where(centre == "c", 30.0, 60.0))
    year = np.where(centre == "c", 2019, 2015)
    rows = zip(range(n), rng.normal(size=n), year, centre, strict=True)
    patients = "patient_id,x,origin_date,centre\n"
    patients += "".join(f"P{i},{x:.3f},{year}-06-01,{centre}\n" for i, x, year, centre in rows)
    ended = zip(range(n), np.minimum(months, 30.0), months < 30.0, strict=True)
    outcomes = "patient_id,time,event\n"
    outcomes += "".join(f"P{i},{month:.2f},{'death' if dead else 'none'}\n" for i, month, dead in ended)
    (folder / "cohort").mkdir()
    (folder / "cohort" / "patients.csv").write_text(patients)
    (folder / "cohort" / "outcomes.csv").write_text(outcomes)
    return folder


@pytest.fixture
def train(tables, tmp_path, capsys):
    def run(*arguments, cohort=None):
        folders = ["--cohort", str(cohort or tables / "cohort"), "--out", str(tmp_path / "out")]
        code = main([*folders, "--study", str(tables / "tiny.toml"), "--learner", "linear", *arguments])
        printed = capsys.readouterr()
        folder = Path(printed.out.strip())
        names = ("audit", "model_facts") if code == 0 else ()
        return code, printed.err.splitlines(), {n: json.loads((folder / f"{n}.json").read_text()) for n in names}

    return run


def test_every_centre_is_left_out_in_turn_and_pooled(train):
    code, told, document = train("--validate", "centre")
    assert code == 0
    found = document["audit"]["validation"]
    assert [part["level"] for part in found["parts"]] == ["a", "b", "c"]
    oe = {
        row["level"]: row["oe"]["value"] for row in found["by_horizon"] if (row["landmark"], row["horizon"]) == (0, 24)
    }
    assert oe["c"] > 1.3
    assert max(oe["a"], oe["b"]) < 1
    assert {row["n"] for row in found["summary"]} == {3}
    assert document["model_facts"]["command"].endswith("--validate centre")
    assert "validation, leaving out a, b, c" in told
    assert "  centres left out and judged: 3 of 3" in told
    # A line for every fold that is fitted, and for every piece of the audit.
    assert [line for line in told if line.startswith("  folds left out: ")][-1] == "  folds left out: 5 of 5"
    assert "  folds predicted visit by visit: 5 of 5" in told


def test_later_patients_are_judged_by_the_earlier_ones(train):
    code, told, document = train("--validate", "temporal:2018-01-01")
    assert code == 0
    assert "validation, leaving out from 2018-01-01" in told
    found = document["audit"]["validation"]
    assert (found["kind"], found["always_learned_from"]) == ("temporal", 300)
    [row] = [row for row in found["by_horizon"] if (row["landmark"], row["horizon"]) == (0, 24)]
    # By 24 months 95 of 150 later patients die, 82 of 300 earlier ones.
    assert row["oe"]["value"] == pytest.approx((95 / 150) / (82 / 300), rel=0.03)


def test_what_training_remembers_of_its_patients_is_there_without_any_validation(train):
    _, _, document = train()
    assert "validation" not in document["audit"]
    [risk] = document["model_facts"]["prognosis"]
    assert (risk["event"], risk["horizon"]) == ("death", 24.0)
    # Where the mean risk by 24 months is 0.4, log(-log(1 - 0.4)) = -0.67.
    assert risk["mean"] == pytest.approx(-0.67, abs=0.25)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("centre", "patients: centre: leaving out centre by centre needs to know the patients' centres"),
        ("temporal", "patients: origin_date: to judge later patients, the days of their origins must be known"),
    ],
)
def test_a_cohort_without_the_column_is_refused_before_anything_is_fitted(train, tables, tmp_path, how, told):
    bare = tmp_path / "bare"
    bare.mkdir()
    rows = (tables / "cohort" / "patients.csv").read_text().splitlines()
    (bare / "patients.csv").write_text("".join(",".join(row.split(",")[:2]) + "\n" for row in rows))
    (bare / "outcomes.csv").write_bytes((tables / "cohort" / "outcomes.csv").read_bytes())
    code, lines, _ = train("--validate", how, cohort=bare)
    assert (code, lines) == (2, ["Tiny: 450 patients", told])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", ["centres", "temporal:", "temporal:spring", "temporal:2019-02-30", "centre:a"])
def test_another_way_is_refused(train, how, capsys):
    with pytest.raises(SystemExit) as caught:
        train("--validate", how)
    assert caught.value.code == 2
    assert "--validate" in capsys.readouterr().err
