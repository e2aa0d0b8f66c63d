"""The file that says how many of each test there are in each month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.errors import BadInputError, Problem
from model.tables.table_file import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from model.study.definition import Study
    from model.tables.table_file import Table
    from model.types import FloatArray, IntArray

COLUMNS = ("month", "test", "slots")
# More digits than this are a slip of the pen.
MOST_DIGITS = 6


@dataclass(frozen=True)
class Slots:
    """How many of a test there are from a month on, until a later entry of the same test; (n_entries,) each.

    Attributes
    ----------
    month : from now
    test : position in the study
    number : in each month
    """

    month: IntArray
    test: IntArray
    number: IntArray

    def room(self, n_months: int, n_tests: int) -> FloatArray:
        """By month, (n_months, n_tests); inf for a test that has no entry."""
        room = np.full((n_months, n_tests), np.inf)
        for entry in np.argsort(self.month, kind="stable"):
            room[self.month[entry] :, self.test[entry]] = self.number[entry]
        return room


def read_slots(path: Path, study: Study) -> Slots:
    """Read and check a file of slots; raises BadInputError that lists every problem with its line and column."""
    table = read_table(path)
    names = set(table.frame.columns)
    wrong = [Problem(table.file, None, name, "column is missing") for name in COLUMNS if name not in names]
    known = ", ".join(COLUMNS)
    wrong += [
        Problem(table.file, None, str(name), f"unknown column; there are {known}")
        for name in sorted(names - set(COLUMNS))
    ]
    if wrong:
        raise BadInputError(wrong)
    if table.frame.empty:
        raise BadInputError([Problem(table.file, None, None, "the file has a header and no rows")])
    tests = [test.name for test in study.test]
    rows = list(zip(table.line, *(table.frame[name] for name in COLUMNS), strict=True))
    month, number = (_whole(table, name) for name in ("month", "slots"))
    test = np.array([tests.index(name) if name in tests else -1 for _, _, name, _ in rows])
    wrong = [
        Problem(table.file, int(line), name, "must be a whole number, 0 or more, of at most six digits")
        for name, values in (("month", month), ("slots", number))
        for line in table.line[values < 0]
    ]
    wrong += [
        Problem(table.file, int(line), "test", f"not a test of the study; there are {', '.join(tests)}")
        for line in table.line[test < 0]
    ]
    wrong = wrong or _out_of_order(table, month, test, tests)
    if wrong:
        raise BadInputError(sorted(wrong, key=lambda problem: (problem.line or 0, problem.column or "")))
    return Slots(month, test, number)


def _whole(table: Table, name: str) -> IntArray:
    """The whole numbers of a column; -1 where there is none."""
    text = [str(value).strip() for value in table.frame[name]]
    good = [part.isascii() and part.isdigit() and len(part) <= MOST_DIGITS for part in text]
    return np.array([int(part) if fits else -1 for part, fits in zip(text, good, strict=True)], dtype=np.int64)


def _out_of_order(table: Table, month: IntArray, test: IntArray, tests: list[str]) -> list[Problem]:
    """Months that are said twice, and tests of which the first months are not said."""
    both = np.stack([month, test], axis=1)
    _, first, which = np.unique(both, axis=0, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[which.reshape(-1)] != np.arange(len(both)))
    twice = [
        Problem(table.file, int(table.line[row]), "month", "a row before says it for this month and test")
        for row in again
    ]
    late = [each for each in np.unique(test) if month[test == each].min() > 0]
    return twice + [
        Problem(
            table.file, int(table.line[test == each][0]), "month", f"{tests[each]} needs a row of month 0, which is now"
        )
        for each in late
    ]
