"""A cohort's tables: read, checked once, and turned into the arrays that everything else works on."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from model.columns import ColumnRule, check_columns, outcome_rules, patient_rules, visit_rules
from model.errors import BadInputError, Problem
from model.study import MOST_MONTHS
from model.table_file import Table, find_table, read_table
from model.types import NOT_DONE, POSITIVE, Histories, Outcomes

if TYPE_CHECKING:
    from pathlib import Path

    from model.study import Study
    from model.types import FloatArray


DAYS_PER_MONTH = 30.4375


@dataclass(frozen=True)
class Cohort:
    """Patients with what was recorded and how follow-up ended.

    Attributes
    ----------
    study : what the columns mean
    patient_id : (n_patients,) as text
    centre : (n_patients,) as text, None where not given
    histories, outcomes : (n_patients, ...) the arrays
    sha256 : of every table's bytes, by file name: the data's fingerprint
    about : the folder's about.json (title, synthetic, source, licence, command), empty if there is none
    warnings : what was noticed and does not stop the work
    """

    study: Study
    patient_id: list[str]
    centre: list[str | None]
    histories: Histories
    outcomes: Outcomes
    sha256: dict[str, str]
    about: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Count the patients."""
        return len(self.patient_id)


def read_cohort(folder: Path, study: Study) -> Cohort:
    """Read `patients`, `visits` and `outcomes` from a folder; raises BadInputError that lists every problem."""
    tables = _read_tables(folder, study)
    dated = any(_clock(tables[name]) == "date" for name in ("visits", "outcomes"))
    rules = {
        "patients": patient_rules(study, dated=dated),
        "visits": visit_rules(study),
        "outcomes": outcome_rules(study),
    }
    about, problems = _about(folder)
    frames: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        frames[name], found = check_columns(table, rules[name])
        problems += found
    patients, visits, outcomes = frames["patients"], frames["visits"], frames["outcomes"]
    problems += _identifier_problems(tables, frames)
    for name in ("visits", "outcomes"):
        problems += _place(tables[name], frames[name], patients, study)
    problems += _visit_problems(tables["visits"], visits, outcomes, study)
    problems += _outcome_problems(tables["outcomes"], outcomes, study)
    if problems:
        order = [table.file for table in tables.values()]
        raise BadInputError(
            sorted(problems, key=lambda p: ([*order, p.file].index(p.file), p.line or 0, p.column or ""))
        )
    return Cohort(
        study=study,
        patient_id=list(patients["patient_id"]),
        centre=[centre if isinstance(centre, str) else None for centre in patients["centre"]],
        histories=_histories(patients, visits, study),
        outcomes=_outcomes(outcomes, study),
        sha256={table.file: table.sha256 for table in tables.values() if table.sha256},
        about=about,
        warnings=tuple(_unknown_columns(tables, rules)),
    )


def _read_tables(folder: Path, study: Study) -> dict[str, Table]:
    if not folder.is_dir():
        raise BadInputError([Problem(str(folder), None, None, "no such folder")])
    tables: dict[str, Table] = {}
    problems: list[Problem] = []
    for name in ("patients", "visits", "outcomes"):
        try:
            path = find_table(folder, name)
            if path is not None:
                tables[name] = read_table(path)
                if tables[name].frame.empty and name != "visits":
                    problems.append(Problem(path.name, None, None, "the file has a header and no rows"))
            elif name == "visits" and not study.marker and not study.test:
                tables[name] = _no_visits()
            else:
                problems.append(Problem(f"{name}.csv", None, None, f"not found in {folder} (nor {name}.parquet)"))
        except BadInputError as error:
            problems += error.problems
    if problems:
        raise BadInputError(problems)
    return tables


def _no_visits() -> Table:
    frame = pd.DataFrame({"patient_id": pd.Series(dtype=object), "time": pd.Series(dtype=float)})
    return Table("visits.csv", frame, np.zeros(0, dtype=np.int64), "")


def _unknown_columns(tables: dict[str, Table], rules: dict[str, list[ColumnRule]]) -> list[str]:
    found = []
    for name, table in tables.items():
        known = [rule.name for rule in rules[name]]
        absent = [column for column in known if column not in table.frame]
        for column in map(str, table.frame):
            if column not in known:
                near = "".join(f'; is it "{word}"?' for word in difflib.get_close_matches(column, absent, n=1))
                found.append(str(Problem(table.file, None, column, f"unknown column, ignored{near}")))
    return found


def _about(folder: Path) -> tuple[dict[str, Any], list[Problem]]:
    path = folder / "about.json"
    if not path.is_file():
        return {}, []
    try:
        about = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except (ValueError, OSError, RecursionError):
        return {}, [Problem(path.name, None, None, "not valid JSON")]
    if not isinstance(about, dict):
        return {}, [Problem(path.name, None, None, "must be a JSON object")]
    return about, []


def _no_number(word: str) -> float:
    raise ValueError(word)


def _identifier_problems(tables: dict[str, Table], frames: dict[str, pd.DataFrame]) -> list[Problem]:
    """Patients without an outcome; rows of nobody."""
    problems: list[Problem] = []
    for name, other, rule in (
        ("patients", "outcomes", "this patient has no row in outcomes"),
        ("visits", "patients", "no such patient in patients"),
        ("outcomes", "patients", "no such patient in patients"),
    ):
        if "patient_id" in tables[other].frame:
            who = frames[name]["patient_id"]
            problems += _check(tables[name], who.notna() & ~who.isin(frames[other]["patient_id"]), "patient_id", rule)
    return problems


