"""Write a file all at once: the new one is there whole, or the old one is as it was."""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from model.saved.scratch import PREFIX, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Give the path of a scratch file beside `target`, which takes its place at the end.

    After an error nothing is left of the scratch file. Raises IsADirectoryError at once, not after the work.
    """
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent)
    scratch = target.with_name(f"{PREFIX}{uuid.uuid4().hex}{target.suffix}")
    try:
        yield scratch
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
