"""Command line: `python -m service.audit`: whether the audit log holds, and its head, to be kept elsewhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from model.command_line import result, say
from model.errors import BadInputError, Problem
from service.audit_log.verify import Checkpoint, verify
from service.store.command import database_option, run_on_database

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from service.store.database import Database

BROKEN = 1
EXAMPLES = """examples:
  python -m service.audit verify --database sqlite:////var/lib/risk/risk.sqlite
  python -m service.audit verify --checkpoints checkpoints.txt
  python -m service.audit checkpoint >> checkpoints.txt
Keep checkpoints where whoever can write the database cannot: without them nobody can tell a log that was cut or
replaced as a whole, head and all, from one that never was longer.
Exit code: 0 the chain holds, 1 it does not, 2 the database or a checkpoint is no good.
"""
_LINE = re.compile(r"([1-9][0-9]{0,17}) ([0-9a-f]{64})")


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify or print a checkpoint; returns 1 if the chain does not hold, 2 with a line on stderr for bad input."""
    parser = database_option("service.audit", "Verify the audit log, or print its head.", EXAMPLES)
    parser.add_argument("what", choices=("verify", "checkpoint"))
    parser.add_argument("--checkpoints", type=Path, metavar="FILE", help="a line each, as `checkpoint` printed them")
    held: list[bool] = []
    code = run_on_database(parser, arguments, lambda database, options: held.append(_run(database, options)))
    return code or (0 if all(held) else BROKEN)


def _run(database: Database, options: argparse.Namespace) -> bool:
    """Return whether the chain holds; a checkpoint is printed only of one that does."""
    database.check()
    known = [] if options.checkpoints is None else _read(options.checkpoints)
    with database.reading() as patients:
        found = verify(patients.session, known)
    if found.fault is not None:
        say(f"audit log: entry {found.bad_sequence}: {found.fault}")
        return False
    if options.what == "checkpoint":
        result(f"{found.head.sequence} {found.head.hash}")
    else:
        result(f"{found.head.sequence} entries, {len(known)} checkpoints: the chain holds")
    return True


def _read(path: Path) -> list[Checkpoint]:
    """Read checkpoints, a line each; raises BadInputError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadInputError([Problem(str(path), None, None, "cannot be read")]) from None
    found = [_LINE.fullmatch(line) for line in lines]
    bad = [number for number, match in enumerate(found, 1) if match is None]
    if bad:
        raise BadInputError([Problem(str(path), line, None, "must be a number and a hash") for line in bad])
    return [Checkpoint(int(match[1]), match[2]) for match in found if match]


if __name__ == "__main__":
    sys.exit(main())
