"""Copies of SQLite databases, made while they are in use, and whole."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from model.errors import BadInputError, Problem

if TYPE_CHECKING:
    from pathlib import Path


def copy(source: Path, target: Path) -> None:
    """Copy a database as of one moment, by SQLite's online backup, and read all of the copy.

    Raises BadInputError if `source` is no sound SQLite database.
    """
    if not source.is_file():
        raise BadInputError([Problem(str(source), None, None, "there is no such file")])
    read_only = f"{source.resolve().as_uri()}?mode=ro"
    try:
        with (
            contextlib.closing(sqlite3.connect(read_only, uri=True)) as old,
            contextlib.closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            new.execute("PRAGMA journal_mode = DELETE")  # One file, and none beside it.
            sound = new.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        sound = False
    if not sound:
        raise BadInputError([Problem(str(source), None, None, "is not a sound SQLite database")])


def is_in_use(path: Path) -> bool:
    """Whether another program has a database open; if none has, the file stands for itself afterwards."""
    with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError:
            return True
        except sqlite3.DatabaseError:
            return False  # no database at all
    return False
