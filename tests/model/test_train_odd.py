"""Cohorts that keep every rule and are odd all the same: they train, and say in one line what is odd."""

import numpy as np
import pytest

from model.saved import artifact
from model.tables.suspicions import CONSTANT
from model.train import main
from tests.model.builders import EXACT, HEAD, no_visits

N = 60
TIMES = np.linspace(0.6, 36.0, N)
# Every second patient dies.
DIES = np.arange(N) % 2 == 0
LEAKS = "tells all patients with the event death from all others: is it known at time 0, before the event?"


@pytest.fixture
def train(tmp_path, capsys):
    """Train on one baseline x of each patient: returns (exit code, warnings and errors, the artifact or None)."""

    def trained(x, *, dies=DIES, study="", header="patient_id,x"):
        folder, out = tmp_path / "cohort", tmp_path / "out"
        folder.mkdir(exist_ok=True)
        text = HEAD.format(until=12.0, horizon=24.0) + EXACT + study
        (tmp_path / "study.toml").write_text(text)
        rows = "".join(f"{number},{value}\n" for number, value in enumerate(x))
        (folder / "patients.csv").write_text(f"{header}\n{rows}")
        ends = zip(TIMES, np.where(dies, "death", "none"), strict=True)
        rows = "".join(f"{number},{time},{event}\n" for number, (time, event) in enumerate(ends))
        (folder / "outcomes.csv").write_text("patient_id,time,event\n" + rows)
        places = ["--cohort", str(folder), "--study", str(tmp_path / "study.toml"), "--out", str(out)]
        code = main([*places, "--learner", "linear"])
        printed = capsys.readouterr()
        said = [line for line in printed.err.splitlines() if code or "warning" in line.lower()]
        assert out.exists() == (code == 0)
        return code, said, artifact.load(out / printed.out.strip().rsplit("/", 1)[-1]) if out.exists() else None

    return trained


def risks(loaded, x):
    """Return (lower end, risk, upper end) of death within 12 months of time 0, at each x."""
    patients, now = no_visits(np.array(x)), np.zeros(len(x))
    low, high = loaded.predictor.predict_draws(patients, now).band()
    best = loaded.predictor.predict(patients, now)
    found = np.stack([each.at(np.array([12.0]))[:, 0, 0] for each in (low, best, high)])
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=0) >= 0).all()
    return found


def test_f37_a_column_of_one_value_trains_and_changes_nothing(train):
    code, said, loaded = train([7.5] * N)
    assert (code, said) == (0, [f"warning: patients: x: {CONSTANT}"])
    _, risk, _ = risks(loaded, [7.5, 9.0, np.nan])
    assert risk == pytest.approx([risk[0]] * 3)


def test_f37_a_column_that_separates_trains_with_finite_effects_and_is_asked_about(train):
    code, said, loaded = train(DIES.astype(int))
    assert (code, said) == (0, [f"warning: patients: x: {LEAKS}"])
    low, risk, high = risks(loaded, [0.0, 1.0])
    assert risk[1] > 2 * risk[0]
    assert (low > 0).all()
    assert (high < 1).all()


def test_f37_a_column_that_is_filled_in_after_the_event_only_is_asked_about(train):
    code, said, loaded = train(np.where(DIES, TIMES.astype(str), ""))
    assert (code, said) == (0, [f"warning: patients: x: {LEAKS}"])
    risks(loaded, [3.0, np.nan])


def test_f37_a_column_that_mostly_separates_is_not_asked_about(train):
    x = DIES.astype(int)
    x[0] = 0
    assert train(x)[:2] == (0, [])


def test_f37_what_only_the_truth_knows_is_no_baseline(train):
    study = '[[baseline]]\nname = "onset_death"\nkind = "number"\ngroup = "imaging"\n'
    code, said, _ = train(TIMES, study=study)
    assert code == 2
    assert len(said) == 1
    assert said[0].endswith("baseline[onset_death].name: a column of the truth table, which no model may read")


def test_f37_a_column_that_the_study_does_not_name_is_not_learned_from(train):
    code, said, loaded = train([f"{number % 3},{time}" for number, time in enumerate(TIMES)], header="patient_id,x,end")
    assert (code, said) == (0, ["warning: patients.csv: end: unknown column, ignored"])
    assert np.array_equal(risks(loaded, [0.0, 1.0]), risks(train(np.arange(N) % 3)[2], [0.0, 1.0]))


def test_f37_where_everybody_dies_the_risk_is_the_share_of_the_dead(train):
    code, said, loaded = train(np.arange(N) % 3, dies=np.full(N, True))
    assert (code, said) == (0, [])
    # 20 of 60 by month 12.
    assert risks(loaded, [1.0])[1] == pytest.approx(1 / 3, abs=0.05)


def test_f37_where_all_are_censored_nothing_is_learned(train):
    line = "outcomes.csv: event: no patient has a target event (death): nothing can be learned"
    assert train(np.arange(N) % 3, dies=np.full(N, False))[:2] == (2, [line])


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        *((word, "must be a number with a decimal point, or blank") for word in ("NaN", "nan", "<3", "1e999")),
        *((word, "must be a finite number") for word in ("inf", "-Infinity")),
    ],
)
def test_f37_what_is_no_finite_number_is_refused(train, value, rule):
    assert train([value, *range(1, N)])[:2] == (2, [f"patients.csv:2: x: {rule} (value withheld)"])