def _place(table: Table, frame: pd.DataFrame, patients: pd.DataFrame, study: Study) -> list[Problem]:
    """Add to every row its patient's number, `_row`, and the months since origin, `_month`; NaN where unknown.

    A study's names start with a letter, so that no column of it can be called so.
    """
    first = patients["patient_id"].dropna().drop_duplicates()
    frame["_row"] = frame["patient_id"].map(pd.Series(first.index, index=first))
    if ("time" in table.frame) == ("date" in table.frame):
        frame["_month"] = np.nan
        return [Problem(table.file, 1, "time", "give either time or date")]
    if _clock(table) == "time":
        frame["_month"] = _months(frame["time"], study)
        return []
    month = (frame["date"] - frame["_row"].map(patients["origin_date"])).dt.days / DAYS_PER_MONTH
    frame["_month"] = month.where((month >= 0) & (month <= MOST_MONTHS))
    late = f"more than {MOST_MONTHS / 12:g} years after the patient's origin_date"
    return [
        *_check(table, month < 0, "date", "before the patient's origin_date"),
        *_check(table, month > MOST_MONTHS, "date", late),
    ]


def _months(time: pd.Series, study: Study) -> pd.Series:
    """Days are divided as dates are: the two ways of giving a day must meet in the very same number."""
    return time / DAYS_PER_MONTH if study.time_unit == "days" else time * study.months_per_unit


def _visit_problems(table: Table, visits: pd.DataFrame, outcomes: pd.DataFrame, study: Study) -> list[Problem]:
    """Faults that only show when a patient's rows are held together; rows that are wrong in themselves are left out."""
    clock = _clock(table)
    visits = visits[visits["_row"].notna() & visits["_month"].notna()]
    another = "the patient has another visit at this time: merge them into one row"
    problems = _check(table, visits.duplicated(["_row", "_month"]), clock, another)
    ending = outcomes.dropna(subset=["_row", "_month", "event"]).drop_duplicates("_row").set_index("_row")
    visits = visits[visits["_row"].isin(ending.index)]
    ending = ending.loc[visits["_row"]].set_axis(visits.index)
    after = visits["_month"] > ending["_month"]
    for code, name in enumerate(("none", *study.event_names)):
        event = f" (event: {name})" if code else ""
        rule = f"this visit lies after the end of the patient's follow-up{event}"
        problems += _check(table, after & (ending["event"] == code), clock, rule)
    found_by_test = [code for code in range(1, len(study.event) + 1) if study.found_by_test(code)]
    at_the_end = (visits["_month"] == ending["_month"]) & ending["event"].isin(found_by_test)
    early = (
        "a positive result belongs to the visit at which the event is dated in outcomes; "
        "record a result that work-up cleared as negative"
    )
    for test in study.test:
        problems += _check(table, (visits[test.name] == POSITIVE) & ~at_the_end & ~after, test.name, early)
    return problems


def _outcome_problems(table: Table, outcomes: pd.DataFrame, study: Study) -> list[Problem]:
    """Faults of the outcomes that no single column shows."""
    found_by_test = [code for code in range(1, len(study.event) + 1) if study.found_by_test(code)]
    stated = outcomes["last_negative_time"].notna()
    by_test = outcomes["event"].isin(found_by_test)
    late = _months(outcomes["last_negative_time"], study) >= outcomes["_month"]
    problems = [
        *_check(table, outcomes["_month"] == 0, _clock(table), "follow-up must end after time 0"),
        *_check(
            table, stated & outcomes["event"].notna() & ~by_test, "last_negative_time", "only for events found by tests"
        ),
        *_check(table, late & by_test, "last_negative_time", "must be before the event's time"),
    ]
    if outcomes["event"].notna().all() and not outcomes["event"].isin(study.targets).any():
        names = ", ".join(study.event_names[k - 1] for k in study.targets)
        rule = f"no patient has a target event ({names}): nothing can be learned"
        problems.append(Problem(table.file, None, "event", rule))
    return problems


def _clock(table: Table) -> str:
    return "date" if "date" in table.frame and "time" not in table.frame else "time"


def _check(table: Table, broken: pd.Series, column: str, rule: str) -> list[Problem]:
    """One problem per broken row; `broken` may be about some of the table's rows only."""
    return [
        Problem(table.file, int(table.line[row]), column, rule) for row in broken.index[broken.to_numpy(dtype=bool)]
    ]


def _histories(patients: pd.DataFrame, visits: pd.DataFrame, study: Study) -> Histories:
    """Lay the visits out as one padded row per patient, ascending in time."""
    visits = visits.sort_values(["_row", "_month"], kind="stable")
    row = visits["_row"].to_numpy(dtype=np.int64)
    n_visits = np.bincount(row, minlength=len(patients))
    place = np.arange(len(row)) - np.repeat(np.cumsum(n_visits) - n_visits, n_visits)
    shape = (len(patients), int(n_visits.max(initial=0)))

    def padded(columns: list[str], empty: float) -> FloatArray:
        array = np.full((*shape, len(columns)), empty)
        array[row, place] = visits[columns].to_numpy(dtype=float)
        return array

    test = padded([test.name for test in study.test], np.nan)
    return Histories(
        baseline=patients[[baseline.name for baseline in study.baseline]].to_numpy(dtype=float),
        visit_month=padded(["_month"], np.inf)[:, :, 0],
        marker=padded([marker.name for marker in study.marker], np.nan),
        test=np.where(np.isnan(test), NOT_DONE, test).astype(np.int8),
    )


def _outcomes(outcomes: pd.DataFrame, study: Study) -> Outcomes:
    ordered = outcomes.sort_values("_row")
    return Outcomes(
        exit_month=ordered["_month"].to_numpy(dtype=float),
        cause=ordered["event"].to_numpy(dtype=np.int64),
        last_negative_month=_months(ordered["last_negative_time"], study).to_numpy(dtype=float),
    )
