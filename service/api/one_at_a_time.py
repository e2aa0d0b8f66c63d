"""Answers are worked out one at a time in a process.

The interpreter lets one thread at a time work, and whoever lets go for a moment waits long to go on: eight at once took
125 ms of processor time each where one after the other took 70 (`examples.service_load latency`).
"""

from __future__ import annotations

import threading
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

# Of the process, as the interpreter is; one answer may ask for another.
_WORKING = threading.RLock()


def one_at_a_time(function: Callable[P, T]) -> Callable[P, T]:
    """Wait until nobody else works."""

    @wraps(function)
    def in_turn(*args: P.args, **kwargs: P.kwargs) -> T:
        with _WORKING:
            return function(*args, **kwargs)

    return in_turn
