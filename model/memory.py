"""Memory that is freed is kept for the next array: giving it back and asking anew was a seventh of an audit's time."""

from __future__ import annotations

import ctypes
import os

# Of glibc, see mallopt(3): larger arrays are mapped one by one; what lies free at the top of the heap is given back.
SETTINGS = {"MALLOC_MMAP_THRESHOLD_": (-3, 32 << 20), "MALLOC_TRIM_THRESHOLD_": (-1, 512 << 20)}


def keep_freed_memory() -> None:
    """Ask for it in this process and those that it starts; where another library gives memory nothing happens.

    What an environment variable of that library says already stays.
    """
    if any(name in os.environ for name in SETTINGS):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is None:
        return
    for name, (number, value) in SETTINGS.items():
        mallopt(number, value)
        os.environ[name] = str(value)
