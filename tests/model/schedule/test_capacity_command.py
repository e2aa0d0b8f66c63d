"""The command with a file of slots."""

import numpy as np
import pandas as pd
import pytest

from model.schedule.__main__ import main
from model.schedule.policy import POLICIES
from synthetic_data.__main__ import main as write_synthetic_cohort

FEW = "month,test,slots\n0,sigmoidoscopy,1\n0,pelvic_mri,0\n0,ct,0\n24,ct,1\n"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    cohort = tmp_path_factory.mktemp("fresh") / "cohort"
    write_synthetic_cohort(["--patients", "60", "--seed", "9", "--out", str(cohort)])
    return cohort


@pytest.fixture
def schedule(model_folder, cohort, tmp_path, capsys):
    """Run the command with a file of slots; returns (exit code, stderr, visits, figures)."""

    def run(slots, policy=POLICIES / "price.toml"):
        capsys.readouterr()
        (tmp_path / "slots.csv").write_text(slots)
        tables = [tmp_path / "plans.csv", tmp_path / "figures.csv"]
        named = {"artifact": model_folder, "cohort": cohort, "policy": policy, "capacity": tmp_path / "slots.csv"}
        named |= {"out": tables[0], "figures": tables[1]}
        code = main([part for name, value in named.items() for part in (f"--{name}", str(value))])
        return code, capsys.readouterr().err, *(pd.read_csv(path) if path.is_file() else None for path in tables)

    return run


def test_no_month_has_more_of_a_test_than_the_file_says(schedule):
    code, told, visits, figures = schedule(FEW)
    assert code == 0
    assert not visits["tests"].str.contains("pelvic_mri").any()
    month = np.rint(visits["time"] - visits["as_of"])
    assert (month[visits["tests"].str.contains("ct")] >= 24).all()
    assert visits["tests"].str.contains("ct").any()
    # One slot a month: a second visit fits beside another only as far as either patient may not come.
    assert (visits[visits["tests"].str.contains("sigmoidoscopy")].groupby(month).size() <= 2).all()
    for said in ("first come, first served", "from the best", "one more would be worth"):
        assert said in told
    assert (figures["loss"] >= -0.01).all()
    assert figures["loss"].max() > 0.1


def test_slots_for_everybody_are_plans_as_without(schedule):
    code, _, visits, figures = schedule("month,test,slots\n0,ct,9999\n")
    assert code == 0
    assert (visits["moved_months"].abs() <= 1).mean() > 0.9
    assert abs(figures["loss"].mean()) < 0.02


@pytest.mark.parametrize(
    ("slots", "said"),
    [
        ("month,test\n0,ct\n", "slots: column is missing"),
        ("month,test,slots,room\n0,ct,1,2\n", "room: unknown column"),
        ("month,test,slots\n", "a header and no rows"),
        ("month,test,slots\n0,ct,1\n1.5,ct,2\n", "slots.csv:3: month: must be a whole number"),
        ("month,test,slots\n0,ct,-1\n", "slots.csv:2: slots: must be a whole number"),
        ("month,test,slots\n0,ct,\n", "slots.csv:2: slots: must be a whole number"),
        ("month,test,slots\n0,pet,1\n", "slots.csv:2: test: not a test of the study"),
        ("month,test,slots\n0,ct,1\n0,ct,2\n", "slots.csv:3: month: a row before says it"),
        ("month,test,slots\n6,ct,1\n", "slots.csv:2: month: ct needs a row of month 0"),
    ],
)
def test_a_wrong_file_is_named_with_row_and_column_and_nothing_is_written(schedule, slots, said):
    code, told, visits, figures = schedule(slots)
    assert code == 2
    assert said in told
    assert visits is figures is None


def test_a_policy_without_one_price_is_refused(schedule):
    code, told, visits, _ = schedule(FEW, POLICIES / "target-delay.toml")
    assert code == 2
    assert "a policy with a price" in told
    assert visits is None
