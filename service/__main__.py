"""Command line: `python -m service`."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from threadpoolctl import threadpool_limits

from model.command_line import say
from model.errors import ArtifactError, BadInputError
from service.app import create_app
from service.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, REFUSED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the service; returns 2 with a line on stderr per setting, policy, model or database that is no good."""
    os.umask(0o077)  # A SQLite file holds patients' data: nobody else's to read.
    try:
        settings = read_settings(arguments, os.environ)
        app = create_app(settings)
    except (SettingsError, ArtifactError, BadInputError) as error:
        say(str(error))
        return REFUSED
    except SQLAlchemyError as error:
        say(f"database: {settings.database.render_as_string()}: cannot be used ({type(error).__name__})")
        return REFUSED
    for stop in (signal.SIGINT, signal.SIGTERM):
        # uvicorn finishes what it is answering and then hands the signal on to us.
        signal.signal(stop, lambda *_: sys.exit(DONE))
    threadpool_limits(limits=1)  # Answers are small: more threads cost more than they gain.
    try:
        uvicorn.run(app, host=settings.host, port=settings.port, access_log=False, server_header=False)
    except SystemExit as stop:
        return DONE if stop.code == DONE else FAILED  # uvicorn leaves with 3 if the port is taken, having said so.
    return DONE


if __name__ == "__main__":
    sys.exit(main())
