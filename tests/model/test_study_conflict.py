"""`[[conflict]]`: what a study file may say of baselines that contradict each other, and who does contradict."""

import numpy as np
import pytest

from model.errors import BadInputError
from model.study.file import DEFAULT_STUDY, parse_study, read_study
from model.tables.cohort import read_cohort, read_records
from model.tables.contradictions import contradicting
from model.train import main
from tests.model.tables import PATIENTS, SMALL, STUDY, write_tables

CONFLICT = """
[[conflict]]
column = "grade"
number = "ki67"
raised_by = "ratio"
[conflict.ranges]
G1 = { below = 3.0 }
G2 = { at_least = 3.0, at_most = 20.0 }
"""
RANGE = "G2 = { at_least = 3.0, at_most = 20.0 }"
CHECKED = parse_study(STUDY + CONFLICT, file="s.toml")
NAMES = [item.name for item in CHECKED.baseline]
G1, G2, BLANK = 0.0, 1.0, np.nan


def table(grade, ki67, ratio=BLANK):
    """One patient's baselines."""
    values = {"grade": grade, "ki67": ki67, "ratio": ratio}
    return np.array([[values.get(name, BLANK) for name in NAMES]])


@pytest.mark.parametrize(
    ("grade", "ki67", "contradicts"),
    [
        (G1, 0.1, False),
        (G1, 2.999, False),
        (G1, 3.0, True),
        (G1, 30.0, True),
        (G2, 2.999, True),
        (G2, 3.0, False),
        (G2, 20.0, False),
        (G2, 20.001, True),
        (G1, BLANK, False),
        (BLANK, 30.0, False),
        (BLANK, BLANK, False),
    ],
)
def test_f09_a_number_outside_its_level_contradicts_and_a_missing_one_never(grade, ki67, contradicts):
    assert contradicting(CHECKED, table(grade, ki67)).tolist() == [[contradicts]]


def test_f09_a_level_that_something_else_may_have_raised_is_contradicted_from_above_only():
    assert contradicting(CHECKED, table(G2, 1.0, ratio=5.0)).tolist() == [[False]]
    assert contradicting(CHECKED, table(G1, 30.0, ratio=5.0)).tolist() == [[True]]


def test_f09_the_grade_of_the_default_study_is_that_of_its_ki_67():
    study = read_study(DEFAULT_STUDY)
    place = {item.name: index for index, item in enumerate(study.baseline)}
    ki67 = np.array([0.5, 2.9, 3.0, 20.0, 20.5, 60.0])
    baseline = np.full((3 * len(ki67), len(study.baseline)), np.nan)
    baseline[:, place["grade"]] = np.repeat([0, 1, 2], len(ki67))
    baseline[:, place["ki67_percent"]] = np.tile(ki67, 3)
    agrees = ~contradicting(study, baseline).reshape(3, len(ki67))
    assert agrees.astype(int).tolist() == [[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("old", "new", "key", "rule"),
    [
        ('column = "grade"', 'column = "grad"', "column", 'no [[baseline]] is named "grad"'),
        ('column = "grade"', 'column = "age"', "column", "must be a baseline of kind category or ordinal"),
        ('number = "ki67"', 'number = "margin"', "number", "must be a baseline of kind number"),
        ('number = "ki67"', 'number = "cga"', "number", 'no [[baseline]] is named "cga"'),
        ('raised_by = "ratio"', 'raised_by = "rate"', "raised_by", 'no [[baseline]] is named "rate"'),
        ('raised_by = "ratio"', 'raise_by = "ratio"', "raise_by", 'unknown key; did you mean "raised_by"?'),
        ('number = "ki67"\n', "", "number", "this key is required"),
        ("G1 =", "G9 =", "ranges.G9", 'no level of "grade"'),
        ("below = 3.0", "below = 3.001", "ranges", "the ranges of G1 and G2 overlap"),
        (RANGE, "G2 = { above = 20.0, at_most = 3.0 }", "ranges.G2", "no number is in it: the lower ..."),
        (RANGE, "G2 = { above = 3.0, at_least = 3.0 }", "ranges.G2", "each end is given once: at_least or above, ..."),
        (RANGE, "G2 = { above = 3.0, at_most = 4, below = 5.0 }", "ranges.G2", "each end is given once: ..."),
        (RANGE, "G2 = {}", "ranges.G2", "must have an end: at_least, above, at_most or below"),
        (RANGE, "G2 = { at_least = '3' }", "ranges.G2.at_least", "must be a number"),
        (RANGE, "G2 = { from = 3.0 }", "ranges.G2.from", "unknown key"),
    ],
)  # fmt: skip
def test_a_conflict_that_cannot_be_checked_is_one_line(old, new, key, rule):
    assert old in CONFLICT
    text = STUDY + CONFLICT.replace(old, new)
    with pytest.raises(BadInputError) as caught:
        parse_study(text, file="s.toml")
    assert [problem.column for problem in caught.value.problems] == [f"conflict[1].{key}"]
    (problem,) = caught.value.problems
    assert problem.rule.startswith(rule.removesuffix("..."))
    assert "[[conflict]]" in text.splitlines()[: problem.line or 0]


SPOILT = PATIENTS.replace("A,60,2.0,1,0,R0,G1", "A,60,7.25,1,0,R0,G1")
COUNTED = "patients.csv: ki67: contradicts grade in 1 of 3 rows, which are used as they are"


def test_f09_patients_who_contradict_are_counted_and_kept_without_their_values(tmp_path):
    folder = write_tables(tmp_path, patients=SPOILT)
    for read in (read_cohort, read_records):
        records = read(folder, CHECKED)
        assert records.warnings == (COUNTED,)
        assert records.histories.baseline[0, NAMES.index("ki67")] == 7.25
    assert read_cohort(folder, SMALL).warnings == ()
    assert read_cohort(write_tables(tmp_path / "plain"), CHECKED).warnings == ()


def test_f09_training_warns_of_those_who_contradict(tmp_path, capsys):
    folder = write_tables(tmp_path / "cohort", patients=SPOILT)
    (tmp_path / "study.toml").write_text(STUDY + CONFLICT)
    places = ["--cohort", str(folder), "--study", str(tmp_path / "study.toml"), "--out", str(tmp_path / "out")]
    # Three patients are too few, which is found out after they were read.
    assert main(places) == 2
    assert capsys.readouterr().err.splitlines()[0] == f"warning: {COUNTED}"
