"""The socket that requests come in by: taken first, so that nothing is loaded or written for a port that is taken."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from service.settings import SettingsError

if TYPE_CHECKING:
    from service.settings import Settings

BACKLOG = 2048


def listen(settings: Settings) -> socket.socket:
    """Listen on the settings' address; raises SettingsError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        # Names that mean nothing have numbers below 0, and words of their own.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)
        where = f"{settings.host}:{settings.port}"
        raise SettingsError(f"{where}: {why[:1].lower()}{why[1:]}: choose another port with --port") from None


def address(listening: socket.socket, settings: Settings) -> str:
    """Where requests are answered, as a browser takes it."""
    host, port = listening.getsockname()[:2]
    return f"http{'s' if settings.tls_cert else ''}://{f'[{host}]' if ':' in host else host}:{port}"
