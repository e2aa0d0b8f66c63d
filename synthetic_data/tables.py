"""Write a cohort to a folder, block by block, so that memory does not grow with the cohort."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

FORMATS = ("csv", "parquet")


class FolderNotEmptyError(Exception):
    """The folder to write to already holds something."""


class _Writer(Protocol):
    def write_table(self, table: pa.Table) -> None: ...


def refuse_full_folder(folder: Path) -> None:
    """Raise FolderNotEmptyError unless the folder is free to be written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderNotEmptyError(f"{folder}: exists and is not empty; nothing was written")


def write_cohort(
    folder: Path, parts: Iterable[Mapping[str, pa.Table]], about: Mapping[str, object], *, table_format: str
) -> None:
    """Write every table and about.json to a temporary folder beside `folder`, then rename it.

    A reader therefore finds all of a cohort or nothing. Each part is one write (in parquet one row group), so the
    bytes depend on the cohort only.

    Raises
    ------
    FolderNotEmptyError
        `folder` holds something already.
    """
    refuse_full_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with ExitStack() as stack:
            writers: dict[str, _Writer] = {}
            for part in parts:
                for name, table in part.items():
                    if name not in writers:
                        path = temporary / f"{name}.{table_format}"
                        writers[name] = _writer(path, table.schema, table_format, stack)
                    writers[name].write_table(table)
        (temporary / "about.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        temporary.chmod(0o755)  # mkdtemp keeps the folder to its owner; a cohort is an ordinary folder
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _writer(path: Path, schema: pa.Schema, table_format: str, stack: ExitStack) -> _Writer:
    if table_format == "parquet":
        parquet: _Writer = stack.enter_context(pa.parquet.ParquetWriter(path, schema))
        return parquet
    file = stack.enter_context(path.open("wb"))
    file.write((",".join(schema.names) + "\n").encode())  # the library would put every name in quotes
    options = pa.csv.WriteOptions(include_header=False, quoting_style="none")
    csv: _Writer = stack.enter_context(pa.csv.CSVWriter(file, schema, write_options=options))
    return csv
