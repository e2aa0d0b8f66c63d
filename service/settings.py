"""Command line and environment to one frozen `Settings`; nothing else in the service reads either."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from model.errors import BadInputError
from model.saved.signature import read_public_key
from model.schedule.policy import POLICIES
from service.access.binding import SettingsError, required_hostnames, secret_of, whole_number
from service.access.oidc_file import read_provider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from service.access.oidc import Provider

__all__ = ["MonitorSettings", "Settings", "SettingsError", "database_url", "read_monitor_settings", "read_settings"]

PREFIX = "RECURRENCE_RISK_"
DATABASES = ("sqlite", "postgresql+psycopg")
# What libpq takes as a parameter and nobody else should read.
SECRETS = {"password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"}

EXAMPLES = """examples:
  python -m service
  python -m service --port 8080 --artifacts artifacts/rnet-0123456789ab --admin-key-file admin.key
  python -m service --host 0.0.0.0 --hostname risk.example.org --tls-cert risk.pem --tls-key risk.key
  RECURRENCE_RISK_DATABASE=postgresql+psycopg://user:password@localhost/risk python -m service
Each option can be given as an environment variable too, so that a password need not stand in the list of processes.
"""


MONITOR_EXAMPLES = """examples:
  python -m service.monitor --out monitoring.json
  python -m service.monitor --database sqlite:////var/lib/risk/risk.sqlite --out monitoring.json --overdue overdue.json
