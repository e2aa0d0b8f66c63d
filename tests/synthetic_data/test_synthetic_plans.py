import numpy as np
import pytest

from synthetic_data.cohort import draw_world
from synthetic_data.guidelines import GUIDELINES, Pathology, read_pathology
from synthetic_data.parameters import TESTS
from synthetic_data.plan_file import PlanFileError, read_plan
from synthetic_data.plans import Seen, every
from synthetic_data.variants import DEFAULT, VARIANTS


def pathology(size_mm, **marks):
    """One G1 T1 N0 R0 tumour without invasion, but for the marks."""
    plain = dict.fromkeys(("grade2", "grade3", "deep", "nodes", "lvi", "ki67_over_5"), False) | {"r0": True} | marks
    return Pathology(size_mm=np.array([size_mm]), **{name: np.array([mark]) for name, mark in plain.items()})


def months_of(guideline, patient):
    stratum = next(s for s in GUIDELINES[guideline].strata if s.holds(patient)[0])
    return list(stratum.calendar()[0])


@pytest.mark.parametrize(
    ("guideline", "visits"),
    [("NCCN", 2), ("ENETS-2023", 5), ("CNETS-2016", 6), ("ENETS-2016", 10), ("JNETS-2019", 11), ("CSCO-2022", 11)],
)
def test_planned_visits_in_ten_years_after_a_15_mm_g1_t1_r0_tumour(guideline, visits):
    # Counted by hand from the facts sheet's table of follow-up schedules
    assert len(months_of(guideline, pathology(15.0))) == visits


@pytest.mark.parametrize("guideline", ["ENETS-2016", "ENETS-2023", "NCCN", "ESMO-2020", "CommNETs-2018"])
def test_a_small_g1_r0_tumour_needs_no_follow_up(guideline):
    assert months_of(guideline, pathology(6.0)) == []


def test_nccn_looks_once_after_an_unknown_margin():
    assert months_of("NCCN", pathology(6.0, r0=False)) == [9.0]


def test_enets_sees_g3_every_three_months_for_two_years():
    assert months_of("ENETS-2023", pathology(15.0, grade3=True))[:8] == [3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0]


@pytest.fixture(scope="module")
def world():
    return draw_world(DEFAULT, seed=4, block=0)


def at_start(world):
    rows = np.arange(world.recorded.num_rows)
    return Seen(world.recorded, rows, np.zeros(len(rows)), np.zeros(len(rows)), [])


@pytest.mark.parametrize("guideline", GUIDELINES)
def test_every_patient_has_a_first_visit_or_none(world, guideline):
    first = GUIDELINES[guideline](at_start(world))
    asked = first.test_share.sum(axis=1)
    assert np.all((asked > 0.0) == np.isfinite(first.month))
    assert first.month.min() >= 3.0


def test_a_blank_margin_is_not_r0(world):
    margin = world.recorded["margin"].to_pandas()
    assert margin.isna().any()
    assert np.array_equal(read_pathology(world.recorded).r0, (margin == "R0").to_numpy())


def test_informative_visits_see_the_high_risk_four_times_as_often(world):
    first = VARIANTS["informative-visits"].plan(at_start(world)).month
    assert set(first) == {3.0, 12.0}
    grade3 = world.recorded["grade"].to_pandas() == "G3"
    assert set(first[grade3]) == {3.0}


def test_a_plan_ends_after_its_last_visit(world):
    seen = Seen(world.recorded, np.array([0, 1]), np.array([140.0, 10.0]), np.array([144.0, 12.0]), [])
    assert list(every(12.0)(seen).month) == [np.inf, 24.0]


def test_a_plan_file_for_everybody_keeps_its_months_and_tests(tmp_path, world):
    path = tmp_path / "plan.csv"
    path.write_text("month,tests\n12,ct eus\n6,sigmoidoscopy\n")
    first = read_plan(path)(at_start(world))
    assert set(first.month) == {6.0}
    assert first.test_share[0].tolist() == [float(t == "sigmoidoscopy") for t in TESTS]


def test_a_plan_file_by_patient_follows_only_those_it_names(tmp_path, world):
    path = tmp_path / "plan.csv"
    path.write_text("patient_id,month,tests\nP0000003,9,ct\nP0000001,4.5,eus\n")
    assert list(read_plan(path)(at_start(world)).month[:4]) == [4.5, np.inf, 9.0, np.inf]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("month\n6\n", "plan.csv:1: needs the columns month and tests"),
        ("month,tests\n", "plan.csv:1: holds no visit"),
        ("month,tests\n-6,ct\n", "plan.csv:2: month: must be a number above 0"),
        ("month,tests\n6,xray\n", "plan.csv:2: tests: must be some of sigmoidoscopy"),
        ("month,tests\n6,ct\n6,eus\n", "plan.csv:3: month: given twice"),
    ],
)
def test_a_broken_plan_file_says_where(tmp_path, text, problem):
    path = tmp_path / "plan.csv"
    path.write_text(text)
    with pytest.raises(PlanFileError, match=problem):
        read_plan(path)
