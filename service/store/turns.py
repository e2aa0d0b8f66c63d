"""Whoever changes a patient within this process takes turns, before any lock of the database is held.

The database alone would do for safety. But an answer takes far longer than its transaction: those who work out answers
about one record at the same time would all but one have to do it again, with everybody else's writes waiting.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID


class Turns:
    """One lock for each patient who is being changed, and none for anybody else."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._locks: dict[UUID, tuple[Lock, int]] = {}  # with how many hold it or wait for it

    @contextmanager
    def of(self, patient_id: UUID) -> Iterator[None]:
        """Wait for the turn, and hold it until the block ends."""
        with self._guard:
            lock, count = self._locks.get(patient_id, (Lock(), 0))
            self._locks[patient_id] = lock, count + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, count = self._locks[patient_id]
                if count == 1:
                    del self._locks[patient_id]
                else:
                    self._locks[patient_id] = lock, count - 1
