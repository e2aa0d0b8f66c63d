"""The rules of each table's columns: text or stored values in, checked numbers out, one problem per broken cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from model.errors import Problem

if TYPE_CHECKING:
    from model.study import Baseline, Marker, Study
    from model.table_file import Table
    from model.types import BoolArray

TEST_WORDS = ("negative", "positive")


@dataclass(frozen=True)
class ColumnRule:
    """What one column may hold.

    Attributes
    ----------
    kind : number; binary (0 or 1); level (one of `words`, stored as its number); date (ISO); text
    bounds : least and greatest allowed number, None = any finite number
    """

    name: str
    kind: str
    required: bool
    words: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None
    unique: bool = False


def patient_rules(study: Study) -> list[ColumnRule]:
    """Columns of `patients`: the identifier and every baseline of the study."""
    identifier = ColumnRule("patient_id", "text", required=True, unique=True)
    optional = [ColumnRule("origin_date", "date", required=False), ColumnRule("centre", "text", required=False)]
    return [identifier, *map(_baseline_rule, study.baseline), *optional]


def visit_rules(study: Study) -> list[ColumnRule]:
    """Columns of `visits`: who, when, and every marker and test of the study."""
    markers = [_number_rule(marker, required=False) for marker in study.marker]
    tests = [ColumnRule(test.name, "level", required=False, words=TEST_WORDS) for test in study.test]
    return [ColumnRule("patient_id", "text", required=True), *_time_rules((0.0, np.inf)), *markers, *tests]


def outcome_rules(study: Study) -> list[ColumnRule]:
    """Columns of `outcomes`: who, when, and which event, or none."""
    return [
        ColumnRule("patient_id", "text", required=True, unique=True),
        *_time_rules((np.nextafter(0.0, 1.0), np.inf)),
        ColumnRule("event", "level", required=True, words=("none", *study.event_names)),
        ColumnRule("last_negative_time", "number", required=False, bounds=(0.0, np.inf)),
    ]


def check_columns(table: Table, rules: list[ColumnRule]) -> tuple[pd.DataFrame, list[Problem]]:
    """Convert a table by its rules; returns (converted columns, every problem).

    Numbers, binaries and levels become floats with NaN for missing, dates become timestamps, text stays text. A column
    that the table lacks comes back all missing, which is a problem only where the rule says required.
    """
    problems: list[Problem] = []
    converted, bad = pd.DataFrame(index=table.frame.index), {}
    for rule in rules:
        if rule.name in table.frame:
            converted[rule.name], bad[rule.name] = _convert(table.frame[rule.name], rule)
            problems += _problems(table, rule.name, bad[rule.name], _what_it_must_be(rule))
        else:
            empty = {"text": None, "date": pd.NaT}.get(rule.kind, np.nan)
            converted[rule.name] = pd.Series(empty, index=table.frame.index, dtype=_DTYPES[rule.kind])
            if rule.required:
                problems.append(Problem(table.file, 1, rule.name, "this column is required and missing"))
    present = [rule for rule in rules if rule.name in table.frame]
    schema = pa.DataFrameSchema({rule.name: _pandera_column(rule) for rule in present})
    try:
        schema.validate(converted, lazy=True)
    except SchemaErrors as error:
        for row in error.failure_cases.itertuples():
            if row.index is not None and not bad[row.column][row.index]:
                rule_text = _SENTENCES.get(str(row.check), str(row.check))
                problems.append(Problem(table.file, int(table.line[row.index]), str(row.column), rule_text))
    return converted, problems


_DTYPES = {"number": "float64", "binary": "float64", "level": "float64", "date": "datetime64[ns]", "text": "object"}
_SENTENCES = {"not_nullable": "a value is required", "field_uniqueness": "this patient stands more than once"}


def _baseline_rule(baseline: Baseline) -> ColumnRule:
    if baseline.kind == "number":
        return _number_rule(baseline, required=baseline.required)
    kind = "binary" if baseline.kind == "binary" else "level"
    return ColumnRule(baseline.name, kind, required=baseline.required, words=baseline.levels)


def _number_rule(measured: Baseline | Marker, *, required: bool) -> ColumnRule:
    return ColumnRule(measured.name, "number", required=required, bounds=measured.range)


def _time_rules(bounds: tuple[float, float]) -> list[ColumnRule]:
    return [
        ColumnRule("time", "number", required=False, bounds=bounds),
        ColumnRule("date", "date", required=False),
    ]


def _pandera_column(rule: ColumnRule) -> pa.Column:
    checks = []
    if rule.kind == "number":
        least, most = rule.bounds or (-np.inf, np.inf)
        checks.append(
            pa.Check(
                lambda values: np.isfinite(values) & (values >= least) & (values <= most),
                error=_range_sentence(least, most),
            )
        )
    if rule.kind == "binary":
        checks.append(pa.Check.isin([0.0, 1.0], error="must be 0 or 1"))
    return pa.Column(nullable=not rule.required, checks=checks, unique=rule.unique, report_duplicates="exclude_first")


def _range_sentence(least: float, most: float) -> str:
    if np.isfinite(least) and np.isfinite(most):
        return f"must be from {least:g} to {most:g} (value withheld)"
    if np.isfinite(least):
        return f"must be {'above 0' if 0 < least < 1e-300 else f'{least:g} or more'} (value withheld)"
    return "must be a finite number (value withheld)"


def _what_it_must_be(rule: ColumnRule) -> str:
    words = {
        "level": f"must be one of {', '.join(rule.words)} (value withheld)",
        "date": "must be a calendar date such as 2024-03-31 (value withheld)",
        "binary": "must be 0 or 1 (value withheld)",
    }
    return words.get(rule.kind, "must be a number with a decimal point, or blank (value withheld)")


def _problems(table: Table, column: str, bad: BoolArray, sentence: str) -> list[Problem]:
    return [Problem(table.file, int(line), column, sentence) for line in table.line[bad]]


def _convert(values: pd.Series, rule: ColumnRule) -> tuple[pd.Series, BoolArray]:
    """Return (converted, (n_rows,) cells that hold something that is not what the rule wants)."""
    if values.dtype == object:
        stripped = values.astype("string").str.strip()
        values = stripped.mask(stripped == "").astype(object)
    filled = values.notna().to_numpy()
    converted: pd.Series
    if rule.kind == "text":
        return values.astype(object).map(str, na_action="ignore"), np.zeros(len(values), dtype=bool)
    if rule.kind == "date":
        # Text must be a plain ISO date; a stored timestamp must be a midnight.
        exact = None if pd.api.types.is_datetime64_any_dtype(values.dtype) else "%Y-%m-%d"
        converted = pd.to_datetime(values, format=exact, errors="coerce")
        converted = converted.where(converted.dt.normalize() == converted)
    elif rule.kind == "level":
        position = {word: float(number) for number, word in enumerate(rule.words)}
        converted = values.astype(object).map(position).astype(float)
    else:
        converted = pd.to_numeric(values, errors="coerce").astype(float)
    return converted, filled & converted.isna().to_numpy()
