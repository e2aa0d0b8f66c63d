"""Command line: `python -m service.migrate`, which brings a database's tables to this program's revision."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from model.command_line import result
from service.store.command import database_option, run_on_database

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.store.database import Database

EXAMPLES = """examples:
  python -m service.migrate --database sqlite:////var/lib/risk/risk.sqlite
  RECURRENCE_RISK_DATABASE=postgresql+psycopg://user:password@localhost/risk python -m service.migrate
Make a backup first: there is no way back but the backup. Stop the service, or let it wait: it is not ready meanwhile.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Migrate; returns 2 with one line on stderr if the database is no good."""
    parser = database_option("service.migrate", "Bring the tables of a database to the newest revision.", EXAMPLES)
    return run_on_database(parser, arguments, lambda database, _: migrate(database))


def migrate(database: Database) -> None:
    """Bring the tables to the newest revision, and say from which to which."""
    before, after = database.upgrade()
    result(f"revision {after}" + (": nothing to do" if before == after else f", from {before or 'an empty database'}"))


if __name__ == "__main__":
    sys.exit(main())
