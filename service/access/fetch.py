"""Read one small document from one address that an operator named: over TLS, from no private corner, no detours.

The address is the only one that is ever asked; nothing in a token or a request can name another. Its host is looked up
once, every address found is checked, and the connection goes to the checked one: a name that changes its mind in
between (DNS rebinding) leads nowhere else. Redirects are not followed, and proxies not used.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

MOST_BYTES = 200_000
DEADLINE_SECONDS = 5.0
# Where clouds keep metadata that are not link-local.
METADATA = frozenset({"fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"})


class FetchError(Exception):
    """The document cannot be had; the message says why, without what was received."""


@dataclass(frozen=True)
class Source:
    """Where a document is.

    Attributes
    ----------
    url : https only
    trusted : file of certificates to trust instead of the system's; None = the system's
    loopback_http : for tests: plain HTTP, and on this machine
    """

    url: str
    trusted: str | None = None
    loopback_http: bool = False

    def read(self) -> bytes:
        """Fetch the document; raises FetchError."""
        parts = required_address(self.url, loopback_http=self.loopback_http)
        until = time.monotonic() + DEADLINE_SECONDS
        try:
            return self._answer(parts, until)
        except (OSError, http.client.HTTPException, ValueError) as error:  # the last: no name of a host or path
            raise FetchError(type(error).__name__) from None

    def _answer(self, parts: SplitResult, until: float) -> bytes:
        host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
        with self._connected(host, port, secure=parts.scheme == "https") as opened:
            connection = http.client.HTTPConnection(host, port)
            connection.sock = opened
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            connection.request("GET", path, headers={"Accept": "application/json", "Connection": "close"})
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise FetchError(f"it answered {answer.status}")
            return _limited(answer, until)

    def _connected(self, host: str, port: int, *, secure: bool) -> socket.socket:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in found:
            if not (self.loopback_http or is_elsewhere(str(address[0]))):
                raise FetchError("its name leads to this machine or to an address of no service")
            opened = socket.socket(family, kind, protocol)
            opened.settimeout(DEADLINE_SECONDS)
            try:
                opened.connect(address)
                if not secure:
                    return opened
                return ssl.create_default_context(cafile=self.trusted).wrap_socket(opened, server_hostname=host)
            except OSError:
                opened.close()
                if address == found[-1][4]:
                    raise
        raise FetchError("its name leads nowhere")


def required_address(url: str, *, loopback_http: bool = False) -> SplitResult:
    """Check an address; raises FetchError."""
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
    if not named or parts.username or parts.password or parts.fragment:
        raise FetchError("is not a plain address such as https://login.example.org/keys")
    if parts.scheme != "https" and not (loopback_http and parts.scheme == "http"):
        raise FetchError("must start with https://")
    return parts


def is_elsewhere(address: str) -> bool:
    """Whether an address is another machine's, and not that of a cloud's metadata."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(parsed) not in METADATA and not (
        parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified or parsed.is_multicast or parsed.is_reserved
    )


def _limited(answer: http.client.HTTPResponse, until: float) -> bytes:
    """Read to the end, but neither more nor longer than is reasonable."""
    body = bytearray()
    while chunk := answer.read1(16_384):
        body += chunk
        if len(body) > MOST_BYTES:
            raise FetchError(f"it gave more than {MOST_BYTES} bytes")
        if time.monotonic() > until:
            raise FetchError("it took too long")
    return bytes(body)
