"""What each guideline says of a patient, by hand and against the generator's own encoding of the same table."""

import numpy as np
import pytest

from model.guidelines.advice import SILENT, calendar, compare_treatment, follow_up
from model.guidelines.conditions import NO, UNKNOWN, YES, holds, missing_facts
from model.guidelines.entries import Condition
from model.guidelines.file import DEFAULT_GUIDELINES, read_guidelines
from model.simulate.fresh import FRESH_SEED, draw_fresh
from model.study.file import DEFAULT_STUDY, read_study
from synthetic_data.cohort import draw_world
from synthetic_data.guidelines import GUIDELINES
from synthetic_data.plans import Seen
from synthetic_data.targets import STRATA

STUDY = read_study(DEFAULT_STUDY)
FILE = read_guidelines(DEFAULT_GUIDELINES, STUDY)
BY_ID = {guideline.id: guideline for guideline in FILE.guideline}
COLUMN = {fact.name: at for at, fact in enumerate(STUDY.baseline)}
USUAL = {
    "size_mm": 15.0,
    "grade": "G1",
    "ki67_percent": 1.0,
    "depth": "submucosa",
    "nodes_imaging": 0,
    "lymphovascular_invasion": 0,
    "margin": "R0",
    "technique": "esd",
}


def patient(**facts):
    """One patient of 15 mm, G1, T1, R0 after ESD, with some facts otherwise; None = missing."""
    row = np.full((1, len(STUDY.baseline)), np.nan)
    for name, value in (USUAL | facts).items():
        levels = STUDY.baseline[COLUMN[name]].levels
        if value is not None:
            row[0, COLUMN[name]] = levels.index(value) if levels else value
    return row


def row_of(guideline, *, assume=True, **facts):
    stand = follow_up(BY_ID[guideline], FILE, STUDY, patient(**facts), assume=assume)
    return BY_ID[guideline].row[stand.entry[0]].id if stand.entry[0] != SILENT else None


def months(guideline, **facts):
    rows = {row.id: row for row in BY_ID[guideline].row}
    return calendar(rows[row_of(guideline, **facts)], STUDY).month.tolist()


@pytest.mark.parametrize(
    ("guideline", "visits"),
    [("NCCN", 2), ("ENETS-2023", 5), ("CNETS-2016", 6), ("ENETS-2016", 10), ("JNETS-2019", 11), ("CSCO-2022", 11)],
)
def test_planned_visits_in_ten_years_of_15_mm_g1_t1_r0_are_those_of_the_facts_sheet(guideline, visits):
    assert len(months(guideline)) == visits


@pytest.mark.parametrize(
    ("guideline", "facts", "row"),
    [
        ("ENETS-2016", {"size_mm": 10.0}, "ENETS12/16-low"),
        ("ENETS-2016", {"size_mm": 9.0, "margin": "R1"}, "ENETS12/16-R1"),
        ("ENETS-2016", {"size_mm": 20.0}, "ENETS12/16-mid"),
        ("ENETS-2016", {"size_mm": 20.1}, "ENETS12/16-high"),
        ("ENETS-2016", {"nodes_imaging": 1}, "ENETS12/16-high"),
        ("ENETS-2016", {"size_mm": 5.0, "grade": "G3"}, "ENETS12/16-high-G3"),
        ("ENETS-2023", {"size_mm": 9.0, "lymphovascular_invasion": 1}, "ENETS23-mid"),
        ("ENETS-2023", {"grade": "G2", "lymphovascular_invasion": 1}, "ENETS23-high"),
        ("ENETS-2023", {"margin": "R1"}, "ENETS23-rest"),
        ("NCCN", {"size_mm": 10.0, "margin": "R1"}, "NCCN-low-R1"),
        ("NCCN", {"technique": "radical_surgery"}, "NCCN-rest"),
        ("NCCN", {"depth": "muscularis_propria"}, "NCCN-high"),
        ("CommNETs-2018", {"ki67_percent": 5.1, "grade": "G2"}, "CommNETs-rectal-N+"),
        ("CNETS-2016", {"size_mm": 25.0}, None),
        ("CNETS-2016", {"technique": "radical_surgery"}, None),
        ("France", {}, None),
        ("UKINETS-2012", {"size_mm": 9.9}, "UKINETS-low"),
    ],
)
def test_the_row_that_applies_is_the_first_whose_condition_holds(guideline, facts, row):
    assert row_of(guideline, **facts) == row


def test_visits_of_several_series_are_laid_out_as_one_calendar():
    high = calendar(BY_ID["ENETS-2023"].row[1], STUDY)
    names = np.array([test.name for test in STUDY.test])
    assert high.month.tolist() == [6, 12, 24, 36, 48, 60, 84, 108]
    assert set(names[high.test[0]]) == {"sigmoidoscopy", "ct"}
    assert set(names[high.test[1]]) == {"sigmoidoscopy", "ct", "sstr_pet"}