The database may be given as RECURRENCE_RISK_DATABASE and the model as RECURRENCE_RISK_ARTIFACTS too.
"""


@dataclass(frozen=True)
class Settings:
    """What the service is started with.

    Attributes
    ----------
    database : SQLite file or PostgreSQL
    artifacts : a model's folder, or a folder of them
    policies : a folder of policy files
    model_key : whose signature a model must carry; None = anybody's, or none
    hostnames : names under which it may be asked, besides those of this machine's loopback
    tls_cert, tls_key : files in PEM; None = no TLS
    behind_proxy : a proxy that others reach does TLS
    admin_key_file : where the first admin key goes; None = stderr
    session_secret : signs the sessions of the pages; None = a new one at each start
    oidc : whose tokens are taken besides API keys; None = nobody's
    workers : processes that answer
    traces_endpoint : where an OpenTelemetry collector takes traces; None = nobody does
    requests_per_second : that one caller may make for good; 0 = any number
    most_in_flight : requests being answered at once; more are refused
    deadline_seconds : after which an answer is no longer waited for
    drain_seconds : from being told to stop until no connection is taken any more
    """

    database: URL
    artifacts: Path
    policies: Path = POLICIES
    model_key: Ed25519PublicKey | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    hostnames: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    admin_key_file: Path | None = None
    session_secret: bytes | None = None
    oidc: Provider | None = None
    workers: int = 1
    traces_endpoint: str | None = None
    requests_per_second: int = 200
    most_in_flight: int = 200
    deadline_seconds: int = 30
    drain_seconds: int = 0


@dataclass(frozen=True)
class MonitorSettings:
    """What `python -m service.monitor` needs.

    Attributes
    ----------
    database, artifacts, policies, model_key : as of the service
    out : where calibration and drift go
    overdue : where the list of overdue patients goes, None = nowhere
    """

    database: URL
    artifacts: Path
    out: Path
    overdue: Path | None
    policies: Path = POLICIES
    model_key: Ed25519PublicKey | None = None


def read_settings(arguments: Sequence[str] | None, environment: Mapping[str, str]) -> Settings:
    """Read the settings, the command line before the environment; raises SettingsError."""
    options = _parser(_given(environment)).parse_args(arguments)
    return Settings(
        database=database_url(options.database),
        artifacts=Path(options.artifacts),
        policies=Path(options.policies),
        model_key=_key(options.model_key),
        host=options.host,
        port=whole_number("port", options.port, 0, 65535),
        hostnames=required_hostnames(options),
        tls_cert=_path(options.tls_cert),
        tls_key=_path(options.tls_key),
        behind_proxy=options.behind_proxy == "yes",
        admin_key_file=_path(options.admin_key_file),
        session_secret=secret_of(_path(options.session_secret_file)),
        oidc=read_provider(Path(options.oidc)) if options.oidc else None,
        workers=whole_number("workers", options.workers, 1, 64),
        traces_endpoint=_endpoint(options.traces_endpoint),
        requests_per_second=whole_number("requests-per-second", options.requests_per_second, 0, 1_000_000),
        most_in_flight=whole_number("most-in-flight", options.most_in_flight, 1, 1_000_000),
        deadline_seconds=whole_number("deadline-seconds", options.deadline_seconds, 1, 3600),
        drain_seconds=whole_number("drain-seconds", options.drain_seconds, 0, 3600),
    )


def read_monitor_settings(arguments: Sequence[str] | None, environment: Mapping[str, str]) -> MonitorSettings:
    """Read the settings of monitoring in the same way; raises SettingsError."""
    options = _monitor_parser(_given(environment)).parse_args(arguments)
    database = database_url(options.database)
    if database.drivername == "sqlite" and not Path(str(database.database)).is_file():
        raise SettingsError("database: there is no such SQLite file")
    return MonitorSettings(
        database=database,
        artifacts=Path(options.artifacts),
        out=options.out,
        overdue=options.overdue,
        policies=Path(options.policies),
        model_key=_key(options.model_key),
    )


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
    if SECRETS & url.query.keys():
        # What is shown of an address later hides what stands before the host, and nothing else.
        raise SettingsError(
            "database: a password belongs before the host, as in user:password@host, or into a file that passfile"
            " names; nothing else that is to be kept secret can be given here"
        )
    return url


def _given(environment: Mapping[str, str]) -> dict[str, str]:
    """Collect what the environment says, by option; raises SettingsError for one that does not exist."""
    given = {key.removeprefix(PREFIX): value for key, value in environment.items() if key.startswith(PREFIX)}
    if unknown := sorted(set(given) - {_variable(name) for name in OPTIONS}):
        raise SettingsError(f"{PREFIX}{unknown[0]}: no such setting")
    return given


OPTIONS = {
    "host": ("127.0.0.1", "H", "address to listen on (default 127.0.0.1); others need TLS or a proxy that does it"),
    "port": ("8000", "P", "port (default 8000; 0 = any free one)"),
    "database": ("sqlite:///recurrence-risk.sqlite", "URL", "default sqlite:///recurrence-risk.sqlite"),
    "artifacts": ("artifacts", "DIR", "a folder of models, or the folder of the one to serve"),
    "policies": (str(POLICIES), "DIR", "folder of policy files to plan by (default: those that come along)"),
    "model-key": ("", "FILE", "public Ed25519 key in PEM: only models signed with its other half are loaded"),
    "hostname": ("", "NAME[,NAME]", "names under which it may be asked; needed beyond loopback"),
    "tls-cert": ("", "FILE", "certificate chain in PEM"),
    "tls-key": ("", "FILE", "its private key in PEM, readable by its owner only"),
    "behind-proxy": ("no", "yes|no", "yes: a proxy does TLS, and nobody else can reach this port"),
    "admin-key-file": ("", "FILE", "where the first admin key is written (default: printed once on stderr)"),
    "session-secret-file": (
        "",
        "FILE",
        "32 random bytes or more that sign the pages' sessions (default: new each start)",
    ),
    "oidc": ("", "FILE", "an identity provider whose tokens are taken besides API keys (TOML)"),
    "workers": ("1", "N", "processes that answer on the port (default 1)"),
    "traces-endpoint": ("", "URL", "an OpenTelemetry collector, as in http://127.0.0.1:4318/v1/traces (default: none)"),
    "requests-per-second": ("200", "N", "that one caller may make for good (default 200; 0 = any number)"),
    "most-in-flight": ("200", "N", "requests being answered at once; more are refused with 503 (default 200)"),
    "deadline-seconds": ("30", "N", "after which an answer is no longer waited for: 504 (default 30)"),
    "drain-seconds": ("0", "N", "how long to go on after SIGTERM while saying 'not ready' (default 0)"),
}


def _parser(given: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Serve risks and schedules over HTTP: on this machine, or beyond it with TLS.",
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
    _add_options(parser, given, ("database", "artifacts", "policies", "model-key"))
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="json; replaced if it exists")
    parser.add_argument(
        "--overdue", type=Path, metavar="FILE", help="json: the overdue patients, by identifier and reference"
    )
    return parser


def _add_options(parser: argparse.ArgumentParser, given: Mapping[str, str], names: Sequence[str]) -> None:
    for name in names:
        default, shown, text = OPTIONS[name]
        parser.add_argument(f"--{name}", default=given.get(_variable(name), default), metavar=shown, help=text)


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _key(text: str) -> Ed25519PublicKey | None:
    try:
        return read_public_key(Path(text)) if text else None
    except BadInputError as error:
        raise SettingsError(f"model-key: {error.problems[0].rule}") from None


def _endpoint(text: str) -> str | None:
    """Check a collector's address; raises SettingsError without repeating it, since it may hold a password."""
    if not text:
        return None
    try:
        url = urlsplit(text)
        plain = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        plain = False
    if not plain or "@" in url.netloc or url.query or url.fragment:
        raise SettingsError(
            "traces-endpoint: must be a URL such as http://127.0.0.1:4318/v1/traces; what the collector must be shown "
            "goes into OTEL_EXPORTER_OTLP_HEADERS"
        )
    return text


def _path(text: str) -> Path | None:
    return Path(text) if text else None
