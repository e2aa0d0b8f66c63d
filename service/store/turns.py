"""Whoever changes a patient within this process takes turns, before any lock of the database is held.

The database alone would do for safety. But an answer takes far longer than its transaction: of those who work out
answers about one record at the same time all but one would have to do it again, with everybody else's writes waiting.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from service.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

MOST_SECONDS = 20.0


class Turns:
    """One lock for each patient who is being changed, and none for anybody else."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._locks: dict[UUID, tuple[Lock, int]] = {}  # with how many hold it or wait for it

    @contextmanager
    def of(self, patient_id: UUID, most_seconds: float = MOST_SECONDS) -> Iterator[None]:
        """Wait for the turn, and hold it until the block ends; raises BusyError if it does not come."""
        with self._guard:
            lock, count = self._locks.get(patient_id, (Lock(), 0))
            self._locks[patient_id] = lock, count + 1
        try:
            if not lock.acquire(timeout=most_seconds):
                raise BusyError("Others are changing this record.")
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._guard:
                count = self._locks[patient_id][1] - 1
                self._locks[patient_id] = lock, count
                if not count:
                    del self._locks[patient_id]
