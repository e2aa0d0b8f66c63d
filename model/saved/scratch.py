"""Names for what is not finished yet, and the end of what a killed process left under such a name."""

from __future__ import annotations

import contextlib
import shutil
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = ".writing-"
# Nobody writes that long without touching it.
LEFT_AFTER_SECONDS = 7 * 86_400.0


def sweep(folder: Path) -> None:
    """Remove what was left behind in a folder: it may hold patients' data, and is of no use to anybody."""
    latest = time.time() - LEFT_AFTER_SECONDS
    for path in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # Somebody else sweeps too, or it is not ours to remove.
            if path.lstat().st_mtime < latest:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
