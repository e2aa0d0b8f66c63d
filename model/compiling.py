"""Functions in machine code, for loops that no array operation fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function at its first call, with numba.

    The code is kept on disk, beside the source or in NUMBA_CACHE_DIR, until the function's own file changes: so
    compiled functions that call one another stand in one file. Where no folder can be written, every process compiles
    anew.
    Sums may be split over the lanes of the processor, so another processor may differ in the last digits.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"reassoc", "nsz", "contract"},
    }
    try:
        return cast("Function", njit(cache=True, **options)(function))
    except RuntimeError:
        return cast("Function", njit(**options)(function))
