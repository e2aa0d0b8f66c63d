"""Command line: `python -m examples.service_load NAME` puts the service under load and says what it held."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from examples.service_load.databases import KINDS, new_place
from examples.service_load.options import BrokenPromiseError, Options
from examples.serving import ServiceError
from model.command_line import at_least, result, say

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = ("writers", "kills", "latency", "outage", "campaign")
BROKEN = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one load on each kind of database; returns 1 if the service broke a promise."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.service_load",
        description="The service under load and faults, as a process of its own, on SQLite and on PostgreSQL.",
    )
    parser.add_argument("name", choices=NAMES, help="what to do to it")
    parser.add_argument("--artifacts", type=Path, required=True, metavar="DIR", help="of the model that is served")
    parser.add_argument("--database", choices=KINDS, help="only this kind (default: one after the other)")
    parser.add_argument("--clients", type=at_least(1), default=8, help="at once (default 8)")
    parser.add_argument(
        "--seconds", type=at_least(1), default=60, help="of load; of an outage or a block of latency (default 60)"
    )
    parser.add_argument("--blocks", type=at_least(1), default=3, help="latency: of each kind (default 3)")
    parser.add_argument("--kills", type=at_least(1), default=20, help="kills (default 20)")
    parser.add_argument("--requests", type=at_least(1), default=50_000, help="campaign (default 50000)")
    parser.add_argument("--seed", type=at_least(0), default=1, help="of what is drawn (default 1)")
    options = vars(parser.parse_args(arguments))
    name, only = options.pop("name"), options.pop("database")
    report = import_module(f"examples.service_load.{name}").report
    result(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} before the run")
    for kind in (only,) if only else KINDS:
        result(f"== {name} on {kind}")
        with new_place(kind) as place:
            try:
                for line in report(Options(**options), place):
                    result(line)
            except (BrokenPromiseError, ServiceError) as error:
                say(str(error))
                return BROKEN
    return 0


if __name__ == "__main__":
    sys.exit(main())
