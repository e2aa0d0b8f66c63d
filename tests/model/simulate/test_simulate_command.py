"""`python -m model.simulate`: files, figures and what is said, for a small run without the engine's plans."""

import json

import numpy as np
import pandas as pd
import pytest

from model.simulate.__main__ import main


def simulate(model_folder, out, *more):
    return main(["--artifact", str(model_folder), "--seed", "3", "--out", str(out), *more])


SMALL = ("--patients", "400", "--design", "600", "--prices", "4", "--engine", "no")


@pytest.fixture(scope="module")
def simulated(model_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("simulated") / "out"
    assert simulate(model_folder, out, *SMALL) == 0
    return out


def test_tables_and_figure_are_written_and_agree(simulated):
    assert sorted(path.name for path in simulated.iterdir()) == [
        "against_guidelines.csv",
        "burden_against_delay.svg",
        "policies.csv",
        "simulation.json",
    ]
    document = json.loads((simulated / "simulation.json").read_text())
    assert document["synthetic"] is True
    assert document["guidelines_silent"]["France"] == 1
    table = pd.read_csv(simulated / "policies.csv")
    assert len(table) == len(document["policies"])
    everybody = table[table["patients"] == "all"].set_index("policy")
    assert "France" not in everybody.index
    assert (everybody["n"] == 400).all()
    ten_years = everybody.loc["ENETS-2016"]
    assert ten_years["burden"] == pytest.approx(
        0.4 * ten_years["visits"] + sum(ten_years[test] * cost for test, cost in COSTS.items())
    )
    assert everybody.loc["clairvoyant", "undetected_months"] == everybody["undetected_months"].min()
    assert document["recurring"] == int(ten_years["recurring"])
    picture = (simulated / "burden_against_delay.svg").read_text()
    assert "NCCN" in picture
    assert "synthetic" in picture


COSTS = {
    "sigmoidoscopy": 1.0,
    "colonoscopy": 2.0,
    "eus": 2.2,
    "pelvic_mri": 1.8,
    "ct": 1.4,
    "liver_mri": 1.8,
    "sstr_pet": 8.0,
}


def test_the_same_command_writes_the_same_bytes_and_says_that_patients_are_synthetic(
    simulated, model_folder, tmp_path, capsys
):
    assert simulate(model_folder, tmp_path / "again", *SMALL) == 0
    for path in simulated.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == str(tmp_path / "again")
    assert "no clinical evidence" in lines[-2]
    assert any(line.startswith("| ENETS-2016 | one calendar for all |") for line in lines)


def test_bad_input_is_one_line_and_writes_nothing(model_folder, tmp_path, capsys):
    broken = tmp_path / "guidelines.toml"
    broken.write_text("[[guideline]]\nid = 1\n", encoding="utf-8")
    code = simulate(model_folder, tmp_path / "out", *SMALL, "--guidelines", str(broken))
    assert code == 2
    assert "guidelines.toml:2: guideline[1].id: must be text in quotes" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    assert simulate(model_folder, tmp_path / "full", *SMALL) == 2
    assert np.array_equal(list((tmp_path / "full").iterdir()), [])
