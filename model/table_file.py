"""Read one table from disk, csv or parquet, as columns of text or numbers with the line of every row."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet

from model.errors import BadInputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from model.types import IntArray


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


def find_table(folder: Path, name: str) -> Path | None:
    """Return `name.csv` or `name.parquet` in a folder, None if neither is there; BadInputError if both are."""
    found = [path for suffix in (".csv", ".parquet") if (path := folder / f"{name}{suffix}").is_file()]
    if len(found) == 2:
        raise BadInputError([Problem(name, None, None, f"both {found[0].name} and {found[1].name}: keep one")])
    return found[0] if found else None


def read_table(path: Path) -> Table:
    """Read a table; raises BadInputError if the file is not one, naming what it seems to be."""
    content = path.read_bytes()
    if not content.strip():
        raise BadInputError([Problem(path.name, None, None, "the file is empty")])
    frame, line = _from_parquet(path.name, content) if path.suffix == ".parquet" else _from_csv(path.name, content)
    return Table(path.name, frame, line, hashlib.sha256(content).hexdigest())


def _from_parquet(file: str, content: bytes) -> tuple[pd.DataFrame, IntArray]:
    try:
        frame = arrow_parquet.read_table(pa.BufferReader(content)).to_pandas()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError):
        raise BadInputError([Problem(file, None, None, "not a readable parquet file")]) from None
    return frame, np.arange(1, len(frame) + 1)


def _from_csv(file: str, content: bytes) -> tuple[pd.DataFrame, IntArray]:
    content = content.rstrip() + b"\n"
    header = _checked_header(file, content)
    bad_rows: list[int] = []

    def note_row(row: arrow_csv.InvalidRow) -> str:
        bad_rows.append(row.number)
        return "skip"

    try:
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
    except pa.ArrowInvalid:
        raise BadInputError([Problem(file, None, None, "not a comma-separated table (a quote left open?)")]) from None
    lines = _row_lines(content, table.num_rows + len(bad_rows))
    if bad_rows:
        rule = f"the row must have {len(header)} comma-separated values, as the header has"
        raise BadInputError(Problem(file, int(lines[number - 2]), None, rule) for number in bad_rows)
    return table.to_pandas(), lines


def _checked_header(file: str, content: bytes) -> list[str]:
    """Return the column names, or say what the file is instead of a comma-separated table."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError([Problem(file, None, None, f"not a UTF-8 text file (byte {error.start})")]) from None
    if "\0" in text:
        raise BadInputError([Problem(file, None, None, "a binary file, not a comma-separated table")])
    header = next(csv.reader(io.StringIO(text)), [])
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        other = "semicolons" if ";" in header[0] else "tabs"
        raise BadInputError([Problem(file, 1, None, f"columns are separated by {other}; use commas")])
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise BadInputError(Problem(file, 1, name, "this column stands twice") for name in twice)
    if any(not name.strip() for name in header):
        raise BadInputError([Problem(file, 1, None, "a column has no name")])
    return header


def _row_lines(content: bytes, n_rows: int) -> IntArray:
    """First line of every row; only quoted line breaks make it differ from the row's number."""
    if content.rstrip(b"\r\n").count(b"\n") == n_rows:
        return np.arange(2, n_rows + 2)
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    next(reader)
    starts = [reader.line_num + 1]
    starts.extend(reader.line_num + 1 for _ in reader)
    return np.array(starts[:n_rows], dtype=np.int64)
