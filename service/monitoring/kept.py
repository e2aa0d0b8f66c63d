"""Answers that take long, kept until what they rest on changes, and worked out once at a time."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, TypeVar, cast

from service.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

PATIENCE_SECONDS = 5
MOST_KEPT = 12
NOTHING: tuple[Hashable, object] = (object(), None)  # equal to no key

T = TypeVar("T")


class Kept:
    """One answer of each name; whoever asks while another's is being worked out waits a little, then is refused.

    Only the MOST_KEPT names that were worked out last are kept: there may be as many as there are sets of centres.
    """

    def __init__(self) -> None:
        self._working = Lock()
        self._answers: dict[str, tuple[Hashable, object]] = {}

    def answer(self, name: str, key: Hashable, work_out: Callable[[T | None], T]) -> T:
        """Return the answer to `key`, worked out anew, from the last answer, if that was to another key.

        Raises BusyError.
        """
        known, answer = self._answers.get(name, NOTHING)
        if known != key:
            if not self._working.acquire(timeout=PATIENCE_SECONDS):
                raise BusyError("The answer is being worked out.")
            try:
                known, answer = self._answers.get(name, NOTHING)
                if known != key:
                    answer = work_out(cast("T | None", answer))
                    others = [each for each in self._answers.items() if each[0] != name]
                    self._answers = dict([*others[1 - MOST_KEPT :], (name, (key, answer))])
            finally:
                self._working.release()
        return cast("T", answer)
