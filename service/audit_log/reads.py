"""Reads of personal data go into the chain too, some at a time, so that reading need not wait for a write."""

from __future__ import annotations

import logging
from collections import deque
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Protocol

from service.audit_log.chain import append
from service.errors import AuditLogError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.audit_log.chain import Entry
    from service.store.database import Database

EVERY_SECONDS = 0.5
MOST_WAITING = 10_000
MOST_AT_ONCE = 1000

log = logging.getLogger("service")


class Owed(Protocol):
    """Gives entries that have come due, or all that are left."""

    def __call__(self, *, at_the_end: bool) -> Iterable[Entry]:
        """Give each once."""


class Reads:
    """Entries of reads, on their way into the chain: a thread appends what has come together twice a second.

    If the process is killed, the reads of the last half second are lost; writes never are, since their entries are
    part of their own transactions. While the database takes no writes, reads go on until MOST_WAITING entries wait;
    then they are refused, rather than answered and not written down.
    """

    def __init__(self, database: Database, owed: Owed | None = None) -> None:
        self._database = database
        self._owed = owed
        self._waiting: deque[Entry] = deque()
        self._flushing = Lock()
        self._ended = Event()
        self._held_up = False
        self._thread = Thread(target=self._run, name="audit-log", daemon=True)

    def start(self) -> None:
        """Begin to append."""
        self._thread.start()

    def note(self, entry: Entry) -> None:
        """Take an entry; raises AuditLogError if too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            raise AuditLogError("Too many reads wait to be written down.")
        self._waiting.append(entry)

    def flush(self) -> None:
        """Append what waits; raises SQLAlchemy's errors or AuditLogError, and keeps it then."""
        with self._flushing:
            while taken := [self._waiting[place] for place in range(min(len(self._waiting), MOST_AT_ONCE))]:
                with self._database.writing() as patients:
                    append(patients.session, *taken)
                for _ in taken:
                    self._waiting.popleft()

    def close(self) -> None:
        """Append the rest and stop; what cannot be appended is lost, and logged as a number."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self._try_to_settle(at_the_end=True)
        if self._waiting:
            log.error("audit log: %d reads could not be written down", len(self._waiting))

    def _run(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._try_to_settle()

    def settle(self, *, at_the_end: bool = False) -> None:
        """Take what has come due, append what waits and clear away what was erased; raises as `flush` does."""
        if self._owed is not None:
            self._waiting.extend(self._owed(at_the_end=at_the_end))
        self.flush()
        self._database.overwrite_erased()

    def _try_to_settle(self, *, at_the_end: bool = False) -> None:
        try:
            self.settle(at_the_end=at_the_end)
        except Exception as error:  # noqa: BLE001 (whatever it is, the thread must live to try again)
            if not self._held_up:  # once for each time that the database is away
                log.error("audit log: reads wait to be written down: %s", type(error).__name__)  # noqa: TRY400
            self._held_up = True
        else:
            self._held_up = False
