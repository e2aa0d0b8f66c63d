"""Command line: `python -m service.admin_key`, for an operator whose admin keys are lost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from model.command_line import result
from service.access.access import Access
from service.access.admin_key import make_admin_key
from service.app import utc_now
from service.store.command import database_option, run_on_database

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = """examples:
  python -m service.admin_key --database sqlite:////var/lib/risk/risk.sqlite --file admin.key
It needs no key: whoever can write the database is its operator. End the lost keys with the new one.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a key; returns 2 with one line on stderr if the database or the file is no good."""
    parser = database_option("service.admin_key", "Make another key for an admin.", EXAMPLES)
    parser.add_argument("--file", type=Path, metavar="FILE", help="where the key is written (default: printed)")
    return run_on_database(
        parser,
        arguments,
        lambda database, options: make_admin_key(
            Access(database, utc_now), options.file, result, though_one_works=True
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
