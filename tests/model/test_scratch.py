"""Row F27 of the failure catalogue: what a killed process left half-written is swept by the next that writes there."""

import os
import signal
import subprocess
import sys
import time

import pytest

from model.saved.atomic_file import new_file
from model.saved.atomic_folder import new_folder
from model.saved.scratch import LEFT_AFTER_SECONDS

KILLED = """
import os, pathlib, signal, sys
from model.saved.atomic_file import new_file
from model.saved.atomic_folder import new_folder
with {0}(pathlib.Path(sys.argv[1]) / "target") as scratch:
    (scratch / "part" if scratch.is_dir() else scratch).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("kind", ["new_file", "new_folder"])
def test_f27_what_a_killed_process_left_is_never_under_its_name_and_is_swept_when_it_is_old(tmp_path, kind):
    done = subprocess.run([sys.executable, "-c", KILLED.format(kind), str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".writing-")
    others = [tmp_path / "somebody's", tmp_path / ".writing-link"]
    others[0].mkdir()
    others[1].symlink_to(others[0])
    for write in (new_file, new_folder):
        with write(tmp_path / f"by {write.__name__}") as scratch:
            assert left.exists()  # Somebody may be writing it.
            if write is new_file:
                scratch.write_text("whole")
    before = time.time() - LEFT_AFTER_SECONDS - 1
    for path in (left, *others):
        os.utime(path, (before, before), follow_symlinks=False)
    with new_file(tmp_path / "another") as scratch:
        scratch.write_text("whole")
    assert {path.name for path in tmp_path.iterdir()} == {"another", "by new_file", "by new_folder", "somebody's"}
