"""A database of either kind, empty, in a folder of its own, durable as where patients' data are kept."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from service.settings import database_url
from tests.service.postgres import PostgresServer, postgres_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Place:
    """Where a run keeps its things.

    Attributes
    ----------
    folder : gone after the run
    url : of the database
    server : which can be stopped and started; None for SQLite
    """

    folder: Path
    url: URL
    server: PostgresServer | None

    @property
    def file(self) -> Path:
        """SQLite's file."""
        return Path(str(self.url.database))


@contextmanager
def new_place(kind: str) -> Iterator[Place]:
    """Make a folder and a database of a kind, for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="service-load-") as name:
        folder = Path(name)
        if kind == "sqlite":
            yield Place(folder, database_url(f"sqlite:///{folder / 'service.sqlite'}"), None)
        else:
            with postgres_server(fsync="on") as server:
                yield Place(folder, server.url, server)
