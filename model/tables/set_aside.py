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
                self.problems += error.problems
                left = self._without_the_blamed(left, error)

    def known(self, table: Table) -> Table:
        """Leave out a table's rows about patients who were left out, and say so of each."""
        about = whose(table).isin(self.patient_id).to_numpy()
        rule = "this patient was left out: a row of the cohort's tables breaks a rule"
        self.problems += [Problem(table.file, int(line), "patient_id", rule) for line in table.line[about]]
        return table.rows(~about)

    def without_rows(self, table: Table, error: BadInputError) -> Table:
        """Leave out the rows of one table that an error blames, whoever they are about."""
        self.problems += error.problems
        return table.rows(~_blamed(error, table))

    def _without_the_blamed(self, tables: dict[str, Table], error: BadInputError) -> dict[str, Table]:
        blamed = {name: _blamed(error, table) for name, table in tables.items()}
        if not any(rows.any() for rows in blamed.values()):
            raise error
        for name, table in tables.items():
            self.patient_id.update(whose(table)[blamed[name]].dropna())
        gone = {name: whose(table).isin(self.patient_id).to_numpy() | blamed[name] for name, table in tables.items()}
        return {name: table.rows(~gone[name]) for name, table in tables.items()}


def whose(table: Table) -> pd.Series:
    """Whose each row is, (n_rows,) text as the rules read it, None where it does not say."""
    return check_columns(table, [WHOSE])[0]["patient_id"]


def _blamed(error: BadInputError, table: Table) -> BoolArray:
    lines = [problem.line for problem in error.problems if problem.file == table.file and problem.line is not None]
    return np.isin(table.line, lines)
