import numpy as np
import pandas as pd
import pytest

from model.schedule.__main__ import main
from model.schedule.planner import Patients, plan
from model.schedule.policy import POLICIES, read_policy
from model.tables.cohort import read_records
from synthetic_data.__main__ import main as write_synthetic_cohort

PRICE = POLICIES / "price.toml"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fresh") / "cohort"
    write_synthetic_cohort(["--patients", "60", "--seed", "9", "--out", str(folder)])
    return folder


@pytest.fixture
def schedule(model_folder, cohort, tmp_path, capsys):
    """Run the command; returns (exit code, stdout, stderr, visits, figures)."""

    def run(*arguments, policy=PRICE):
        capsys.readouterr()
        tables = [tmp_path / "plans.csv", tmp_path / "figures.csv"]
        given = {"artifact": model_folder, "cohort": cohort, "policy": policy, "out": tables[0], "figures": tables[1]}
        code = main([part for name, value in given.items() for part in (f"--{name}", str(value))] + list(arguments))
        printed = capsys.readouterr()
        return code, printed.out, printed.err, *(pd.read_csv(path) if path.is_file() else None for path in tables)

    return run


def test_every_patient_still_followed_has_a_plan_as_of_the_last_visit(schedule, trained, cohort):
    code, printed, told, visits, figures = schedule()
    assert code == 0
    assert "not a medical device" in printed.lower() or "decision support" in printed.lower()
    assert "left out: their event came" in told
    records = read_records(cohort, trained.predictor.study)
    last = pd.Series(np.where(np.isfinite(records.histories.visit_month), records.histories.visit_month, 0).max(axis=1))
    last.index = records.patient_id
    event = pd.read_csv(cohort / "outcomes.csv").set_index("patient_id")["event"]
    supported = last <= trained.predictor.supported_until_month
    assert set(figures["patient_id"]) == set(last.index[supported & (event.reindex(last.index) == "none").to_numpy()])
    assert figures["as_of"].to_numpy() == pytest.approx(last[figures["patient_id"]].to_numpy(), abs=1e-3)
    assert set(visits["patient_id"]) <= set(figures["patient_id"])
    count = visits.groupby("patient_id").size().reindex(figures["patient_id"], fill_value=0)
    assert (count.to_numpy() == figures["planned_visits"]).all()


def test_the_rows_are_what_python_plans(schedule, trained, cohort):
    *_, visits, figures = schedule("--tier", "regional")
    records = read_records(cohort, trained.predictor.study)
    name = visits["patient_id"].iloc[0]
    who = np.array([list(records.patient_id).index(name)])
    as_of = figures.set_index("patient_id").loc[[name], "as_of"].to_numpy()
    patients = Patients(records.histories.select(who), as_of)
    ((_, made),) = plan(trained.predictor, patients, read_policy(PRICE), tier="regional")
    mine = visits[visits["patient_id"] == name]
    assert mine["time"].to_numpy() - as_of == pytest.approx(made.slot_month[made.done[0].any(axis=1)], abs=2e-3)
    tests = [test.name for test in trained.predictor.study.test]
    assert mine["tests"].iloc[0].split() == [
        tests[t] for t in np.flatnonzero(made.done[0].any(axis=0)) if tests[t] in mine["tests"].iloc[0]
    ]
    assert not visits["tests"].str.contains("sstr_pet").any()
    assert mine["earliest"].iloc[0] <= mine["time"].iloc[0] <= mine["latest"].iloc[0]
    assert mine["earliest"].iloc[1:].isna().all()


def test_a_policy_without_a_price_is_matched_to_its_guideline(schedule, tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text('rule = "match-guideline"\nguideline = "ENETS-2023"\n')
    code, printed, told, _, figures = schedule(policy=policy)
    assert code == 0
    price = float(printed.splitlines()[0].removeprefix("price = "))
    assert (figures["price"] == price).all()
    assert "ENETS-2023, 60 patients from the origin on" in told


def test_an_unknown_guideline_is_named(schedule, tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text('rule = "match-guideline"\nguideline = "ENTES"\n')
    code, _, told, visits, _ = schedule(policy=policy)
    assert code == 2
    assert "guideline: no [[guideline]]" in told
    assert visits is None


def test_a_rule_without_a_price_is_refused_and_nothing_is_written(schedule):
    code, _, told, visits, figures = schedule(policy=POLICIES / "max-unseen-risk.toml")
    assert code == 2
    assert "does not weigh delay against burden" in told
    assert visits is figures is None
