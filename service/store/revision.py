"""Which revision a database's tables have, and the way from there to this program's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from service.errors import ServiceError

if TYPE_CHECKING:
    from sqlalchemy import Connection

FOLDER = Path(__file__).parent / "migrations"
# The tables before there were revisions carry no number.
FIRST, FIRST_TABLE = "0001", "patient"
STAMP_TABLE = "alembic_version"
ADVISORY_LOCK = 7_215_309_441  # any number of our own: PostgreSQL's lock for who makes or changes tables


class RevisionError(ServiceError):
    """The tables are of another revision than this program's; the message says what to do."""


def newest() -> str:
    """Return the revision that this program works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def revision_of(connection: Connection) -> str | None:
    """Read the revision of the tables; None for a database that has none of ours."""
    found = inspect(connection)
    if found.has_table(STAMP_TABLE):
        stamp: str | None = connection.scalar(text(f"SELECT version_num FROM {STAMP_TABLE}"))  # noqa: S608
        return stamp
    return FIRST if found.has_table(FIRST_TABLE) else None


def require_newest(connection: Connection, newest_revision: str) -> None:
    """Refuse tables of another revision; raises RevisionError."""
    found = revision_of(connection)
    if found == newest_revision:
        return
    shown = connection.engine.url.render_as_string(hide_password=True)
    if found is None:
        raise RevisionError(f"database: {shown} is empty")
    if _knows(found):
        raise RevisionError(
            f"database: its tables are of revision {found}, this program needs {newest_revision}. Make a backup, then "
            f"run: python -m service.migrate --database {shown}"
        )
    raise RevisionError(
        f"database: its tables are of revision {found}, which this program (revision {newest_revision}) does not know: "
        "they were made by a newer one. Start that one, or go back to a backup: "
        f"python -m service.restore --database {shown} --from FILE"
    )


def upgrade(connection: Connection) -> tuple[str | None, str]:
    """Bring the tables to the newest revision within the caller's transaction; returns (before, after).

    Raises RevisionError if they are of a revision that this program does not know.
    """
    lock(connection)
    before, after = revision_of(connection), newest()
    if before is not None and not _knows(before):
        require_newest(connection, after)
    if before != after:
        config = _config(connection)
        if before == FIRST:
            command.stamp(config, FIRST)
        command.upgrade(config, "head")
    return before, after


def lock(connection: Connection) -> None:
    """Wait for anybody else who makes or changes tables. SQLite's one writer has waited already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))


def _knows(revision: str) -> bool:
    return any(script.revision == revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
