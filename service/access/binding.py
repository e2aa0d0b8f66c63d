"""What the service refuses to start with, because others could then read what is theirs not to."""

from __future__ import annotations

import ipaddress
import re
import ssl
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

FEWEST_SECRET_BYTES = 32
# A secret that somebody typed, or that stands in a manual, repeats itself.
FEWEST_DISTINCT_BYTES = 12
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\]")


class SettingsError(Exception):
    """A setting that the service refuses to start with; the message names it and never holds a password."""


def required_hostnames(options: Namespace) -> tuple[str, ...]:
    """Check who can reach the service, and return the names under which it may be asked.

    Raises SettingsError: beyond loopback it wants TLS of its own or a proxy's, and to know its name.
    """
    if options.behind_proxy not in ("yes", "no"):
        raise SettingsError("behind-proxy: must be yes or no")
    proxied, tls = options.behind_proxy == "yes", bool(options.tls_cert or options.tls_key)
    if tls:
        _require_tls_files(options.tls_cert, options.tls_key)
    names = tuple(name.strip().lower() for name in options.hostname.split(",") if name.strip())
    for name in names:
        if not _NAME.fullmatch(name):
            raise SettingsError("hostname: must be names or addresses without a port, with commas between them")
    if not is_loopback(options.host) and not tls and not proxied:
        raise SettingsError(
            f"host: {options.host} is not a loopback address, and others would send keys and patients' data in the "
            "clear: give --tls-cert and --tls-key, or --behind-proxy yes if a proxy does TLS"
        )
    if (not is_loopback(options.host) or proxied) and not names:
        raise SettingsError("hostname: say under which name the service is asked")
    return names


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_private(setting: str, path: Path) -> None:
    """Refuse a file with a secret that everybody on this machine can read; a group may, as for system certificates."""
    try:
        mode = path.stat().st_mode
    except OSError:
        raise SettingsError(f"{setting}: there is no such file, or it cannot be read") from None
    if not stat.S_ISREG(mode):
        raise SettingsError(f"{setting}: is not a file")
    if mode & stat.S_IRWXO:
        raise SettingsError(f"{setting}: everybody on this machine can read this file; chmod 600 it")


def secret_of(path: Path | None) -> bytes | None:
    """Read the secret that signs sessions; None where none is set."""
    if path is None:
        return None
    require_private("session-secret-file", path)
    secret = path.read_bytes().strip()
    if len(secret) < FEWEST_SECRET_BYTES or len(set(secret)) < FEWEST_DISTINCT_BYTES:
        raise SettingsError(
            f"session-secret-file: holds a weak secret; {FEWEST_SECRET_BYTES} random bytes or more are wanted: "
            "head -c 48 /dev/urandom | base64"
        )
    return secret


def whole_number(setting: str, text: str, least: int, most: int) -> int:
    """Read a whole number; raises SettingsError."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise SettingsError(f"{setting}: must be a whole number from {least} to {most}")
    return int(text)


def _require_tls_files(certificate: str, key: str) -> None:
    if not (certificate and key):
        raise SettingsError("tls-cert, tls-key: give both or neither")
    require_private("tls-key", Path(key))
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError):
        raise SettingsError(
            "tls-cert, tls-key: are not a certificate and its key in PEM, without a passphrase"
        ) from None
