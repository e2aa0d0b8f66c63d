"""Command line: `python -m service`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from threadpoolctl import threadpool_limits

from model.command_line import say
from model.errors import ArtifactError, BadInputError
from service.access.admin_key import make_admin_key
from service.app import create_app
from service.logs import log_to_stderr
from service.settings import SettingsError, read_settings
from service.store.revision import RevisionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.settings import Settings

DONE, FAILED, REFUSED = 0, 1, 2
MOST_SECONDS_TO_ANSWER = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the service; returns 2 with a line on stderr per setting, policy, model or database that is no good."""
    os.umask(0o077)  # A SQLite file holds patients' data: nobody else's to read.
    try:
        settings = read_settings(arguments, os.environ)
        app = create_app(settings)
        make_admin_key(app.state.service.access, settings.admin_key_file, say, though_one_works=False)
    except (SettingsError, ArtifactError, BadInputError, RevisionError) as error:
        say(str(error))
        return REFUSED
    except SQLAlchemyError as error:
        say(f"database: {settings.database.render_as_string()}: cannot be used ({type(error).__name__})")
        return REFUSED
    threadpool_limits(limits=1)  # Answers are small: more threads cost more than they gain.
    log_to_stderr()
    server = _Server(_config(app, settings), app.state.service.stopping, settings.drain_seconds)
    for stop in (signal.SIGINT, signal.SIGTERM):
        # uvicorn finishes what it is answering and then hands the signal on to us.
        signal.signal(stop, lambda *_: sys.exit(DONE))
    try:
        server.run()
    except SystemExit as stop:
        return DONE if stop.code == DONE else FAILED  # uvicorn leaves with 3 if the port is taken, having said so.
    return DONE


class _Server(uvicorn.Server):
    """A server that, told to stop, first says that it is not ready, and only then takes no more connections."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event, drain_seconds: int) -> None:
        super().__init__(config)
        self.stopping = stopping
        self.drain_seconds = drain_seconds

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to stop; the second time, or for Ctrl-C, at once."""
        if sig == signal.SIGTERM and self.drain_seconds and not self.stopping.is_set():
            self.stopping.set()
            later = threading.Timer(self.drain_seconds, super().handle_exit, (sig, frame))
            later.daemon = True
            later.start()
        else:
            self.stopping.set()
            super().handle_exit(sig, frame)


def _config(app: Any, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # Nothing here goes by the sender's address, which anybody could write there.
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        timeout_graceful_shutdown=MOST_SECONDS_TO_ANSWER,
    )


if __name__ == "__main__":
    sys.exit(main())
