"""Open a database so that both kinds keep the same promises: durable writes, one writer at a time per patient."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from service.audit_log.chain import Entry, append
from service.errors import ReadOnlyError
from service.store import revision
from service.store.repository import Patients
from service.store.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

BUSY_SECONDS = 5

log = logging.getLogger("service")


class Database:
    """The tables behind one URL. Raises SQLAlchemy's errors where it cannot be reached.

    Attributes
    ----------
    turns : of those who change a patient within this process and have something to work out first
    """

    def __init__(self, url: URL) -> None:
        self.engine = _sqlite(url) if url.drivername == "sqlite" else _postgresql(url)
        self.newest = revision.newest()
        self.turns = Turns()
        # SQLite lets one writer at a time in and has the others try again now and then: here they wait in line.
        self._line = Lock() if url.drivername == "sqlite" else None
        # Whether something erased may still be in the log: whoever wrote here before may have been killed.
        self._erased, self._overwriting = True, Lock()
        # SQLite's readers see one moment anyway.
        self._one_moment = {} if url.drivername == "sqlite" else {"isolation_level": "REPEATABLE READ"}

    def create_tables(self) -> None:
        """Make the tables of an empty database; raises RevisionError if there are tables of another revision."""
        with self.engine.execution_options(writes=True).begin() as connection:
            revision.lock(connection)
            if revision.revision_of(connection) is None:
                _upgrade(connection)
            revision.require_newest(connection, self.newest)

    def upgrade(self) -> tuple[str | None, str]:
        """Bring the tables to the newest revision, all at once; returns (before, after). Raises RevisionError."""
        with self.engine.execution_options(writes=True).begin() as connection:
            return _upgrade(connection)

    def check(self) -> None:
        """See that the database answers and has the tables; raises RevisionError if they are not ours."""
        with self.engine.connect() as connection:
            revision.require_newest(connection, self.newest)

    def require_writable(self) -> None:
        """See that writes could be taken; raises ReadOnlyError."""
        if self.engine.dialect.name == "sqlite":
            writable = os.access(str(self.engine.url.database), os.W_OK)
        else:
            with self.engine.connect() as connection:
                writable = connection.scalar(text("SHOW transaction_read_only")) == "off"
        if not writable:
            raise ReadOnlyError("The database takes no writes.")

    @contextmanager
    def reading(self) -> Iterator[Patients]:
        """Read patients, all as of one moment; nothing is changed."""
        with Session(self.engine.execution_options(**self._one_moment)) as session:
            yield Patients(session)

    @contextmanager
    def writing(self) -> Iterator[Patients]:
        """Change patients; all of it is kept and durable on leaving, or nothing if an error leaves.

        With SQLite writers of this process wait in line, and not in vain for longer than for the database itself.
        """
        with self._in_line(), Session(self.engine.execution_options(writes=True)) as session, session.begin():
            yield Patients(session)

    @contextmanager
    def _in_line(self) -> Iterator[None]:
        if self._line is None:
            yield
            return
        if not self._line.acquire(timeout=BUSY_SECONDS):
            raise PoolTimeoutError("others of this process write all the time")
        try:
            yield
        finally:
            self._line.release()

    def overwrite_erased(self, *, more: bool = False) -> None:
        """Leave nothing of what was erased in SQLite's write-ahead log, which keeps old pages until it is written anew.

        While somebody reads, that cannot be: nobody waits for it, and it is owed until it was done. PostgreSQL's VACUUM
        is its operator's.

        more : something has just been erased
        """
        if self.engine.dialect.name != "sqlite" or not (more or self._erased):
            return
        # One at a time: who began before something was erased must not say that it is gone.
        with self._overwriting, self.engine.connect() as connection:
            self._erased = True
            # Past SQLAlchemy, whose transaction would itself hold the log up.
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA busy_timeout = 0")
            try:
                ((held_up, *_),) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError:
                held_up = True
            finally:
                driver.execute(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")
            self._erased = bool(held_up)
        if held_up and more:
            log.warning("what was erased stays in the write-ahead log until nobody reads any more")

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    before, after = revision.upgrade(connection)
    if before != after:
        details = {"from": before or "nothing", "to": after}
        append(connection, Entry(datetime.now(tz=UTC), "service.migrate", "database.migrate", details=details))
    return before, after


def _postgresql(url: URL) -> Engine:
    # Parameters hold patients' values and stay out of error messages.
    engine = create_engine(
        url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": BUSY_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
        connection.commit()

    return engine


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # The driver must not open transactions by itself: see _begin.
        # What is erased is overwritten, too.
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes its lock at once: two that both read first could not both go on to write.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
