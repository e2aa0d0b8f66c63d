"""API keys: `rr_<id>_<secret>`. The secret is 256 random bits, and only its SHA-256 is kept.

A slow hash protects what people choose, since that can be guessed. 2^256 secrets cannot, at any speed: one SHA-256
loses nothing, and costs each request a microsecond instead of a tenth of a second.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_KEY = re.compile(r"rr_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class ApiKey:
    """A key as everybody may know it: without its secret.

    Attributes
    ----------
    centres : whose patients it reaches; None = every centre's
    """

    key_id: str
    name: str
    roles: frozenset[str]
    centres: frozenset[str] | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """Whether it opens anything at a moment."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True)
class Secret:
    """A key's secret part, on its way to whoever asked for it."""

    key_id: str
    secret: str

    @classmethod
    def new(cls) -> Secret:
        """Draw one from the system's randomness."""
        return cls(secrets.token_hex(8), secrets.token_urlsafe(32))

    @classmethod
    def parse(cls, text: str) -> Secret | None:
        """Read a whole key; None if it is none."""
        found = _KEY.fullmatch(text)
        return None if found is None else cls(found[1], found[2])

    @property
    def text(self) -> str:
        """The whole key."""
        return f"rr_{self.key_id}_{self.secret}"

    @property
    def digest(self) -> str:
        """What is kept of it."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def matches(self, digest: str) -> bool:
        """Whether a kept digest is this secret's, in a time that does not tell where they differ."""
        return hmac.compare_digest(self.digest, digest)
