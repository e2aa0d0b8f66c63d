"""Open a database so that both kinds keep the same promises: durable writes, one writer at a time per patient."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.orm import Session

from service.store.repository import Patients
from service.store.tables import Base, PatientRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

BUSY_SECONDS = 5


class Database:
    """The tables behind one URL. Raises SQLAlchemy's errors where it cannot be reached."""

    def __init__(self, url: URL) -> None:
        self.engine = _sqlite(url) if url.drivername == "sqlite" else _postgresql(url)

    def create_tables(self) -> None:
        """Create the tables that are not there."""
        with self.engine.execution_options(writes=True).begin() as connection:
            Base.metadata.create_all(connection)

    def check(self) -> None:
        """Read something, to see that the database answers and has the tables."""
        with self.engine.connect() as connection:
            connection.execute(select(PatientRow.patient_id).limit(1))

    @contextmanager
    def reading(self) -> Iterator[Patients]:
        """Read patients; nothing is changed."""
        with Session(self.engine) as session:
            yield Patients(session)

    @contextmanager
    def writing(self) -> Iterator[Patients]:
        """Change patients; all of it is kept and durable on leaving, or nothing if an error leaves."""
        with Session(self.engine.execution_options(writes=True)) as session, session.begin():
            yield Patients(session)

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


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
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes its lock at once: two that both read first could not both go on to write.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
