"""How often a caller may ask: a bucket of tokens for each, filled at a steady rate. It counts within this process."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from service.access.errors import TooManyRequestsError

if TYPE_CHECKING:
    from collections.abc import Callable

# A caller who has been quiet may ask this many seconds' worth of requests at once.
BURST_SECONDS = 2.0
MOST_BUCKETS = 10_000


class RateLimit:
    """One bucket for each caller.

    Attributes
    ----------
    per_second : requests a second that a caller may make for good; 0 = as many as they like
    clock : seconds that never go back
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second = per_second
        self.clock = clock
        self._most = max(per_second * BURST_SECONDS, 1.0)
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = Lock()

    def take(self, caller: str) -> None:
        """Count one request; raises TooManyRequestsError with the seconds after which one will be let through."""
        if self.per_second <= 0:
            return
        now = self.clock()
        with self._lock:
            level = self._level(caller, now)
            if level < 1.0:
                raise TooManyRequestsError((1.0 - level) / self.per_second)
            if len(self._buckets) >= MOST_BUCKETS:
                # A full bucket is as good as none.
                full = [name for name in self._buckets if self._level(name, now) >= self._most]
                for name in full:
                    del self._buckets[name]
            self._buckets[caller] = (level - 1.0, now)

    def _level(self, caller: str, now: float) -> float:
        level, at = self._buckets.get(caller, (self._most, now))
        return min(self._most, level + (now - at) * self.per_second)
