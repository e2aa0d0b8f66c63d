import numpy as np
import pytest

from model.audit.external.truth import Truth, audit_truth, read_truth
from model.errors import BadInputError
from tests.model.audit.known import cohort_of, constant_predictor
from tests.model.builders import histories, outcomes, study_by_test


def never_seen(n, exit_month=40.0):
    study = study_by_test(until=12.0)
    nobody = histories(np.zeros(n), np.zeros((n, 0)), np.zeros((n, 0)))
    return cohort_of(study, nobody, outcomes(np.full(n, exit_month), np.zeros(n)))


def by_place(rows):
    return {(row["landmark"], row["horizon"]): row for row in rows}


def test_onsets_are_counted_by_hand():
    # Of 100 followed to month 40, 20 onsets by month 12, 30 by 24 and 40 by 36; 5 of the latest are dead before.
    onset = np.concatenate([np.full(20, 6.0), np.full(10, 20.0), np.full(10, 30.0), np.full(60, np.inf)])
    death = np.where(np.arange(100) < 35, 400.0, 29.0)
    cohort, hazard = never_seen(100), 0.01
    rows = audit_truth(
        constant_predictor(cohort.study, [hazard, 1e-9]), cohort, Truth(onset[:, None], death), [0.0, 12.0],
        seed=1, jobs=1,
    )  # fmt: skip
    found = by_place(rows)
    assert [row["event"] for row in rows] == ["recurrence"] * 4
    assert [found[place]["onsets"] for place in ((0, 12), (0, 24), (12, 12), (12, 24))] == [20, 30, 30, 35]
    # Everybody is given 1 - exp(-0.12): all ranks are tied, and the Brier score is off by the square of the difference.
    risk = -np.expm1(-0.12)
    assert found[0, 12]["onset_oe"]["value"] == pytest.approx(0.2 / risk, rel=1e-3)
    assert found[0, 12]["auc"]["value"] == 0.5
    assert found[0, 12]["ipa"]["value"] == pytest.approx(-((0.2 - risk) ** 2) / 0.16, rel=1e-3)
    assert found[0, 12]["ipa"]["low"] <= found[0, 12]["ipa"]["value"] <= found[0, 12]["ipa"]["high"]


def test_right_predictions_of_half_the_hazard_are_half_right():
    rng = np.random.default_rng(4)
    cohort = never_seen(4000)
    truth = Truth(rng.exponential(1 / 0.005, (4000, 1)), np.full(4000, 500.0))
    halved, right = (
        by_place(audit_truth(constant_predictor(cohort.study, [h, 1e-9]), cohort, truth, [0.0], seed=1, jobs=1))
        for h in (0.01, 0.005)
    )
    for horizon in (12.0, 24.0):
        assert halved[0.0, horizon]["onset_oe"]["high"] < 0.65
        assert halved[0.0, horizon]["onset_oe"]["value"] == pytest.approx(0.5, abs=0.06)
        assert right[0.0, horizon]["onset_oe"]["low"] < 1 < right[0.0, horizon]["onset_oe"]["high"]


def test_the_cause_that_comes_first_counts_and_few_give_no_figure():
    truth = Truth(np.array([[5.0, 3.0], [2.0, np.inf], [9.0, 9.5]]), np.array([50.0, 1.0, 50.0]))
    assert truth.happened(0, 20.0).tolist() == [False, False, True]
    assert truth.happened(1, 20.0).tolist() == [True, False, False]
    cohort = never_seen(9)
    early = Truth(np.full((9, 1), 3.0), np.full(9, 50.0))
    [row, *_] = audit_truth(constant_predictor(cohort.study, [0.01, 0.01]), cohort, early, [0.0], seed=1, jobs=1)
    assert (row["too_few"], row["onset_oe"], row["auc"]) == ("too few onsets (9)", None, None)


def written(tmp_path, text):
    path = tmp_path / "truth.csv"
    path.write_text(text)
    return path


def test_the_file_is_put_in_the_order_of_the_cohort(tmp_path):
    text = "patient_id,lesion_recurrence,onset_recurrence,death_time,odd\n2,1,7.5,90,x\nZ,,,10,\n0,,,80,\n1,,3,70,\n"
    truth = read_truth(written(tmp_path, text), never_seen(3))
    assert truth.onset_month.tolist() == [[np.inf], [3.0], [7.5]]
    assert truth.death_month.tolist() == [80.0, 70.0, 90.0]
    assert truth.warnings == ("truth.csv: odd: unknown column, ignored",)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("patient_id,death_time\n0,9\n", ["truth.csv:1: onset_recurrence: this column is required and missing"]),
        (
            "patient_id,onset_recurrence,death_time\n0,soon,9\n0,,\n",
            [
                "truth.csv:2: onset_recurrence: must be a number with a decimal point, or blank (value withheld)",
                "truth.csv:3: death_time: a value is required",
                "truth.csv:3: patient_id: this patient stands more than once",
            ],
        ),
        (
            "patient_id,onset_recurrence,death_time\n0,,9\n",
            ["truth.csv: patient_id: 2 of the cohort's 3 patients have no row here"],
        ),
        ("", ["truth.csv: the file is empty"]),
    ],
)
def test_a_file_that_does_not_fit_is_told_line_by_line(tmp_path, text, problems):
    with pytest.raises(BadInputError) as caught:
        read_truth(written(tmp_path, text), never_seen(3))
    assert sorted(str(caught.value).splitlines()) == problems


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(BadInputError, match="cannot be read"):
        read_truth(tmp_path / "none.csv", never_seen(3))
