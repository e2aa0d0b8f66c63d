"""Sessions of the pages: a signed note of which key logged in, and until when. Nothing about it is kept here."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

LASTS_SECONDS = 3600
COOKIE = "recurrence_risk_session"

_NOTE = re.compile(r"([0-9a-f]{16})\.([0-9]{1,12})\.([0-9a-f]{64})")


@dataclass(frozen=True)
class Sessions:
    """Signs and reads the notes.

    Attributes
    ----------
    secret : at least 32 bytes, the same in every process that answers for this service
    """

    secret: bytes

    def issue(self, key_id: str, now: float) -> str:
        """Sign a note for a key, from a moment in seconds since 1970."""
        until = int(now) + LASTS_SECONDS
        return f"{key_id}.{until}.{self._signature(key_id, until)}"

    def key_of(self, note: str, now: float) -> str | None:
        """Return whose note it is; None if it is not ours or no longer counts."""
        found = _NOTE.fullmatch(note)
        if found is None:
            return None
        key_id, until = found[1], int(found[2])
        ours = hmac.compare_digest(found[3], self._signature(key_id, until))
        return key_id if ours and now < until else None

    def _signature(self, key_id: str, until: int) -> str:
        return hmac.new(self.secret, f"session:{key_id}:{until}".encode(), hashlib.sha256).hexdigest()