def test_a_missing_fact_leaves_a_patient_undecided_only_where_the_answer_hangs_on_it():
    facts = {"grade": None, "nodes_imaging": None}
    stand = follow_up(BY_ID["ENETS-2016"], FILE, STUDY, patient(**facts), assume=False)
    assert stand.entry[0] == SILENT
    assert np.flatnonzero(stand.missing[0]).tolist() == [COLUMN["grade"]]
    assert row_of("UKINETS-2012", assume=False, **facts) == "UKINETS-mid"
    assert row_of("ENETS-2016", assume=False, grade="G3", nodes_imaging=None) == "ENETS12/16-high-G3"


def test_an_assumed_fact_is_named_beside_the_row_it_led_to():
    stand = follow_up(BY_ID["ENETS-2016"], FILE, STUDY, patient(grade=None, nodes_imaging=None), assume=True)
    assert BY_ID["ENETS-2016"].row[stand.entry[0]].id == "ENETS12/16-mid"
    assert set(np.flatnonzero(stand.missing[0])) == {COLUMN["grade"], COLUMN["nodes_imaging"]}


def test_an_unknown_margin_is_not_r0():
    assert row_of("ENETS-2016", size_mm=9.0, margin=None) == "ENETS12/16-R1"
    assert row_of("NCCN", size_mm=9.0, margin=None) == "NCCN-low-R1"


def test_unknown_and_false_is_false_and_unknown_or_true_is_true():
    case = {"size_mm": Condition(above=20.0), "grade": Condition(one_of=("G3",))}
    other = {"nodes_imaging": Condition(is_true=True)}
    unknown = patient(grade=None)
    assert holds([case], STUDY, unknown) == NO
    assert holds([case], STUDY, patient(grade=None, size_mm=25.0)) == UNKNOWN
    assert holds([case, other], STUDY, patient(grade=None, size_mm=25.0, nodes_imaging=1)) == YES
    assert holds([], STUDY, unknown) == YES
    assert not missing_facts([case], STUDY, unknown).any()


@pytest.mark.parametrize("guideline", sorted(set(GUIDELINES) & set(BY_ID)))
def test_visits_of_1_to_2_cm_tumours_agree_with_the_generators_own_encoding(guideline):
    world = draw_world(STRATA["middle"], seed=FRESH_SEED + 3, block=0, patients=600)
    baseline = next(
        draw_fresh(STUDY, stratum="middle", nature="default", patients=600, seed=3, horizon_month=1)
    ).baseline
    stand = follow_up(BY_ID[guideline], FILE, STUDY, baseline, assume=True)
    rows = [calendar(row, STUDY) for row in BY_ID[guideline].row]
    planned = np.zeros(600)
    for visit in range(30):
        theirs = GUIDELINES[guideline](Seen(world.recorded, np.arange(600), planned, planned, []))
        ours = np.array([rows[row].month[visit] if visit < len(rows[row].month) else np.inf for row in stand.entry])
        assert np.array_equal(ours, theirs.month)
        for i in np.flatnonzero(np.isfinite(ours)):
            assert np.array_equal(rows[stand.entry[i]].test[visit], theirs.test_share[i] == 1)
        planned = ours
    assert np.isinf(planned).all()


def test_treatment_advice_of_a_patient_without_and_with_adverse_facts():
    bodies = [body.id for body in FILE.treatment]

    def kinds(**facts):
        advice = compare_treatment(FILE, STUDY, patient(**facts))
        return {
            body.id: body.rule[rule].kind if rule != SILENT else None
            for body, rule in zip(FILE.treatment, advice.rule[0], strict=True)
        }

    assert kinds()["JNETS-2019"] == "radical"
    assert kinds()["ENETS-2023"] == kinds()["NCCN"] == kinds()["CSCO-2022"] == "local"
    assert kinds()["Germany"] == kinds()["France"] == "either"
    adverse = kinds(lymphovascular_invasion=1)
    assert adverse["ENETS-2023"] == adverse["CNETS-2016"] == adverse["France"] == "radical"
    assert adverse["NCCN"] == "local"
    assert kinds(depth="muscularis_propria")["CSCO-2022"] is None
    assert set(kinds(size_mm=25.0).values()) == {"radical"}
    assert bodies[0] == "JNETS-2019"


def test_the_facts_on_which_bodies_part_are_those_that_turn_some_of_them():
    advice = compare_treatment(FILE, STUDY, patient(lymphovascular_invasion=1))
    at = {body.id: index for index, body in enumerate(FILE.treatment)}
    turns = advice.turns[0]
    assert turns[at["ENETS-2023"], COLUMN["lymphovascular_invasion"]]
    assert not turns[at["NCCN"], COLUMN["lymphovascular_invasion"]]
    assert not turns[at["JNETS-2019"], COLUMN["grade"]]
    assert turns[at["NCCN"], COLUMN["nodes_imaging"]]
    parting = {STUDY.baseline[i].name for i in np.flatnonzero(advice.parting_facts()[0])}
    assert {"lymphovascular_invasion", "nodes_imaging", "depth"} <= parting
    assert not parting & {"age_years", "margin", "technique"}
