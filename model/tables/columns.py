"""The rules of each table's columns: text or stored values in, checked numbers out, one problem per broken cell."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from model.errors import Problem
from model.study.definition import MOST_MONTHS

if TYPE_CHECKING:
    from model.study.definition import Study
    from model.study.entries import Baseline
    from model.tables.table_file import Table
    from model.types import BoolArray

TEST_WORDS = ("negative", "positive")


@dataclass(frozen=True)
class ColumnRule:
    """What one column may hold.

    Attributes
    ----------
    kind : number; binary (0 or 1); level (one of `words`, stored as its number); date (ISO); text
    required : the column must be there; filled : where it is there, no cell may be blank (required implies it)
    bounds : least and greatest allowed number, None = any finite number
    """

    name: str
    kind: str
    required: bool = False
    filled: bool = False
    words: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None
    unique: bool = False


def patient_rules(study: Study, *, dated: bool = False) -> list[ColumnRule]:
    """Columns of `patients`: the identifier, every baseline, and the day of month 0 if other tables are `dated`."""
    return [
        ColumnRule("patient_id", "text", required=True, unique=True),
        *map(_baseline_rule, study.baseline),
        ColumnRule("origin_date", "date", required=dated),
        ColumnRule("centre", "text"),
    ]


def visit_rules(study: Study) -> list[ColumnRule]:
    """Columns of `visits`: who, when, and every marker and test of the study."""
    markers = [ColumnRule(marker.name, "number", bounds=marker.range) for marker in study.marker]
    tests = [ColumnRule(test.name, "level", words=TEST_WORDS) for test in study.test]
    return [ColumnRule("patient_id", "text", required=True), *_time_rules(study), *markers, *tests]


def outcome_rules(study: Study) -> list[ColumnRule]:
    """Columns of `outcomes`: who, when, and which event, or none."""
    return [
        ColumnRule("patient_id", "text", required=True, unique=True),
        *_time_rules(study),
        ColumnRule("event", "level", required=True, words=("none", *study.event_names)),
        ColumnRule("last_negative_time", "number", bounds=_time_bounds(study)),
    ]


def check_columns(table: Table, rules: list[ColumnRule]) -> tuple[pd.DataFrame, list[Problem]]:
    """Convert a table by its rules; returns (converted columns, every problem).

    Numbers, binaries and levels become floats with NaN for missing, dates become timestamps, text stays text. What
    breaks its rule comes back missing, so that no later check speaks of it again; so does a column that the table
    lacks, which is a problem only where the rule says required.
    """
    problems: list[Problem] = []
    converted, bad = pd.DataFrame(index=table.frame.index), {}
    for rule in rules:
        if rule.name in table.frame:
            converted[rule.name], bad[rule.name] = _convert(table.frame[rule.name], rule)
            wrong = table.line[bad[rule.name]]
            problems += [Problem(table.file, int(line), rule.name, _what_it_must_be(rule)) for line in wrong]
        else:
            empty = {"text": None, "date": pd.NaT}.get(rule.kind, np.nan)
            converted[rule.name] = pd.Series(empty, index=table.frame.index, dtype=_DTYPES[rule.kind])
            if rule.required:
                problems.append(Problem(table.file, 1, rule.name, "this column is required and missing"))
    present = [rule for rule in rules if rule.name in table.frame]
    schema = pa.DataFrameSchema({rule.name: _pandera_column(rule) for rule in present})
    try:
        with warnings.catch_warnings():
            # The validator joins its findings in a way that pandas is about to change; it does not matter to them.
            warnings.simplefilter("ignore", FutureWarning)
            schema.validate(converted, lazy=True)
    except SchemaErrors as error:
        for row in error.failure_cases.itertuples():
            blank_twice = row.check == "field_uniqueness" and pd.isna(row.failure_case)
            if bad[row.column][row.index] or blank_twice:
                continue
            rule_text = _SENTENCES.get(str(row.check), str(row.check))
            problems.append(Problem(table.file, int(table.line[row.index]), str(row.column), rule_text))
        outside = error.failure_cases[~error.failure_cases["check"].isin(list(_SENTENCES))]
        for column, rows in outside.groupby("column")["index"]:
            converted.loc[rows, column] = np.nan
    return converted, problems


_DTYPES = {"number": "float64", "binary": "float64", "level": "float64", "date": "datetime64[ns]", "text": "object"}
_SENTENCES = {"not_nullable": "a value is required", "field_uniqueness": "this patient stands more than once"}


def _baseline_rule(baseline: Baseline) -> ColumnRule:
    kind = {"number": "number", "binary": "binary"}.get(baseline.kind, "level")
    return ColumnRule(baseline.name, kind, required=baseline.required, words=baseline.levels, bounds=baseline.range)


def _time_rules(study: Study) -> list[ColumnRule]:
    return [
        ColumnRule("time", "number", filled=True, bounds=_time_bounds(study)),
        ColumnRule("date", "date", filled=True),
    ]


def _time_bounds(study: Study) -> tuple[float, float]:
    return (0.0, MOST_MONTHS / study.months_per_unit)


def _pandera_column(rule: ColumnRule) -> pa.Column:
    checks = []
    if rule.kind == "number":
        least, most = rule.bounds or (-np.inf, np.inf)
        sentence = f"must be from {least:g} to {most:g}" if rule.bounds else "must be a finite number"
        checks.append(
            pa.Check(
                lambda values: np.isfinite(values) & (values >= least) & (values <= most),
                error=f"{sentence} (value withheld)",
            )
        )
    if rule.kind == "binary":
        checks.append(pa.Check.isin([0.0, 1.0], error=_what_it_must_be(rule)))
    nullable = not (rule.required or rule.filled)
    return pa.Column(nullable=nullable, checks=checks, unique=rule.unique, report_duplicates="exclude_first")


def _what_it_must_be(rule: ColumnRule) -> str:
    blank = "" if rule.required or rule.filled else ", or blank"
    words = {
        "level": f"must be one of {', '.join(rule.words)}",
        "date": "must be a calendar date such as 2024-03-31",
        "binary": "must be 0 or 1",
        "number": f"must be a number with a decimal point{blank}",
    }
    return f"{words[rule.kind]} (value withheld)"


def _convert(values: pd.Series, rule: ColumnRule) -> tuple[pd.Series, BoolArray]:
    """Return (converted, (n_rows,) cells that hold something that is not what the rule wants)."""
    kind = values.dtype.kind
    if kind == "O":  # Text, in whatever way it is stored.
        stripped = values.astype("string").str.strip()
        values = stripped.mask(stripped == "").astype(object)
    filled = values.notna().to_numpy()
    if rule.kind == "text":
        return values.astype(object).map(str, na_action="ignore"), np.zeros(len(values), dtype=bool)
    converted: pd.Series
    if rule.kind == "date":
        # Text must be a plain ISO date; a stored timestamp must be a midnight, of whatever zone.
        converted = pd.to_datetime(values, format=None if kind == "M" else "%Y-%m-%d", errors="coerce")
        converted = converted.dt.tz_localize(None)
        converted = converted.where(converted.dt.normalize() == converted)
    elif rule.kind == "level":
        position = {word: float(number) for number, word in enumerate(rule.words)}
        converted = values.astype(object).map(position).astype(float)
    elif kind in "mM":  # A duration or a moment would turn into a count of nanoseconds.
        converted = pd.Series(np.nan, index=values.index)
    else:
        converted = pd.to_numeric(values, errors="coerce").astype(float)
        if kind == "O":  # It knows what a number is, but may miss the nearest one by a last digit.
            numbers = converted.notna()
            converted[numbers] = values[numbers].astype(float)
    return converted, filled & converted.isna().to_numpy()
