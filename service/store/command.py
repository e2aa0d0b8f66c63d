"""What every command on a database does alike: its option, its refusals in one line, exit codes."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from model.command_line import BAD_INPUT, run, say
from service.errors import ServiceError
from service.settings import PREFIX, SettingsError, database_url
from service.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.engine import URL

VARIABLE, DEFAULT = f"{PREFIX}DATABASE", "sqlite:///recurrence-risk.sqlite"


def database_option(name: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Return a parser of `--database`, which the environment may give too."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}",
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = os.environ.get(VARIABLE, DEFAULT)
    parser.add_argument("--database", default=default, metavar="URL", help=f"default {DEFAULT}, or {VARIABLE}")
    return parser


def run_on_database(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    command: Callable[[Database, argparse.Namespace], None],
    *,
    new: bool = False,
) -> int:
    """Run a command on the database that is named; 2 with one line on stderr if it is no good.

    A SQLite file must be there already, unless `new`.
    """
    options = parser.parse_args(arguments)
    before = os.umask(0o077)  # What is written holds patients' data.
    try:
        database = Database(_url(options.database, new=new))
        try:
            return run(lambda: command(database, options))
        finally:
            database.close()
    except (SettingsError, ServiceError) as error:
        say(str(error))
    except SQLAlchemyError as error:
        say(f"database: cannot be used ({type(error).__name__})")
    finally:
        os.umask(before)
    return BAD_INPUT


def _url(text: str, *, new: bool) -> URL:
    url = database_url(text)
    if not new and url.drivername == "sqlite" and not Path(str(url.database)).is_file():
        raise SettingsError("database: there is no such SQLite file")
    return url
