"""One process that answers: the app behind uvicorn, until it is told to stop."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from threadpoolctl import threadpool_limits

from model.command_line import say
from model.errors import ArtifactError, BadInputError
from service.access.admin_key import make_admin_key
from service.app import create_app
from service.ending import DONE, FAILED, MOST_SECONDS_TO_ANSWER, REFUSED
from service.errors import ServiceError
from service.listening import address, listen
from service.logs import log_to_stderr
from service.settings import SettingsError
from service.store.revision import RevisionError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from service.settings import Settings

log = logging.getLogger("service")


def serve(
    settings: Settings,
    *,
    listening: socket.socket | None = None,
    when_ready: Callable[[], None] = lambda: None,
    makes_key: bool = True,
) -> int:
    """Answer until SIGTERM or SIGINT, on a socket that listens already if one is given; returns an exit code.

    What is no good (policies, model, database) is said on stderr, a line each: REFUSED. The port is taken: FAILED.
    `when_ready` is called once answers can be had; `makes_key` = the first admin key is this process's to make.
    """
    if listening is None:
        try:
            listening = listen(settings)
        except SettingsError as error:
            say(str(error))
            return FAILED
        at = address(listening, settings)
        when_ready = partial(log.info, "running on %s", at)
    with listening:
        return _answer(settings, listening, when_ready, makes_key=makes_key)


def _answer(settings: Settings, listening: socket.socket, when_ready: Callable[[], None], *, makes_key: bool) -> int:
    try:
        app = create_app(settings)
        if makes_key:
            make_admin_key(app.state.service.access, settings.admin_key_file, say, though_one_works=False)
    except (SettingsError, ArtifactError, BadInputError, RevisionError, ServiceError) as error:
        say(str(error))
        return REFUSED
    except SQLAlchemyError as error:
        say(f"database: {settings.database.render_as_string()}: cannot be used ({type(error).__name__})")
        return REFUSED
    threadpool_limits(limits=1)  # Answers are small: more threads cost more than they gain.
    log_to_stderr()
    for stop in (signal.SIGINT, signal.SIGTERM):
        # uvicorn finishes what it is answering and then hands the signal on to us.
        signal.signal(stop, lambda *_: sys.exit(DONE))
    server = _Server(_config(app, settings), app.state.service.stopping, settings.drain_seconds, when_ready)
    try:
        server.run([listening])
    except SystemExit as stop:
        return DONE if stop.code == DONE else FAILED
    return DONE


class _Server(uvicorn.Server):
    """A server that, told to stop, first says that it is not ready, and only then takes no more connections."""

    def __init__(
        self, config: uvicorn.Config, stopping: threading.Event, drain_seconds: int, when_ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self.stopping = stopping
        self.drain_seconds = drain_seconds
        self.when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.when_ready()

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
