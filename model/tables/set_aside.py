"""Rows that break a rule, set aside so that the others can be used: with everything else of the same patient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from model.errors import BadInputError, Problem
from model.tables.columns import ColumnRule, check_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from model.tables.table_file import Table
    from model.types import BoolArray

T = TypeVar("T")
WHOSE = ColumnRule("patient_id", "text")


@dataclass
class SetAside:
    """What is left out of tables, and why.

    Attributes
    ----------
    problems : of the rows, in the order in which they were found
    patient_id : whose rows they are, as far as they say: nothing of these patients is used
    """

    problems: list[Problem] = field(default_factory=list)
    patient_id: set[str] = field(default_factory=set)

    def sound(self, tables: Mapping[str, Table], check: Callable[[dict[str, Table]], T]) -> T:
        """Check tables by their names, leaving out the patients whose rows break a rule until no row does.

        Raises BadInputError for what no single row is to blame for, such as a column that is missing.
        """
        check({name: table.rows(np.zeros(len(table.line), dtype=bool)) for name, table in tables.items()})
        left = dict(tables)
        while True:
            try:
                return check(left)
            except BadInputError as error:
                blamed = self._blamed(left, error)
                for name, table in left.items():
                    self.patient_id.update(whose(table)[blamed[name]].dropna())
                gone = {name: blamed[name] | whose(table).isin(self.patient_id) for name, table in left.items()}
                left = {name: table.rows(~gone[name]) for name, table in left.items()}

    def sound_rows(self, table: Table, check: Callable[[Table], T]) -> T:
        """Do the same with one table of which each row stands for itself: only the rows are left out."""
        left = self.known(table)
        check(left.rows(np.zeros(len(left.line), dtype=bool)))
        while True:
            try:
                return check(left)
            except BadInputError as error:
                left = left.rows(~self._blamed({"": left}, error)[""])

    def known(self, table: Table) -> Table:
        """Leave out a table's rows about patients who were left out, and say so of each."""
        about = whose(table).isin(self.patient_id).to_numpy()
        rule = "this patient was left out: a row of the cohort's tables breaks a rule"
        self.problems += [Problem(table.file, int(line), "patient_id", rule) for line in table.line[about]]
        return table.rows(~about)

    def _blamed(self, tables: Mapping[str, Table], error: BadInputError) -> dict[str, BoolArray]:
        """Note the problems; returns which rows they blame. Raises the error if they blame none."""
        blamed = {}
        for name, table in tables.items():
            lines = [problem.line for problem in error.problems if problem.file == table.file]
            blamed[name] = np.isin(table.line, [line for line in lines if line is not None])
        if not any(rows.any() for rows in blamed.values()):
            raise error
        self.problems += error.problems
        return blamed


def whose(table: Table) -> pd.Series:
    """Whose each row is, (n_rows,) text as the rules read it, None where it does not say."""
    return check_columns(table, [WHOSE])[0]["patient_id"]
