"""Read one table from disk, csv or parquet, as columns of text or numbers with the line of every row."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet

from model.errors import BadInputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from model.types import BoolArray, IntArray


@dataclass(frozen=True)
class Table:
    """A table as it was written: nothing converted yet.

    Attributes
    ----------
    file : its name, for error messages
    frame : csv columns as text, parquet columns as stored; blank text and null are both missing (None or NaN)
    line : (n_rows,) line in a csv file, row number in parquet
    sha256 : of the file's bytes
    """

    file: str
    frame: pd.DataFrame
    line: IntArray
    sha256: str

    def rows(self, kept: BoolArray) -> Self:
        """Return some of the rows, (n_rows,)."""
        return type(self)(self.file, self.frame[kept].reset_index(drop=True), self.line[kept], self.sha256)


def find_table(folder: Path, name: str) -> Path | None:
    """Return `name.csv` or `name.parquet` in a folder, None if neither is there; BadInputError if both are."""
    found = [path for suffix in (".csv", ".parquet") if (path := folder / f"{name}{suffix}").is_file()]
    if len(found) == 2:
        raise BadInputError([Problem(name, None, None, f"both {found[0].name} and {found[1].name}: keep one")])
    return found[0] if found else None


def read_table(path: Path, aside: list[Problem] | None = None) -> Table:
    """Read a table; raises BadInputError if the file is not one, naming what it seems to be.

    aside : takes rows that have not as many values as the header, which are then left out; None = raise
    """
    try:
        content = path.read_bytes()
    except OSError:
        raise BadInputError([Problem(path.name, None, None, "the file cannot be read")]) from None
    if not content.strip():
        raise BadInputError([Problem(path.name, None, None, "the file is empty")])
    parquet = path.suffix == ".parquet"
    frame, line = _from_parquet(path.name, content) if parquet else _from_csv(path.name, content, aside)
    return Table(path.name, frame, line, hashlib.sha256(content).hexdigest())


def _from_parquet(file: str, content: bytes) -> tuple[pd.DataFrame, IntArray]:
    try:
        table = arrow_parquet.ParquetFile(pa.BufferReader(content)).read()
        check_names(file, table.column_names)
        frame = plain_frame(table)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise BadInputError([Problem(file, None, None, "not a readable parquet file")]) from None
    return frame, np.arange(1, len(frame) + 1)


def plain_frame(table: pa.Table) -> pd.DataFrame:
    """Turn stored columns of different names into a data frame of text, numbers and dates."""
    columns = {name: _plain(column) for name, column in zip(table.column_names, table.columns, strict=True)}
    frame: pd.DataFrame = pa.table(columns).to_pandas()
    return frame


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Undo encodings that pandas would carry on: a dictionary of words, bytes for text, true and false for 1 and 0."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return column.cast(pa.large_string())
    return column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column


def _from_csv(file: str, content: bytes, aside: list[Problem] | None) -> tuple[pd.DataFrame, IntArray]:
    content = content.rstrip() + b"\n"
    bad_rows: list[int] = []

    def note_row(row: arrow_csv.InvalidRow) -> str:
        bad_rows.append(row.number)
        return "skip"

    try:
        header = _checked_header(file, content)
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            # One thread: only then does the reader know the number of a bad row.
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=1 << 24),
            parse_options=arrow_csv.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=note_row
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.string() for name in header},
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=True,
            ),
        )
        lines = _row_lines(content, table.num_rows + len(bad_rows))
    except (pa.ArrowInvalid, csv.Error):
        raise BadInputError([Problem(file, None, None, "not a comma-separated table (a quote left open?)")]) from None
    if bad_rows:
        rule = f"the row must have {len(header)} comma-separated values, as the header has"
        problems = [Problem(file, int(lines[number - 2]), None, rule) for number in bad_rows]
        if aside is None:
            raise BadInputError(problems)
        aside += problems
        lines = np.delete(lines, [number - 2 for number in bad_rows])
    frame = table.rename_columns([name.strip() for name in header]).to_pandas()
    written = frame.notna().any(axis="columns").to_numpy()  # A blank line, or commas alone, is nobody's row.
    return frame[written].reset_index(drop=True), lines[written]


def _checked_header(file: str, content: bytes) -> list[str]:
    """Return the column names as written, or say what the file is instead of a comma-separated table."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError([Problem(file, None, None, f"not a UTF-8 text file (byte {error.start})")]) from None
    if "\0" in text:
        raise BadInputError([Problem(file, None, None, "a binary file, not a comma-separated table")])
    header: list[str] = next(_rows(text), [])
    if not header:
        raise BadInputError([Problem(file, 1, None, "the first line is blank; it must name the columns")])
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        other = "semicolons" if ";" in header[0] else "tabs"
        raise BadInputError([Problem(file, 1, None, f"columns are separated by {other}; use commas")])
    check_names(file, [name.strip() for name in header])
    return header


def check_names(file: str, names: list[str]) -> None:
    """Refuse blank and repeated names, by position: without a header these would be a patient's values."""
    problems = []
    for position, name in enumerate(names, 1):
        first = names.index(name) + 1
        if not name:
            problems.append(Problem(file, 1, None, f"column {position} has no name"))
        elif first < position:
            problems.append(Problem(file, 1, None, f"columns {first} and {position} have the same name"))
    if problems:
        raise BadInputError(problems)


def _row_lines(content: bytes, n_rows: int) -> IntArray:
    """First line of every row; only quoted line breaks make it differ from the row's number."""
    if content.rstrip(b"\r\n").count(b"\n") == n_rows:
        return np.arange(2, n_rows + 2)
    reader = _rows(content.decode("utf-8-sig"))
    next(reader)
    starts = [reader.line_num + 1]
    starts.extend(reader.line_num + 1 for _ in reader)
    return np.array(starts[:n_rows], dtype=np.int64)


def _rows(text: str) -> Any:
    return csv.reader(io.StringIO(text, newline=""))
