import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.study.file import parse_study
from model.tables.columns import ColumnRule, check_columns, outcome_rules, patient_rules, visit_rules
from model.tables.table_file import Table
from tests.model.tables import SMALL, STUDY


def checked(values, rule):
    """One column through its rule: (converted values, line and sentence of every problem)."""
    frame = pd.DataFrame({rule.name: pd.Series(values, dtype=None if len(values) else object)})
    table = Table("t.csv", frame, np.arange(2, len(frame) + 2), "")
    converted, problems = check_columns(table, [rule])
    return converted[rule.name], [(problem.line, problem.rule) for problem in problems]


NUMBER = ColumnRule("x", "number")
NOT_A_NUMBER = "must be a number with a decimal point, or blank (value withheld)"


def test_each_table_has_the_columns_that_the_study_names():
    assert [rule.name for rule in patient_rules(SMALL)] == [
        "patient_id", "age", "ki67", "ratio", "invasion", "margin", "grade", "origin_date", "centre",
    ]  # fmt: skip
    assert [rule.name for rule in visit_rules(SMALL)] == ["patient_id", "time", "date", "cga", "ct", "mri"]
    assert outcome_rules(SMALL)[3].words == ("none", "recurrence", "death")


def test_times_are_bounded_by_150_years_in_the_unit_of_the_study():
    years = parse_study(STUDY.replace('"months"', '"years"'), file="s")
    assert [rule.bounds for rule in visit_rules(SMALL) if rule.name == "time"] == [(0.0, 1800.0)]
    assert [rule.bounds for rule in visit_rules(years) if rule.name == "time"] == [(0.0, 150.0)]


@pytest.mark.parametrize("word", ["1", " 1 ", "+1", "1.0", "1e0", "01", ".1e1"])
def test_a_number_may_be_written_in_the_usual_ways(word):
    value, problems = checked([word], NUMBER)
    assert value.tolist() == [1.0]
    assert not problems


@pytest.mark.parametrize(
    "word", ["one", "1,5", "1_000", "0x10", "NA", "nan", "null", "<3", "1 2", "1e999", "\u0661", "--", "2024-1-1"]
)
def test_anything_else_is_not_a_number(word):
    assert checked(["7", word], NUMBER)[1] == [(3, NOT_A_NUMBER)]


@pytest.mark.parametrize("word", ["inf", "-inf", "Infinity"])
def test_a_number_is_finite(word):
    assert checked(["", word], NUMBER)[1] == [(3, "must be a finite number (value withheld)")]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_text_becomes_the_nearest_number_so_that_csv_and_parquet_agree(values):
    assert checked([repr(value) for value in values], NUMBER)[0].tolist() == values


def test_the_ends_of_a_range_belong_to_it():
    rule = dataclasses.replace(NUMBER, bounds=(0.1, 100.0))
    value, problems = checked(["0.1", "100", "0.0999", "100.001", ""], rule)
    assert value[:2].tolist() == [0.1, 100.0]
    assert problems == [(line, "must be from 0.1 to 100 (value withheld)") for line in (4, 5)]


@pytest.mark.parametrize("values", [pd.to_datetime(["2024-01-01"]), pd.to_timedelta([5])])
def test_a_stored_moment_or_duration_does_not_turn_into_nanoseconds(values):
    assert checked(values, NUMBER)[1] == [(2, NOT_A_NUMBER)]


def test_binaries_are_0_or_1():
    value, problems = checked(["0", "1", "", "2", "yes", "0.5"], ColumnRule("x", "binary"))
    np.testing.assert_array_equal(value[:3], [0, 1, np.nan])
    assert sorted(problems) == [(line, "must be 0 or 1 (value withheld)") for line in (5, 6, 7)]


def test_levels_become_their_number_and_are_written_exactly():
    value, problems = checked(["R1", " R0 ", "", "r0", "R"], ColumnRule("x", "level", words=("R0", "R1")))
    np.testing.assert_array_equal(value[:3], [1, 0, np.nan])
    assert problems == [(line, "must be one of R0, R1 (value withheld)") for line in (5, 6)]


def test_dates_are_calendar_dates():
    rule = ColumnRule("x", "date")
    value, problems = checked(["2024-02-29", "", "2023-02-29", "29.02.2024", "2024-02-29T10:00", "20240229"], rule)
    assert value[0] == pd.Timestamp(2024, 2, 29)
    assert problems == [(line, "must be a calendar date such as 2024-03-31 (value withheld)") for line in (4, 5, 6, 7)]


def test_a_stored_date_is_a_midnight_of_any_zone():
    rule = ColumnRule("x", "date")
    moments = pd.to_datetime(["2024-03-31 00:00", "2024-03-31 12:00"])
    for stored in (moments, moments.tz_localize("Europe/Copenhagen")):
        value, problems = checked(stored, rule)
        assert value[0] == pd.Timestamp(2024, 3, 31)
        assert [line for line, _ in problems] == [3]


def test_an_absent_column_is_unknown_for_everybody_unless_it_is_required():
    table = Table("t.csv", pd.DataFrame({"a": ["1", "2"]}), np.array([2, 3]), "")
    rules = [ColumnRule("a", "number"), ColumnRule("b", "number", filled=True), ColumnRule("c", "date", required=True)]
    converted, problems = check_columns(table, rules)
    assert converted["b"].isna().all()
    assert list(map(str, problems)) == ["t.csv:1: c: this column is required and missing"]


@pytest.mark.parametrize("rule", [ColumnRule("x", "text", required=True), ColumnRule("x", "number", filled=True)])
def test_a_blank_where_a_value_is_required(rule):
    assert checked(["1", "", " "], rule)[1] == [(3, "a value is required"), (4, "a value is required")]


def test_only_the_second_of_two_alike_is_told_and_blanks_are_not_alike():
    rule = ColumnRule("x", "text", required=True, unique=True)
    _, problems = checked(["a", "b", "a ", "", ""], rule)
    assert sorted(problems) == [
        (4, "this patient stands more than once"),
        (5, "a value is required"),
        (6, "a value is required"),
    ]


def test_a_broken_cell_is_told_once():
    rule = ColumnRule("x", "number", required=True, bounds=(0.0, 1.0))
    assert sorted(checked(["x", "2", ""], rule)[1]) == [
        (2, "must be a number with a decimal point (value withheld)"),
        (3, "must be from 0 to 1 (value withheld)"),
        (4, "a value is required"),
    ]
