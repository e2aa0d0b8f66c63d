"""Answers that take long, kept until what they rest on changes, and worked out once at a time."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, TypeVar, cast

from service.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

PATIENCE_SECONDS = 5

T = TypeVar("T")


class Kept:
    """One answer of each name; whoever asks while another's is being worked out waits a little, then is refused."""

    def __init__(self) -> None:
        self._working = Lock()
        self._answers: dict[str, tuple[Hashable, object]] = {}

    def answer(self, name: str, key: Hashable, work_out: Callable[[T | None], T]) -> T:
        """Return the answer to `key`, worked out anew, from the last answer, if that was to another key.

        Raises BusyError.
        """
        if not self._is_known(name, key):
            if not self._working.acquire(timeout=PATIENCE_SECONDS):
                raise BusyError("The answer is being worked out.")
            try:
                if not self._is_known(name, key):
                    _, before = self._answers.get(name, (None, None))
                    self._answers[name] = (key, work_out(cast("T | None", before)))
            finally:
                self._working.release()
        return cast("T", self._answers[name][1])

    def _is_known(self, name: str, key: Hashable) -> bool:
        return name in self._answers and self._answers[name][0] == key
