"""Command line: `python -m service`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from model.command_line import say
from service.ending import REFUSED
from service.settings import SettingsError, read_settings
from service.workers import serve_by_workers

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the service; returns 2 with a line on stderr per setting, policy, model or database that is no good."""
    os.umask(0o077)  # A SQLite file holds patients' data: nobody else's to read.
    given = sys.argv[1:] if arguments is None else arguments
    try:
        settings = read_settings(given, os.environ)
    except SettingsError as error:
        say(str(error))
        return REFUSED
    if settings.workers > 1:
        return serve_by_workers(settings, given)
    from service.serving import serve  # noqa: PLC0415 - what only looks after others need not hold all that they do

    return serve(settings)


if __name__ == "__main__":
    sys.exit(main())
