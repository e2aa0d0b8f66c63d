"""Functions in machine code, for loops that no array operation fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])
Array = TypeVar("Array", bound="np.ndarray[Any, Any]")
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "nsz", "contract"}}


def compiled(function: Function) -> Function:
    """Compile a function at its first call, with numba.

    The code is kept on disk, beside the source or in NUMBA_CACHE_DIR, until the function's own file changes: so
    compiled functions that call one another stand in one file. Where no folder can be written, every process compiles
    anew.
    Sums may be split over the lanes of the processor, so another processor may differ in the last digits.
    """
    try:
        return cast("Function", njit(cache=True, **OPTIONS)(function))
    except RuntimeError:
        return cast("Function", njit(**OPTIONS)(function))


def inlined(function: Function) -> Function:
    """Compile a small function into those of the same file that call it: arrays cost as much to hand over as it does.

    The tuples of arrays are counted at each call, which is most of the time of a function that reads a few numbers.
    """
    return cast("Function", njit(inline="always", **OPTIONS)(function))


def laid_out(values: Array) -> Array:
    """Lay an array out as compiled functions take theirs: any other layout, or a read-only one, is compiled apart."""
    return cast("Array", np.require(values, requirements=["C", "W"]))
