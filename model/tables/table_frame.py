"""Take a data frame as a table: it says what a file with these columns would say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from model.tables.table_file import Table, check_names, plain_frame

if TYPE_CHECKING:
    from collections.abc import Hashable

IDENTIFIERS = ("patient_id", "centre")
EXACT_WHOLE = 2.0**53


def table_from_frame(name: str, frame: pd.DataFrame) -> Table:
    """Take a data frame as the table `name`; raises BadInputError for columns without a name or with the same one.

    Cells may have any type that says what text in a file would say: numbers, true and false for 1 and 0, categories,
    dates; missing in any of pandas' ways. Nothing is converted here that a parquet file would not keep. Index levels
    with a name are columns too; rows are counted from 1, whatever the index.
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"{name} must be a pandas data frame, not {type(frame).__name__}")
    named: list[Hashable] = [level for level in frame.index.names if level is not None]
    if named:
        frame = frame.reset_index(level=named, allow_duplicates=True)
    columns = [*map(str, frame.columns)]
    check_names(name, columns)
    stored = {column: _stored(column, frame.iloc[:, number]) for number, column in enumerate(columns)}
    return Table(name, plain_frame(pa.table(stored)), np.arange(1, len(frame) + 1), "")


def _stored(column: str, values: pd.Series) -> Any:
    """Return the column as a parquet file would hold it."""
    if column in IDENTIFIERS:
        values = _as_words(values)
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        # Cells of several types: each as it would be written out, so that the one that is wrong can be named.
        return pa.array(values.astype(object).map(str, na_action="ignore"), pa.large_string(), from_pandas=True)


def _as_words(values: pd.Series) -> pd.Series:
    """Write numbers that identify; whole ones without the `.0` that a blank among them has given them."""
    if values.dtype.kind not in "iuf":
        return values
    filled = values.dropna()
    if ((filled % 1 == 0) & (filled.abs() < EXACT_WHOLE)).all():
        values = values.astype("Int64")
    return values.astype("string")
