"""The identity provider's public keys: fetched, kept, fetched again for a key that is not known; never trusted blindly.

While the provider is away the keys that are kept go on being used. Where none are, nobody gets in.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

import jwt

from service.access.errors import ProviderUnavailableError
from service.access.fetch import FetchError

if TYPE_CHECKING:
    from collections.abc import Callable

# A key that was withdrawn is gone after this long; a new one is there at the first token that names it.
KEPT_SECONDS = 3600.0
# Tokens with made-up key names must not make us ask the provider all the time; without any key we may ask more often.
FEWEST_SECONDS_BETWEEN, WITHOUT_KEYS = 60.0, 5.0
# Whoever waits holds a thread, and need not have shown anything yet.
PATIENCE_SECONDS = 1.0
MOST_KEYS = 100
# By kind and curve.
ALGORITHM_OF = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
FEWEST_RSA_BITS = 2048

log = logging.getLogger("service")


@dataclass
class KeySet:
    """The keys by name.

    Attributes
    ----------
    fetch : reads the document with the keys; raises FetchError
    clock : seconds that never go back
    """

    fetch: Callable[[], bytes]
    clock: Callable[[], float] = time.monotonic
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _fetched_at: float | None = None
    _tried_at: float | None = None
    _fetching: Lock = field(default_factory=Lock)

    def find(self, name: str) -> jwt.PyJWK | None:
        """Return a key; None if the provider has none of that name. Raises ProviderUnavailableError."""
        known = name in self._keys
        settled = (known and self._is_fresh()) or self._refresh(patience=0.0 if known else PATIENCE_SECONDS)
        if self._fetched_at is None or not (known or settled):
            raise ProviderUnavailableError("The identity provider's keys are not known yet.")
        return self._keys.get(name)

    def _is_fresh(self) -> bool:
        return self._fetched_at is not None and self.clock() < self._fetched_at + KEPT_SECONDS

    def _refresh(self, *, patience: float) -> bool:
        """Fetch the keys, unless that was tried a moment ago; what is known stays if it fails.

        patience : seconds to wait for somebody else who is fetching them; returns False if that was not enough
        """
        if not self._fetching.acquire(timeout=patience):
            return False
        try:
            now = self.clock()
            pause = WITHOUT_KEYS if self._fetched_at is None else FEWEST_SECONDS_BETWEEN
            if self._tried_at is not None and now < self._tried_at + pause:
                return True
            self._tried_at = now
            self._keys = usable_keys(self.fetch())
            self._fetched_at = now
        except FetchError as error:
            log.error("the identity provider's keys cannot be fetched: %s", error)  # noqa: TRY400 - its words will do
        finally:
            self._fetching.release()
        return True


def usable_keys(document: bytes) -> dict[str, jwt.PyJWK]:
    """Read a JWKS document; keys for other purposes or algorithms are left out. Raises FetchError."""
    try:
        listed = json.loads(document)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FetchError("what it gave is no JWKS document") from None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise FetchError("what it gave is no JWKS document")
    keys = {}
    for entry in listed:
        key = _usable(entry)
        if key is not None and key.key_id:
            keys[key.key_id] = key
    if not keys:
        raise FetchError("it has no key that signs by RS256, ES256 or EdDSA")
    return keys


def _usable(entry: Any) -> jwt.PyJWK | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
        return None
    curve = entry.get("crv")
    algorithm = ALGORITHM_OF.get((str(entry.get("kty")), curve if curve is None else str(curve)))
    if algorithm is None or entry.get("use", "sig") != "sig" or entry.get("alg", algorithm) != algorithm:
        return None
    if "d" in entry:  # A private key that everybody can read proves nothing.
        return None
    try:
        key = jwt.PyJWK(entry, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return None if algorithm == "RS256" and key.key.key_size < FEWEST_RSA_BITS else key
