"""Refused logins: anybody can make any number of them, and the audit log must not fill up."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_BETWEEN = 10.0


@dataclass
class Refusals:
    """Counts them by whom they name: one is written down, and after a while how many came since.

    Attributes
    ----------
    clock : seconds that never go back
    """

    clock: Callable[[], float] = time.monotonic
    _count: dict[str, int] = field(default_factory=dict)
    _next: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def refused(self, name: str) -> bool:
        """Count one more, of a key of ours or of anybody; returns whether to write it down by itself, now."""
        with self._lock:
            now = self.clock()
            if self._count.get(name, 0) or now < self._next.get(name, now):
                self._count[name] = self._count.get(name, 0) + 1
                return False
            self._next[name] = now + SECONDS_BETWEEN
            return True

    def due(self, *, at_the_end: bool = False) -> dict[str, int]:
        """Take the counts that are to be written down by now: all of them at the end."""
        with self._lock:
            now = self.clock()
            due = {name: count for name, count in self._count.items() if at_the_end or now >= self._next[name]}
            for name in due:
                del self._count[name]
                self._next[name] = now + SECONDS_BETWEEN
            return due
