"""A cohort: tables from a folder or data frames, checked once, as the arrays that everything else works on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from model.errors import BadInputError, Problem
from model.tables import cohort_rules, contradictions
from model.tables.columns import ColumnRule, check_columns, outcome_rules, patient_rules, visit_rules
from model.tables.table_file import Table, find_table, read_table
from model.tables.table_frame import table_from_frame
from model.types import NOT_DONE, Histories, Outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from model.study.definition import Study
    from model.tables.set_aside import SetAside
    from model.types import BoolArray, FloatArray, IntArray

DayArray = npt.NDArray[np.datetime64]
TABLES = ("patients", "visits", "outcomes")


@dataclass(frozen=True)
class Records:
    """Patients with what was recorded about them.

    Attributes
    ----------
    study : what the columns mean
    patient_id : (n_patients,) as text
    centre : (n_patients,) as text, None where not given
    histories : (n_patients, ...) the arrays
    outcomes : (n_patients,) how follow-up ended, None where no such table was given
    sha256 : of every table's bytes, by file name: the data's fingerprint; empty for data frames
    about : the folder's about.json (title, synthetic, source, licence, command), empty if there is none
    warnings : what was noticed and does not stop the work
    origin_date : (n_patients,) days, NaT where not given; None if the table has no such column
    """

    study: Study
    patient_id: list[str]
    centre: list[str | None]
    histories: Histories
    outcomes: Outcomes | None
    sha256: dict[str, str]
    about: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    origin_date: DayArray | None = None

    def __len__(self) -> int:
        """Count the patients."""
        return len(self.patient_id)


@dataclass(frozen=True)
class Cohort(Records):
    """Patients of whom it is known how follow-up ended, some with a target event: a model can learn from them."""

    outcomes: Outcomes

    def select(self, index: IntArray | BoolArray) -> Self:
        """Return some of the patients, in the order of `index`."""
        who = np.arange(len(self))[index]
        return replace(
            self,
            patient_id=[self.patient_id[i] for i in who],
            centre=[self.centre[i] for i in who],
            histories=self.histories.select(who),
            outcomes=self.outcomes.select(who),
            origin_date=None if self.origin_date is None else self.origin_date[who],
        )


def read_cohort(folder: Path, study: Study) -> Cohort:
    """Read `patients`, `visits` and `outcomes` from a folder; raises BadInputError that lists every problem."""
    return Cohort(**vars(_read(folder, study, learning=True)))


def read_records(folder: Path, study: Study, aside: SetAside | None = None) -> Records:
    """Read a folder to predict from: as `read_cohort`, but `outcomes` may be absent, or hold no target event.

    aside : takes patients whose rows break a rule, who are then left out; None = raise
    """
    return _read(folder, study, learning=False, aside=aside)


def cohort_from_frames(
    patients: pd.DataFrame, visits: pd.DataFrame | None, outcomes: pd.DataFrame, study: Study
) -> Cohort:
    """Take data frames in place of files, by the same rules; errors count a frame's rows from 1.

    `visits` may be None for a study that has neither markers nor tests.
    """
    frames = {"patients": patients, "visits": visits, "outcomes": outcomes}
    return Cohort(**vars(_take(frames, study, learning=True)))


def records_from_frames(patients: pd.DataFrame, visits: pd.DataFrame | None, study: Study) -> Records:
    """Take data frames to predict from: as `cohort_from_frames`, without outcomes."""
    return _take({"patients": patients, "visits": visits}, study, learning=False)


def _read(folder: Path, study: Study, *, learning: bool, aside: SetAside | None = None) -> Records:
    def find(name: str) -> Table | Problem:
        path = find_table(folder, name)
        return (
            read_table(path, None if aside is None else aside.problems)
            if path
            else Problem(f"{name}.csv", None, None, f"not found in {folder} (nor {name}.parquet)")
        )

    if not folder.is_dir():
        raise BadInputError([Problem(str(folder), None, None, "no such folder")])
    tables = _gathered(find, study, learning=learning)
    about, problems = _about(folder)
    check = partial(_checked, study=study, learning=learning, about=about, problems=problems)
    return check(tables) if aside is None else aside.sound(tables, check)


def _take(frames: dict[str, pd.DataFrame | None], study: Study, *, learning: bool) -> Records:
    def find(name: str) -> Table | Problem:
        frame = frames.get(name)
        return Problem(name, None, None, "a data frame is needed") if frame is None else table_from_frame(name, frame)

    return _checked(_gathered(find, study, learning=learning), study, learning=learning, about={}, problems=[])


def _gathered(find: Callable[[str], Table | Problem], study: Study, *, learning: bool) -> dict[str, Table]:
    """Collect the tables there are, or every reason why one that is needed is none."""
    needed = {"patients": True, "visits": bool(study.marker or study.test), "outcomes": learning}
    tables: dict[str, Table] = {}
    problems: list[Problem] = []
    for name in TABLES:
        try:
            found = find(name)
        except BadInputError as error:
            problems += error.problems
            continue
        if isinstance(found, Table):
            tables[name] = found
            if found.frame.empty and name != "visits":
                rule = "the file has a header and no rows" if found.sha256 else "the data frame has no rows"
                problems.append(Problem(found.file, None, None, rule))
        elif needed[name]:
            problems.append(found)
    if problems:
        raise BadInputError(problems)
    return tables


def _checked(
    tables: dict[str, Table], study: Study, *, learning: bool, about: dict[str, Any], problems: list[Problem]
) -> Records:
    """Check tables by every rule; raises BadInputError with these problems and those given, in the tables' order."""
    dated = any(cohort_rules.is_dated(tables[name]) for name in tables if name != "patients")
    rules: dict[str, list[ColumnRule]] = {
        "patients": patient_rules(study, dated=dated),
        "visits": visit_rules(study),
        "outcomes": outcome_rules(study),
    }
    frames: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        frames[name], found = check_columns(table, rules[name])
        problems = [*problems, *found]
    problems += cohort_rules.identifier_problems(tables, frames)
    problems += _problems_in_time(tables, frames, study)
    if learning:
        problems += cohort_rules.nothing_to_learn(tables["outcomes"], frames["outcomes"], study)
    if problems:
        raise BadInputError(_sorted(problems, [table.file for table in tables.values()]))
    patients = frames["patients"]
    histories = _histories(patients, frames.get("visits"), study)
    unknown = [line for name in tables for line in cohort_rules.unknown_columns(tables[name], rules[name])]
    contradicting = contradictions.counted(tables["patients"].file, study, histories.baseline)
    return Records(
        study=study,
        patient_id=list(patients["patient_id"]),
        centre=[centre if isinstance(centre, str) else None for centre in patients["centre"]],
        histories=histories,
        outcomes=_outcomes(frames["outcomes"], study) if "outcomes" in frames else None,
        sha256={table.file: table.sha256 for table in tables.values() if table.sha256},
        about=about,
        warnings=(*unknown, *contradicting),
        origin_date=_days(patients["origin_date"]) if "origin_date" in tables["patients"].frame else None,
    )


