"""The rules of a cohort that no single column shows: between rows, between tables, and with how follow-up ended."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import numpy as np

from model.errors import Problem
from model.study.definition import DAYS_PER_MONTH, MOST_MONTHS
from model.types import POSITIVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from model.study.definition import Study
    from model.tables.columns import ColumnRule
    from model.tables.table_file import Table


def months(time: pd.Series, study: Study) -> pd.Series:
    """Turn the study's unit into months.

    Days are divided as dates are: the two ways of giving a day must meet in the very same number.
    """
    return time / DAYS_PER_MONTH if study.time_unit == "days" else time * study.months_per_unit


def is_dated(table: Table) -> bool:
    """Whether a table says when by `date` instead of `time`."""
    return "date" in table.frame and "time" not in table.frame


def broken_rows(table: Table, broken: pd.Series, column: str, rule: str) -> list[Problem]:
    """One problem per broken row; `broken` may be about some of the table's rows only."""
    return [
        Problem(table.file, int(table.line[row]), column, rule) for row in broken.index[broken.to_numpy(dtype=bool)]
    ]


def strangers(table: Table, frame: pd.DataFrame, patients: pd.DataFrame) -> list[Problem]:
    """Rows about nobody in `patients`."""
    who = frame["patient_id"]
    return broken_rows(
        table, who.notna() & ~who.isin(patients["patient_id"]), "patient_id", "no such patient in patients"
    )


def identifier_problems(tables: Mapping[str, Table], frames: Mapping[str, pd.DataFrame]) -> list[Problem]:
    """Patients without an outcome, where there are outcomes; rows of nobody."""
    problems: list[Problem] = []
    patients = frames["patients"]
    if "outcomes" in tables and "patient_id" in tables["outcomes"].frame:
        who = patients["patient_id"]
        without = who.notna() & ~who.isin(frames["outcomes"]["patient_id"])
        problems += broken_rows(tables["patients"], without, "patient_id", "this patient has no row in outcomes")
    if "patient_id" in tables["patients"].frame:
        for name in tables.keys() - {"patients"}:
            problems += strangers(tables[name], frames[name], patients)
    return problems


def place(table: Table, frame: pd.DataFrame, patients: pd.DataFrame, study: Study) -> list[Problem]:
    """Add to every row its patient's number, `_row`, and the months since origin, `_month`; NaN where unknown.

    A study's names start with a letter, so that no column of it can be called so.
    """
    frame["_row"] = row_of(frame["patient_id"], patients)
    if ("time" in table.frame) == ("date" in table.frame):
        frame["_month"] = np.nan
        return [Problem(table.file, 1, "time", "give either time or date")]
    if not is_dated(table):
        frame["_month"] = months(frame["time"], study)
        return []
    month = (frame["date"] - frame["_row"].map(patients["origin_date"])).dt.days / DAYS_PER_MONTH
    frame["_month"] = month.where((month >= 0) & (month <= MOST_MONTHS))
    late = f"more than {MOST_MONTHS / 12:g} years after the patient's origin_date"
    return [
        *broken_rows(table, month < 0, "date", "before the patient's origin_date"),
        *broken_rows(table, month > MOST_MONTHS, "date", late),
    ]


def row_of(patient_id: pd.Series, patients: pd.DataFrame) -> pd.Series:
    """Look up each patient's row in `patients`, NaN for nobody's."""
    first = patients["patient_id"].dropna().drop_duplicates()
    return patient_id.map(dict(zip(first, first.index, strict=True)))


def another_visit(table: Table, visits: pd.DataFrame) -> list[Problem]:
    """Two visits of one patient at one time."""
    placed = visits[visits["_row"].notna() & visits["_month"].notna()]
    rule = "the patient has another visit at this time: merge them into one row"
    return broken_rows(table, placed.duplicated(["_row", "_month"]), _clock(table), rule)


def visits_and_ending(table: Table, visits: pd.DataFrame, outcomes: pd.DataFrame, study: Study) -> list[Problem]:
    """Visits that how follow-up ended makes impossible; rows that are wrong in themselves are left out."""
    problems: list[Problem] = []
    ending = outcomes.dropna(subset=["_row", "_month", "event"]).drop_duplicates("_row").set_index("_row")
    visits = visits[visits["_month"].notna() & visits["_row"].isin(ending.index)]
    ending = ending.loc[visits["_row"]].set_axis(visits.index)
    after = visits["_month"] > ending["_month"]
    for code, name in enumerate(("none", *study.event_names)):
        event = f" (event: {name})" if code else ""
        rule = f"this visit lies after the end of the patient's follow-up{event}"
        problems += broken_rows(table, after & (ending["event"] == code), _clock(table), rule)
    at_the_end = (visits["_month"] == ending["_month"]) & ending["event"].isin(_found_by_test(study))
    early = (
        "a positive result belongs to the visit at which the event is dated in outcomes; "
        "record a result that work-up cleared as negative"
    )
    for test in study.test:
        problems += broken_rows(table, (visits[test.name] == POSITIVE) & ~at_the_end & ~after, test.name, early)
    return problems


def outcome_problems(table: Table, outcomes: pd.DataFrame, study: Study) -> list[Problem]:
    """Faults of the outcomes that no single column shows."""
    stated = outcomes["last_negative_time"].notna()
    by_test = outcomes["event"].isin(_found_by_test(study))
    not_by_test = stated & outcomes["event"].notna() & ~by_test
    late = months(outcomes["last_negative_time"], study) >= outcomes["_month"]
    return [
        *broken_rows(table, outcomes["_month"] == 0, _clock(table), "follow-up must end after time 0"),
        *broken_rows(table, not_by_test, "last_negative_time", "only for events found by tests"),
        *broken_rows(table, late & by_test, "last_negative_time", "must be before the event's time"),
    ]


def nothing_to_learn(table: Table, outcomes: pd.DataFrame, study: Study) -> list[Problem]:
    """Say it if nobody has a target event, once all events are known."""
    if outcomes["event"].isna().any() or outcomes["event"].isin(study.targets).any():
        return []
    names = ", ".join(study.event_names[k - 1] for k in study.targets)
    return [Problem(table.file, None, "event", f"no patient has a target event ({names}): nothing can be learned")]


def unknown_columns(table: Table, rules: Sequence[ColumnRule]) -> list[str]:
    """Name the columns that no rule is about, and for each the absent one that may be meant."""
    known = [rule.name for rule in rules]
    absent = [column for column in known if column not in table.frame]
    found = []
    for column in map(str, table.frame):
        if column not in known:
            near = "".join(f'; is it "{word}"?' for word in difflib.get_close_matches(column, absent, n=1))
            found.append(str(Problem(table.file, None, column, f"unknown column, ignored{near}")))
    return found


def _clock(table: Table) -> str:
    return "date" if is_dated(table) else "time"


def _found_by_test(study: Study) -> list[int]:
    return [cause for cause in range(1, len(study.event) + 1) if study.found_by_test(cause)]
