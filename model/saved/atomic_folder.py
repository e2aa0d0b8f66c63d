"""Write a folder all at once: it is there whole, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from model.saved.scratch import PREFIX, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give a scratch folder beside `target` and rename it to `target` at the end; raises FileExistsError.

    After an error, or a crash in between, `target` does not exist.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent)
    scratch = Path(tempfile.mkdtemp(prefix=PREFIX, dir=target.parent))
    try:
        scratch.chmod(0o755)
        yield scratch
        try:
            scratch.rename(target)
        except OSError:
            if target.exists():  # Somebody else was quicker.
                raise FileExistsError(f"{target} exists already") from None
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
