"""Command line: `python -m service.restore`, which puts a copy of a SQLite database back."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL

from model.command_line import result
from model.saved.atomic_file import new_file
from service.audit_log.chain import Entry, append
from service.audit_log.verify import verify
from service.backup import require_sqlite
from service.errors import ServiceError
from service.settings import SettingsError
from service.store.command import database_option, run_on_database
from service.store.copies import copy, is_in_use
from service.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Sequence

BESIDE = ("-wal", "-shm", "-journal")  # files of a database in use, or of one that was killed
EXAMPLES = """examples:
  python -m service.restore --database sqlite:////var/lib/risk/risk.sqlite --from /backup/2025-03-31.sqlite
Stop the service first. What was recorded after the copy was made is lost with the database that --replace replaces.
PostgreSQL has its own tools: pg_restore.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Restore; returns 2 with one line on stderr if the copy is no good or the database is there already."""
    parser = database_option("service.restore", "Put a copy of a SQLite database back.", EXAMPLES)
    parser.add_argument("--from", type=Path, required=True, metavar="FILE", dest="source", help="from service.backup")
    parser.add_argument("--replace", action="store_true", help="even if the database is there already")
    return run_on_database(
        parser,
        arguments,
        lambda database, options: restore(database, options.source, replace=options.replace),
        new=True,
    )


def restore(database: Database, source: Path, *, replace: bool) -> None:
    """Check a copy, migrate it if it is older, and put it where the database is to be, all at once.

    Raises ServiceError, BadInputError, SettingsError or FileExistsError.
    """
    require_sqlite(database, "pg_restore")
    target = Path(str(database.engine.url.database))
    # SQLite would play what another database left behind into the one that takes its place.
    left = [target.with_name(target.name + suffix) for suffix in BESIDE]
    for path in (target, *left):
        if path.exists() and not replace:
            raise FileExistsError(f"{path}: exists already; --replace replaces it")
    if target.exists() and is_in_use(target):
        raise SettingsError(f"{target}: is in use; stop the service first")
    with new_file(target) as scratch:
        copy(source, scratch)
        entries = _adopted(scratch, source)
        for path in left:
            path.unlink(missing_ok=True)
    result(f"{target}: restored; its audit log holds, {entries} entries")


def _adopted(scratch: Path, source: Path) -> int:
    """Bring a copy to this program's revision, verify its audit log and write into it that it was put back.

    Returns the number of entries that there were.
    """
    copied = Database(URL.create("sqlite", database=str(scratch)))
    try:
        copied.upgrade()
        with copied.writing() as patients:
            found = verify(patients.session)
            if found.fault is not None:
                raise ServiceError(f"{source}: audit log: entry {found.bad_sequence}: {found.fault}")
            append(patients.session, Entry(datetime.now(tz=UTC), "service.restore", "database.restore"))
    finally:
        copied.close()
    return found.head.sequence


if __name__ == "__main__":
    sys.exit(main())
