"""Read a surveillance plan from a csv file: month and tests, for everybody or by patient."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthetic_data.arrays import FloatArray
from synthetic_data.parameters import TESTS
from synthetic_data.plans import FixedPlan, NextVisit, Plan, Seen, next_planned

COLUMNS = {"patient_id", "month", "tests"}


class PlanFileError(Exception):
    """The plan file breaks a rule; one line per problem."""


@dataclass(frozen=True, slots=True)
class PersonalPlan:
    """A calendar per patient: `months` (n, n_visits) padded with inf. Who is not in `ids` is not followed."""

    ids: pa.Array
    months: FloatArray
    asked: FloatArray

    def __call__(self, seen: Seen) -> NextVisit:
        """Give the visit after the one last planned."""
        ids = seen.patients["patient_id"].take(pa.array(seen.rows))
        # Whoever is not in the file falls on the last row, which is empty
        mine = pc.fill_null(pc.index_in(ids, value_set=self.ids), len(self.ids)).to_numpy()
        following = next_planned(self.months[mine], seen.planned_month)
        return NextVisit(self.months[mine, following], self.asked[mine, following])


def read_plan(path: Path) -> Plan:
    """Read columns `month`, `tests` (names separated by spaces) and, for a plan by patient, `patient_id`.

    Raises
    ------
    PlanFileError
        The file is missing, or a row breaks a rule; the message has one line per problem.
    """
    rows, columns = _read(path)
    problems: list[str] = [] if rows else [f"{path}:1: holds no visit"]
    visits: dict[str, dict[float, list[str]]] = {}
    for line, row in enumerate(rows, start=2):
        month, tests = _month(row["month"]), (row["tests"] or "").split()
        calendar = visits.setdefault(row.get("patient_id", ""), {})
        if month is None:
            problems.append(f"{path}:{line}: month: must be a number above 0")
        elif month in calendar:
            problems.append(f"{path}:{line}: month: given twice")
        else:
            calendar[month] = tests
        if not tests or not set(tests) <= set(TESTS):
            problems.append(f"{path}:{line}: tests: must be some of {' '.join(TESTS)}")
    if problems:
        raise PlanFileError("\n".join(problems))

    months, asked = _padded(list(visits.values()))
    if "patient_id" in columns:
        return PersonalPlan(pa.array(list(visits)), months, asked)
    return FixedPlan(months[0, :-1], asked[0, :-1])


def _read(path: Path) -> tuple[list[dict[str, str]], set[str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), set(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError) as error:
        raise PlanFileError(f"{path}: cannot be read as a csv file in UTF-8") from error
    if not {"month", "tests"} <= columns <= COLUMNS:
        raise PlanFileError(f"{path}:1: needs the columns month and tests, and may have patient_id")
    return rows, columns


def _month(text: str | None) -> float | None:
    try:
        month = float(text or "")
    except ValueError:
        return None
    return month if 0.0 < month < np.inf else None


def _padded(calendars: list[dict[float, list[str]]]) -> tuple[FloatArray, FloatArray]:
    """Months (n + 1, n_visits + 1) and tests asked for (n + 1, n_visits + 1, n_tests); the extra row is empty."""
    longest = max(map(len, calendars))
    months = np.full((len(calendars) + 1, longest + 1), np.inf)
    asked = np.zeros((*months.shape, len(TESTS)))
    for i, calendar in enumerate(calendars):
        months[i, : len(calendar)] = sorted(calendar)
        for j, month in enumerate(sorted(calendar)):
            asked[i, j, [TESTS.index(test) for test in calendar[month]]] = 1.0
    return months, asked
