"""Command line: `python -m service.backup`, a copy of a SQLite database that is in use."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from model.command_line import result
from model.saved.atomic_file import new_file
from service.settings import SettingsError
from service.store.command import database_option, run_on_database
from service.store.copies import copy
from service.store.revision import RevisionError, revision_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.store.database import Database

EXAMPLES = """examples:
  python -m service.backup --database sqlite:////var/lib/risk/risk.sqlite --out /backup/2025-03-31.sqlite
The copy holds patients' data: only its owner can read it. PostgreSQL has its own tools: pg_dump -Fc.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy; returns 2 with one line on stderr if the database or the file is no good."""
    parser = database_option("service.backup", "Copy a SQLite database that is in use, and check the copy.", EXAMPLES)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="must not exist")
    return run_on_database(parser, arguments, lambda database, options: backup(database, options.out))


def backup(database: Database, out: Path) -> None:
    """Copy a database of this program, of whatever revision; raises RevisionError for one that is not."""
    require_sqlite(database, "pg_dump -Fc")
    with database.engine.connect() as connection:
        if revision_of(connection) is None:
            raise RevisionError("database: has no tables of this program")
    if out.exists():
        raise FileExistsError(f"{out}: exists already")
    with new_file(out) as scratch:
        copy(Path(str(database.engine.url.database)), scratch)
    result(str(out))


def require_sqlite(database: Database, instead: str) -> None:
    """Refuse what has tools of its own; raises SettingsError."""
    if database.engine.dialect.name != "sqlite":
        raise SettingsError(f"database: PostgreSQL has its own tool for this: {instead}")


if __name__ == "__main__":
    sys.exit(main())
