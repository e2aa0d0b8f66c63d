"""Refused logins of nobody that we know: anybody can make any number of them, and the audit log must not fill up."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_BETWEEN = 10.0


@dataclass
class Strangers:
    """Counts them; now and then it is time to write down how many there were.

    Attributes
    ----------
    clock : seconds that never go back
    """

    clock: Callable[[], float] = time.monotonic
    _count: int = 0
    _next: float = float("-inf")
    _lock: Lock = field(default_factory=Lock)

    def refused(self) -> int | None:
        """Count one more; returns how many to write down with it, None if it is not time yet."""
        with self._lock:
            self._count += 1
            now = self.clock()
            if now < self._next:
                return None
            count, self._count, self._next = self._count, 0, now + SECONDS_BETWEEN
            return count
