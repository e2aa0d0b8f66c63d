"""Databases of the tests' own, of either kind."""

import secrets

from sqlalchemy import create_engine, text

from service.settings import database_url

KINDS = ("sqlite", "postgresql")


def new_database(kind, request, tmp_path):
    """The URL of a database without tables."""
    if kind == "sqlite":
        return database_url(f"sqlite:///{tmp_path / 'new.sqlite'}")
    server = request.getfixturevalue("postgres").url
    name = f"new_{secrets.token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"create database {name}"))
    engine.dispose()
    return server.set(database=name)
