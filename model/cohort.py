"""A cohort's tables: read, checked once, and turned into the arrays that everything else works on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from model.columns import ColumnRule, check_columns, outcome_rules, patient_rules, visit_rules
from model.errors import BadInputError, Problem
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
    problems: list[Problem] = []
    frames: dict[str, pd.DataFrame] = {}
    rules = {"patients": patient_rules(study), "visits": visit_rules(study), "outcomes": outcome_rules(study)}
    for name, table in tables.items():
        frames[name], found = check_columns(table, rules[name])
        problems += found
    if any(problem.column in ("patient_id", "time", "date", "event", "origin_date") for problem in problems):
        raise BadInputError(problems)  # Without these, rows of different tables cannot be held against each other.
    patients, visits, outcomes = frames["patients"], frames["visits"], frames["outcomes"]
    row_of = pd.Series(np.arange(len(patients)), index=patients["patient_id"])
    origin = patients["origin_date"]
    for name in ("visits", "outcomes"):
        frames[name]["row"] = frames[name]["patient_id"].map(row_of)
        problems += _check(tables[name], frames[name]["row"].isna(), "patient_id", "no such patient in patients")
        frames[name]["month"], found = _months(tables[name], frames[name], origin, study)
        problems += found
    problems += _check(
        tables["patients"],
        ~patients["patient_id"].isin(outcomes["patient_id"]),
        "patient_id",
        "this patient has no row in outcomes",
    )
    if not problems:
        problems = _timeline_problems(tables, visits, outcomes, study)
    if problems:
        raise BadInputError(problems)
    return Cohort(
        study=study,
        patient_id=list(patients["patient_id"]),
        centre=[centre if isinstance(centre, str) else None for centre in patients["centre"]],
        histories=_histories(patients, visits, study),
        outcomes=_outcomes(outcomes, study),
        sha256={table.file: table.sha256 for table in tables.values() if table.sha256},
        about=_about(folder),
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
    return [
        f"{table.file}: {column}: unknown column, ignored"
        for name, table in tables.items()
        for column in table.frame
        if column not in {rule.name for rule in rules[name]}
    ]


def _about(folder: Path) -> dict[str, Any]:
    path = folder / "about.json"
    if not path.is_file():
        return {}
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise BadInputError([Problem(path.name, None, None, "not valid JSON")]) from None
    if not isinstance(about, dict):
        raise BadInputError([Problem(path.name, None, None, "must be a JSON object")])
    return about


def _months(table: Table, frame: pd.DataFrame, origin: pd.Series, study: Study) -> tuple[pd.Series, list[Problem]]:
    """Months since origin of every row, from `time` or from `date` and the patient's origin_date."""
    by_time, by_date = (column in table.frame for column in ("time", "date"))
    if by_time == by_date:
        return pd.Series(np.nan, index=frame.index), [Problem(table.file, 1, "time", "give either time or date")]
    if by_time:
        problems = _check(table, frame["time"].isna(), "time", "a value is required")
        return frame["time"] * study.months_per_unit, problems
    start = frame["row"].map(origin)
    month = (frame["date"] - start).dt.days / DAYS_PER_MONTH
    problems = _check(table, frame["date"].isna(), "date", "a value is required")
    problems += _check(table, start.isna() & frame["row"].notna(), "date", "the patient has no origin_date")
    problems += _check(table, month < 0, "date", "before the patient's origin_date")
    return month, problems


def _timeline_problems(
    tables: dict[str, Table], visits: pd.DataFrame, outcomes: pd.DataFrame, study: Study
) -> list[Problem]:
    """Faults that only show when a patient's rows are held together."""
    outcome = outcomes.set_index("row").loc[visits["row"]].set_axis(visits.index)
    ending = np.array(["follow-up", *(f"follow-up (event: {name})" for name in study.event_names)])
    after = visits["month"] > outcome["month"]
    problems = [
        problem
        for code in np.unique(outcome["event"][after])
        for problem in _check(
            tables["visits"],
            after & (outcome["event"] == code),
            "time",
            f"this visit lies after the end of the patient's {ending[int(code)]}",
        )
    ]
    problems += _check(
        tables["visits"],
        visits.duplicated(["row", "month"]),
        "time",
        "the patient has another visit at this time: merge them into one row",
    )
    ends_by_test = outcome["event"].map(lambda code: code > 0 and study.found_by_test(int(code)))
    at_the_end = (visits["month"] == outcome["month"]) & ends_by_test
    for test in study.test:
        early = (visits[test.name] == POSITIVE) & ~at_the_end & ~after
        problems += _check(
            tables["visits"],
            early,
            test.name,
            "a positive result belongs to the visit at which the event is dated in outcomes; "
            "record a result that work-up cleared as negative",
        )
    problems += _check(
        tables["outcomes"],
        outcomes["last_negative_time"] * study.months_per_unit >= outcomes["month"],
        "last_negative_time",
        "must be before the event's time",
    )
    if not np.isin(outcomes["event"], study.targets).any():
        names = ", ".join(study.event_names[k - 1] for k in study.targets)
        problems.append(
            Problem(
                tables["outcomes"].file,
                None,
                "event",
                f"no patient has a target event ({names}): nothing can be learned",
            )
        )
    return problems


def _check(table: Table, broken: pd.Series, column: str, rule: str) -> list[Problem]:
    return [Problem(table.file, int(line), column, rule) for line in table.line[broken.to_numpy(dtype=bool)]]


def _histories(patients: pd.DataFrame, visits: pd.DataFrame, study: Study) -> Histories:
    """Lay the visits out as one padded row per patient, ascending in time."""
    visits = visits.sort_values(["row", "month"], kind="stable")
    row = visits["row"].to_numpy(dtype=np.int64)
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
        visit_month=padded(["month"], np.inf)[:, :, 0],
        marker=padded([marker.name for marker in study.marker], np.nan),
        test=np.where(np.isnan(test), NOT_DONE, test).astype(np.int8),
    )


def _outcomes(outcomes: pd.DataFrame, study: Study) -> Outcomes:
    ordered = outcomes.sort_values("row")
    return Outcomes(
        exit_month=ordered["month"].to_numpy(dtype=float),
        cause=ordered["event"].to_numpy(dtype=np.int64),
        last_negative_month=ordered["last_negative_time"].to_numpy(dtype=float) * study.months_per_unit,
    )