def _days(dates: pd.Series) -> DayArray:
    return dates.to_numpy(dtype="datetime64[D]")


def _problems_in_time(tables: dict[str, Table], frames: dict[str, pd.DataFrame], study: Study) -> list[Problem]:
    """Put visits and outcomes on the patients' clocks, and find what does not fit together there."""
    problems: list[Problem] = []
    for name in tables.keys() - {"patients"}:
        problems += cohort_rules.place(tables[name], frames[name], frames["patients"], study)
    if "visits" in tables:
        problems += cohort_rules.another_visit(tables["visits"], frames["visits"])
    if "outcomes" in tables:
        problems += cohort_rules.outcome_problems(tables["outcomes"], frames["outcomes"], study)
    if "visits" in tables and "outcomes" in tables:
        problems += cohort_rules.visits_and_ending(tables["visits"], frames["visits"], frames["outcomes"], study)
    return problems


def _sorted(problems: Sequence[Problem], files: list[str]) -> list[Problem]:
    return sorted(problems, key=lambda p: ([*files, p.file].index(p.file), p.line or 0, p.column or ""))


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


def _histories(patients: pd.DataFrame, visits: pd.DataFrame | None, study: Study) -> Histories:
    """Lay the visits out as one padded row per patient, ascending in time."""
    markers, tests = [marker.name for marker in study.marker], [test.name for test in study.test]
    if visits is None:
        visits = pd.DataFrame(columns=["_row", "_month", *markers, *tests], dtype=float)
    visits = visits.sort_values(["_row", "_month"], kind="stable")
    row = visits["_row"].to_numpy(dtype=np.int64)
    n_visits = np.bincount(row, minlength=len(patients))
    place = np.arange(len(row)) - np.repeat(np.cumsum(n_visits) - n_visits, n_visits)
    shape = (len(patients), int(n_visits.max(initial=0)))

    def padded(columns: list[str], empty: float) -> FloatArray:
        array = np.full((*shape, len(columns)), empty)
        array[row, place] = visits[columns].to_numpy(dtype=float)
        return array

    test = padded(tests, np.nan)
    return Histories(
        baseline=patients[[baseline.name for baseline in study.baseline]].to_numpy(dtype=float),
        visit_month=padded(["_month"], np.inf)[:, :, 0],
        marker=padded(markers, np.nan),
        test=np.where(np.isnan(test), NOT_DONE, test).astype(np.int8),
    )


def _outcomes(outcomes: pd.DataFrame, study: Study) -> Outcomes:
    ordered = outcomes.sort_values("_row")
    return Outcomes(
        exit_month=ordered["_month"].to_numpy(dtype=float),
        cause=ordered["event"].to_numpy(dtype=np.int64),
        last_negative_month=cohort_rules.months(ordered["last_negative_time"], study).to_numpy(dtype=float),
    )
