"""Command line and environment to one frozen `Settings`; nothing else in the service reads either."""

from __future__ import annotations

import argparse
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from model.schedule.policy import POLICIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREFIX = "RECURRENCE_RISK_"
DATABASES = ("sqlite", "postgresql+psycopg")

EXAMPLES = """examples:
  python -m service
  python -m service --port 8080 --artifacts artifacts/rnet-0123456789ab
  RECURRENCE_RISK_DATABASE=postgresql+psycopg://user:password@localhost/risk python -m service
Each option can be given as an environment variable too, so that a password need not stand in the list of processes.
"""


MONITOR_EXAMPLES = """examples:
  python -m service.monitor --out monitoring.json
  python -m service.monitor --database sqlite:////var/lib/risk/risk.sqlite --out monitoring.json --overdue overdue.json
The database may be given as RECURRENCE_RISK_DATABASE and the model as RECURRENCE_RISK_ARTIFACTS too.
"""


class SettingsError(Exception):
    """A setting that the service refuses to start with; the message names it and never holds a password."""


@dataclass(frozen=True)
class Settings:
    """What the service is started with.

    Attributes
    ----------
    database : SQLite file or PostgreSQL
    artifacts : a model's folder, or a folder of them
    policies : a folder of policy files
    """

    database: URL
    artifacts: Path
    policies: Path = POLICIES
    host: str = "127.0.0.1"
    port: int = 8000


@dataclass(frozen=True)
class MonitorSettings:
    """What `python -m service.monitor` needs.

    Attributes
    ----------
    database, artifacts, policies : as of the service
    out : where calibration and drift go
    overdue : where the list of overdue patients goes, None = nowhere
    """

    database: URL
    artifacts: Path
    out: Path
    overdue: Path | None
    policies: Path = POLICIES


def read_settings(arguments: Sequence[str] | None, environment: Mapping[str, str]) -> Settings:
    """Read the settings, the command line before the environment; raises SettingsError."""
    options = _parser(_given(environment)).parse_args(arguments)
    return Settings(
        database=database_url(options.database),
        artifacts=Path(options.artifacts),
        policies=Path(options.policies),
        host=_loopback(options.host),
        port=_port(options.port),
    )


def read_monitor_settings(arguments: Sequence[str] | None, environment: Mapping[str, str]) -> MonitorSettings:
    """Read the settings of monitoring in the same way; raises SettingsError."""
    options = _monitor_parser(_given(environment)).parse_args(arguments)
    database = database_url(options.database)
    if database.drivername == "sqlite" and not Path(str(database.database)).is_file():
        raise SettingsError("database: there is no such SQLite file")
    return MonitorSettings(database, Path(options.artifacts), options.out, options.overdue, Path(options.policies))


def database_url(text: str) -> URL:
    """Check a database URL; raises SettingsError without repeating it, since it may hold a password."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise SettingsError("database: not a URL such as sqlite:///file.sqlite") from None
    if url.drivername not in DATABASES:
        raise SettingsError(f"database: must start with {' or '.join(f'{name}://' for name in DATABASES)}")
    if url.drivername == "sqlite" and url.database in (None, "", ":memory:"):
        raise SettingsError("database: name a SQLite file, as in sqlite:///file.sqlite")
    return url


def _given(environment: Mapping[str, str]) -> dict[str, str]:
    """Collect what the environment says, by option; raises SettingsError for one that does not exist."""
    given = {key.removeprefix(PREFIX): value for key, value in environment.items() if key.startswith(PREFIX)}
    if unknown := sorted(set(given) - {name.upper() for name in OPTIONS}):
        raise SettingsError(f"{PREFIX}{unknown[0]}: no such setting")
    return given


OPTIONS = {
    "host": ("127.0.0.1", "H", "loopback address to listen on (default 127.0.0.1)"),
    "port": ("8000", "P", "port (default 8000; 0 = any free one)"),
    "database": ("sqlite:///recurrence-risk.sqlite", "URL", "default sqlite:///recurrence-risk.sqlite"),
    "artifacts": ("artifacts", "DIR", "a model's folder, or a folder of them: the newest is served"),
    "policies": (str(POLICIES), "DIR", "folder of policy files to plan by (default: those that come along)"),
}


def _parser(given: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Serve risks and schedules over HTTP, on this machine only.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_options(parser, given, tuple(OPTIONS))
    return parser


def _monitor_parser(given: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m service.monitor",
        description="Hold the model against what became of the service's own patients. Reads the database, changes "
        "nothing.",
        epilog=MONITOR_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_options(parser, given, ("database", "artifacts", "policies"))
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="json; replaced if it exists")
    parser.add_argument(
        "--overdue", type=Path, metavar="FILE", help="json: the overdue patients, by identifier and reference"
    )
    return parser


def _add_options(parser: argparse.ArgumentParser, given: Mapping[str, str], names: Sequence[str]) -> None:
    for name in names:
        default, shown, text = OPTIONS[name]
        parser.add_argument(f"--{name}", default=given.get(name.upper(), default), metavar=shown, help=text)


def _loopback(host: str) -> str:
    """Refuse every address that other machines can reach: this version asks nobody who they are."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SettingsError(
            f"host: {host} is not a loopback address. This version has no authentication and no TLS, so it listens on "
            "127.0.0.1, ::1 or localhost only"
        )
    return host


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise SettingsError("port: must be a whole number from 0 to 65535")
    return int(text)
