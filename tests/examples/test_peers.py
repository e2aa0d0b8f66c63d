import json
import sys

import numpy as np
import pytest

from examples.peers.__main__ import main, trial
from examples.peers.comparison import Predictions, compare, table
from examples.peers.rivals import rows_at
from model.learning.fitting import fit_predictor
from model.types import Outcomes


@pytest.fixture(scope="module")
def compared():
    """Everybody dies at month 12 or is followed to 40; one model knows who, the other says one half of everybody."""
    dies = np.arange(40) % 4 == 0
    outcomes = Outcomes(np.where(dies, 12.0, 40.0), dies.astype(int), np.full(40, np.nan))
    probability = {"model": np.where(dies, 1.0, 0.0), "landmark_cox": np.full(40, 0.5)}
    return compare([Predictions(0.0, np.arange(40), probability)], outcomes, seed=1)


def test_scores_and_differences_by_hand(compared):
    ours, cox, *_ = compared
    assert (ours["brier"]["value"], ours["auc"]["value"], ours["difference"]) == (0.0, 1.0, None)
    assert (cox["brier"]["value"], cox["auc"]["value"]) == (0.25, 0.5)
    assert cox["difference"]["brier"] == {"value": -0.25, "low": -0.25, "high": -0.25}


def test_the_mean_of_one_landmark_is_that_landmark(compared):
    assert [{**row, "landmark": ""} for row in compared[:2]] == [{**row, "landmark": ""} for row in compared[2:]]
    assert json.loads(json.dumps(compared)) == compared
    assert table(compared).splitlines()[3] == (
        "| 0 y | landmark Cox | 0.2500 | -0.2500 (-0.2500 to -0.2500) | 0.500 | +0.500 (+0.500 to +0.500) |"
    )


def test_rivals_learn_from_the_scores_that_our_model_reads():
    cohort = trial()
    learned = np.arange(300)
    predictor, _ = fit_predictor(
        cohort.study, cohort.histories.select(learned), cohort.outcomes.select(learned), seed=1
    )
    rows = rows_at(predictor, cohort.histories, cohort.outcomes, learned, np.array([36.0]))
    here = np.flatnonzero(cohort.outcomes.exit_month[:300] > 36.0)
    assert (rows.scores == predictor.scores(cohort.histories.select(here), np.full(len(here), 36.0))).all()
    assert (rows.months_to_exit == cohort.outcomes.exit_month[here] - 36.0).all()


def test_without_the_library_the_command_says_how_to_install_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sksurv", None)
    assert main(["--out", str(tmp_path / "peers.json")]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert "requirements/peers.txt" in said.err
    assert not list(tmp_path.iterdir())


def test_a_file_that_could_not_be_written_is_refused_before_the_work(tmp_path, capsys):
    assert main(["--out", str(tmp_path / "nowhere" / "peers.json")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'nowhere'}: no such folder; make it first\n"
